"""Commits, and the files of a repository."""

import base64
import json
import re
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hub_server.http import Refused, Reply, Request, as_json
from hub_server.repositories import card_faults, find_commit, lfs_of
from hub_server.storage import ATTRIBUTES, Entry, Repo, git_oid, pointer

if TYPE_CHECKING:
    from hub_server.server import HubServer

LARGE = 10 * 2**20
PATTERNS = [line.split()[0] for line in ATTRIBUTES.splitlines()]


def preupload(hub: "HubServer", request: Request, repo: Repo, revision: str) -> Reply:
    hub.accounts.writer(request, repo.namespace)
    tree = find_commit(repo, revision).tree
    files = []
    for asked in request.json()["files"]:
        path = asked["path"]
        large = asked["size"] > LARGE or any(fnmatch(path.rpartition("/")[2], pattern) for pattern in PATTERNS)
        there = tree.get(path)
        oid = {"oid": there.sha256 if there.lfs else there.oid} if there else {}
        mode = "lfs" if large else "regular"
        files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, **oid})
    return as_json({"files": files})


def commit(hub: "HubServer", request: Request, repo: Repo, branch: str) -> Reply:
    user = hub.accounts.writer(request, repo.namespace)
    operations = [json.loads(line) for line in request.body().splitlines() if line.strip()]
    header = next(each["value"] for each in operations if each["key"] == "header")
    with hub.storage.lock(repo.id):
        repo = hub.storage.repo(repo.kind, repo.id) or repo
        if branch not in repo.branches:
            raise Refused(404, "RevisionNotFound", f"Invalid rev id: {branch}")
        head = repo.branches[branch]
        if header.get("parentCommit") not in (None, head):
            raise Refused(412, message="A commit has happened since. Please refresh and try again.")
        tree = dict(repo.commits[head].tree)
        for each in operations:
            _apply(hub, tree, each["key"], each["value"])
        made = hub.storage.commit(repo, branch, header["summary"], header.get("description", ""), user.name, tree)
    url = f"{hub.url}/{'datasets/' if repo.kind == 'dataset' else ''}{repo.id}/commit/{made.id}"
    return as_json({"success": True, "commitUrl": url, "commitOid": made.id})


def _apply(hub: "HubServer", tree: dict[str, Entry], key: str, value: dict[str, Any]) -> None:
    path = value.get("path", "")
    if key == "file":
        data = base64.b64decode(value["content"])
        if path == "README.md" and (faults := card_faults(data.decode())):
            raise Refused(400, message=f"Invalid metadata in README.md: {faults[0]}")
        tree[path] = Entry(len(data), git_oid(data), hub.storage.put(data), False)
    elif key == "lfsFile":
        sha256 = value["oid"]
        size = (
            hub.storage.blob(sha256).stat().st_size if hub.storage.blob(sha256).is_file() else hub.xet.size_of(sha256)
        )
        if size is None:
            raise Refused(400, message=f"LFS pointer pointed to a file that does not exist: {sha256}")
        tree[path] = Entry(size, git_oid(pointer(sha256, size)), sha256, True)
    elif key == "deletedFile":
        if path not in tree:
            raise Refused(404, "EntryNotFound", f"{path} does not exist")
        del tree[path]
    elif key == "deletedFolder":
        for name in [name for name in tree if name.startswith(f"{path.rstrip('/')}/")]:
            del tree[name]


def tag(hub: "HubServer", request: Request, repo: Repo, name: str) -> Reply:
    return _point(hub, request, repo, repo.tags, name, "")


def new_tag(hub: "HubServer", request: Request, repo: Repo, revision: str) -> Reply:
    """Set the tag that the body names on a revision."""
    hub.accounts.writer(request, repo.namespace)
    name = request.json()["tag"]
    with hub.storage.lock(repo.id):
        repo = hub.storage.repo(repo.kind, repo.id) or repo
        if name in repo.tags:
            return as_json({"error": "Reference already exists"}, 409)
        repo.tags[name] = find_commit(repo, revision).id
        hub.storage.save(repo)
    return as_json({})


