"""Repositories: made, described, listed, removed."""

import re
from typing import TYPE_CHECKING, Any

import yaml

from hub_server.http import Refused, Reply, Request, as_json
from hub_server.storage import Commit, Entry, Repo, now, pointer

if TYPE_CHECKING:
    from hub_server.server import HubServer

LICENSES = {
    "apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-3.0", "odbl",
    "odc-by", "pddl", "gemma", "llama3.2", "openrail", "bsd-3-clause", "unknown", "other", "cdla-permissive-2.0",
}  # fmt: skip
SIZES = {"n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B", "n>1T"}


def whoami(hub: "HubServer", request: Request) -> Reply:
    user = hub.accounts.who(request)
    if user is None:
        raise Refused(401, message="Invalid credentials in Authorization header")
    orgs = [{"type": "org", "name": name, "roleInOrg": user.role} for name in user.orgs]
    token = {"displayName": "test", "role": user.role}
    auth = {"type": "access_token", "accessToken": token}
    return as_json({"type": "user", "name": user.name, "fullname": user.name, "orgs": orgs, "auth": auth})


def create(hub: "HubServer", request: Request) -> Reply:
    asked = request.json()
    kind = asked.get("type") or "model"
    user = hub.accounts.who(request)
    namespace = asked.get("organization") or (user.name if user else "")
    hub.accounts.writer(request, namespace)
    identity = f"{namespace}/{asked['name']}"
    url = f"{hub.url}/{'datasets/' if kind == 'dataset' else ''}{identity}"
    with hub.storage.lock(identity):
        if hub.storage.repo(kind, identity):
            return as_json({"error": "You already created this repo", "url": url}, 409)
        private = bool(asked.get("private")) or asked.get("visibility") == "private"
        assert user is not None
        hub.storage.create(kind, identity, user.name, private)
    return as_json({"url": url, "name": identity, "id": identity})


def delete(hub: "HubServer", request: Request) -> Reply:
    asked = request.json()
    user = hub.accounts.who(request)
    namespace = asked.get("organization") or (user.name if user else "")
    hub.accounts.writer(request, namespace)
    repo = hub.storage.repo(asked.get("type") or "model", f"{namespace}/{asked['name']}")
    if repo is None:
        raise Refused(404, "RepoNotFound", "Repository not found")
    hub.storage.remove(repo)
    return as_json({})


def settings(hub: "HubServer", request: Request, repo: Repo) -> Reply:
    hub.accounts.writer(request, repo.namespace)
    asked = request.json()
    if "private" in asked or "visibility" in asked:
        repo.private = bool(asked.get("private")) or asked.get("visibility") == "private"
    if "gated" in asked:
        repo.gated = asked["gated"] or ""
    hub.storage.save(repo)
    return as_json({"private": repo.private, "gated": repo.gated or False})


def validate_yaml(hub: "HubServer", request: Request) -> Reply:
    """Check the YAML of a card as far as it is simple to check."""
    asked = request.json()
    errors = [{"message": message} for message in card_faults(asked["content"])]
    if errors:
        raise Refused(400, body={"errors": errors, "warnings": [], "error": errors[0]["message"]})
    return as_json({"errors": [], "warnings": []})


def card_faults(content: str) -> list[str]:
    found = re.match(r"---\s*\n(.*?)\n---\s*(\n|$)", content, re.DOTALL)
    if not found:
        return []
    try:
        fields = yaml.safe_load(found[1]) or {}
    except yaml.YAMLError as error:
        return [f"YAML: {error}"]
    faults = []
    licence = fields.get("license")
    if licence is not None and licence not in LICENSES:
        faults.append(f'"license" must be one of {sorted(LICENSES)}')
    if (
        licence == "other"
        and fields.get("license_name") is not None
        and not re.fullmatch(r"[a-z0-9-.]+", fields["license_name"])
    ):
        faults.append('"license_name" must be in lower case, with dashes')
    if any(size not in SIZES for size in fields.get("size_categories", ())):
        faults.append('"size_categories" has a value that is not known')
    if not isinstance(fields.get("tags", []), list):
        faults.append('"tags" must be an array')
    return faults