def branch(hub: "HubServer", request: Request, repo: Repo, name: str) -> Reply:
    return _point(hub, request, repo, repo.branches, name, (request.json() or {}).get("startingPoint") or "main")


def _point(hub: "HubServer", request: Request, repo: Repo, refs: dict[str, str], name: str, start: str) -> Reply:
    """Make a branch, or remove a branch or a tag."""
    hub.accounts.writer(request, repo.namespace)
    with hub.storage.lock(repo.id):
        if request.method == "DELETE":
            if refs.pop(name, None) is None:
                raise Refused(404, "RevisionNotFound", name)
        elif name in refs:
            return as_json({"error": "Reference already exists"}, 409)
        else:
            refs[name] = find_commit(repo, start).id
        hub.storage.save(repo)
    return as_json({})


def tree(hub: "HubServer", request: Request, repo: Repo, revision: str, folder: str = "") -> Reply:
    found = find_commit(repo, revision)
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    recursive = request.query.get("recursive", "").lower() in ("true", "1")
    entries: dict[str, dict[str, Any]] = {}
    for path, entry in sorted(found.tree.items()):
        if not path.startswith(prefix):
            continue
        parts = path.removeprefix(prefix).split("/")
        for depth in range(1, len(parts) if recursive else min(2, len(parts))):
            name = prefix + "/".join(parts[:depth])
            entries[name] = {"type": "directory", "oid": git_oid(name.encode()), "size": 0, "path": name}
        if recursive or len(parts) == 1:
            entries[path] = _file(hub, path, entry)
    if prefix and not entries:
        raise Refused(404, "EntryNotFound", f"{folder} does not exist")
    return as_json(list(entries.values()))


def paths_info(hub: "HubServer", request: Request, repo: Repo, revision: str) -> Reply:
    found = find_commit(repo, revision)
    listed = []
    for path in request.form().get("paths", []):
        if path in found.tree:
            listed.append(_file(hub, path, found.tree[path]))
        elif any(name.startswith(f"{path}/") for name in found.tree):
            listed.append({"type": "directory", "oid": git_oid(path.encode()), "size": 0, "path": path})
    return as_json(listed)


def _file(hub: "HubServer", path: str, entry: Entry) -> dict[str, Any]:
    value: dict[str, Any] = {"type": "file", "oid": entry.oid, "size": entry.size, "path": path}
    if entry.lfs:
        value["lfs"] = lfs_of(entry)
        if name := hub.xet.name_of(entry.sha256):
            value["xetHash"] = name
    return value


def resolve(hub: "HubServer", request: Request, repo: Repo, revision: str, path: str) -> Reply:
    """Give a file, or say where it is."""
    found = find_commit(repo, revision)
    entry = found.tree.get(path)
    if entry is None:
        raise Refused(404, "EntryNotFound", f"{path} does not exist")
    headers = {"X-Repo-Commit": found.id, "Accept-Ranges": "bytes"}
    if not entry.lfs:
        return ranged(request, hub.storage.blob(entry.sha256), {**headers, "ETag": f'"{entry.oid}"'})
    headers |= {"X-Linked-Etag": f'"{entry.sha256}"', "X-Linked-Size": str(entry.size), "ETag": f'"{entry.oid}"'}
    if name := hub.xet.name_of(entry.sha256):
        kind = f"{repo.kind}s"
        headers["X-Xet-Hash"] = name
        headers["Link"] = f'<{hub.url}/api/{kind}/{repo.id}/xet-read-token/{found.id}>; rel="xet-auth"'
    headers["Location"] = f"{hub.data_url}/lfs/{entry.sha256}?name={quote(path, safe='')}"
    return Reply(302, headers=headers)


def ranged(request: Request, file: Any, headers: dict[str, str]) -> Reply:  # noqa: ANN401 - a path
    """Return a file, or the range of it that was asked for."""
    size = file.stat().st_size
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
    if not found:
        return Reply(200, file=file, end=size, headers=headers)
    start, end = int(found[1]), min(int(found[2]) + 1 if found[2] else size, size)
    if start >= size:
        raise Refused(416, message="range")
    return Reply(
        206, file=file, start=start, end=end, headers={**headers, "Content-Range": f"bytes {start}-{end - 1}/{size}"}
    )