def info(hub: "HubServer", request: Request, repo: Repo, revision: str = "main") -> Reply:
    commit = find_commit(repo, revision)
    return as_json(describe(hub, repo, commit, blobs=request.query.get("blobs") in ("true", "True", "1")))


def listing(hub: "HubServer", request: Request, kind: str) -> Reply:
    user = hub.accounts.who(request)
    found = []
    for repo in hub.storage.repos(kind):
        if repo.private and not (user and repo.namespace in user.namespaces):
            continue
        described = describe(hub, repo, find_commit(repo, "main"))
        if not set(request.every.get("filter", [])) <= set(described["tags"]):
            continue
        if request.query.get("author") not in (None, repo.namespace) or request.query.get("search", "") not in repo.id:
            continue
        found.append(described)
    return as_json(found[: int(request.query.get("limit") or 1000)])


def refs(hub: "HubServer", request: Request, repo: Repo) -> Reply:
    branches = [{"name": name, "ref": f"refs/heads/{name}", "targetCommit": to} for name, to in repo.branches.items()]
    tags = [{"name": name, "ref": f"refs/tags/{name}", "targetCommit": to} for name, to in repo.tags.items()]
    return as_json({"branches": branches, "tags": tags, "converts": []})


def commits(hub: "HubServer", request: Request, repo: Repo, revision: str) -> Reply:
    page, size = int(request.query.get("p") or 0), 50
    every = list(repo.history(find_commit(repo, revision)))
    listed = [
        {
            "id": each.id,
            "title": each.title,
            "message": each.message,
            "date": each.date,
            "authors": [{"user": each.user}],
        }
        for each in every[page * size : (page + 1) * size]
    ]
    headers = {}
    if len(every) > (page + 1) * size:
        headers["Link"] = f'<{hub.url}{request.path}?p={page + 1}>; rel="next"'
    return as_json(listed, headers=headers)


def find_commit(repo: Repo, revision: str) -> Commit:
    commit = repo.find(revision)
    if commit is None:
        raise Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
    return commit


def describe(hub: "HubServer", repo: Repo, commit: Commit, blobs: bool = False) -> dict[str, Any]:
    """Return what the Hub says of a repository."""
    card = _card(hub, commit)
    tags = [*card.get("tags", []), *([f"license:{card['license']}"] if card.get("license") else [])]
    return {
        "_id": repo.id, "id": repo.id, "modelId": repo.id, "author": repo.namespace, "sha": commit.id,
        "private": repo.private, "gated": repo.gated or False, "disabled": False, "tags": tags,
        "downloads": 0, "likes": 0, "lastModified": commit.date, "createdAt": repo.created or now(), "cardData": card,
        "siblings": [_sibling(name, entry, blobs) for name, entry in sorted(commit.tree.items())],
    }  # fmt: skip


def _sibling(name: str, entry: Entry, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": name}
    lfs = {"lfs": lfs_of(entry)} if entry.lfs else {}
    return {"rfilename": name, "size": entry.size, "blobId": entry.oid, **lfs}


def lfs_of(entry: Entry) -> dict[str, Any]:
    return {
        "oid": entry.sha256, "sha256": entry.sha256, "size": entry.size,
        "pointerSize": len(pointer(entry.sha256, entry.size)),
    }  # fmt: skip


def _card(hub: "HubServer", commit: Commit) -> dict[str, Any]:
    entry = commit.tree.get("README.md")
    if entry is None or entry.lfs:
        return {}
    found = re.match(r"---\s*\n(.*?)\n---\s*\n", hub.storage.blob(entry.sha256).read_text(), re.DOTALL)
    try:
        fields = yaml.safe_load(found[1]) if found else {}
    except yaml.YAMLError:
        return {}
    return fields if isinstance(fields, dict) else {}
