"""The server: two origins, a table of routes, a record of all requests."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

from hub_server import contents, lfs, repositories
from hub_server.accounts import Accounts, default_users
from hub_server.faults import Faults, Plane, Rule
from hub_server.http import PlaneServer, Refused, Reply, Request, as_json
from hub_server.storage import Entry, Repo, Storage, git_oid
from hub_server.xet import Xet

REPO = r"/api/(?P<kind>dataset|model)s/(?P<repo>[^/]+/[^/]+)"
Answer = Callable[..., Reply]


@dataclass(frozen=True)
class Asked:
    """A request that was answered; status 0 = it was dropped."""

    plane: Plane
    method: str
    path: str
    status: int


def _token(hub: "HubServer", request: Request, repo: Repo, use: str, revision: str) -> Reply:
    if use == "write":
        hub.accounts.writer(request, repo.namespace)
    else:
        hub.accounts.readable(request, repo, content=True)
    expires = int(time.time()) + 3600
    headers = {"X-Xet-Cas-Url": hub.data_url, "X-Xet-Access-Token": "cas", "X-Xet-Token-Expiration": str(expires)}
    return as_json({"accessToken": "cas", "exp": expires, "casUrl": hub.data_url}, headers=headers)


# Of those that match, the first is taken. Parts of a path are unquoted before a handler sees them.
HUB_ROUTES: list[tuple[str, str, Answer]] = [
    ("GET", r"/api/whoami-v2", repositories.whoami),
    ("POST", r"/api/repos/create", repositories.create),
    ("DELETE", r"/api/repos/delete", repositories.delete),
    ("POST", r"/api/validate-yaml", repositories.validate_yaml),
    ("GET", r"/api/(?P<kind>dataset|model)s", repositories.listing),
    ("PUT", rf"{REPO}/settings", repositories.settings),
    ("GET", rf"{REPO}/refs", repositories.refs),
    ("GET", rf"{REPO}/commits/(?P<revision>[^/]+)", repositories.commits),
    ("GET", rf"{REPO}/revision/(?P<revision>[^/]+)", repositories.info),
    ("GET", rf"{REPO}/tree/(?P<revision>[^/]+)(?:/(?P<folder>.*))?", contents.tree),
    ("POST", rf"{REPO}/paths-info/(?P<revision>[^/]+)", contents.paths_info),
    ("POST", rf"{REPO}/preupload/(?P<revision>[^/]+)", contents.preupload),
    ("POST", rf"{REPO}/commit/(?P<branch>[^/]+)", contents.commit),
    ("POST", rf"{REPO}/tag/(?P<revision>[^/]+)", contents.new_tag),
    ("DELETE", rf"{REPO}/tag/(?P<name>[^/]+)", contents.tag),
    ("POST|DELETE", rf"{REPO}/branch/(?P<name>[^/]+)", contents.branch),
    ("GET", rf"{REPO}/xet-(?P<use>read|write)-token/(?P<revision>[^/]+)", _token),
    ("GET", REPO, repositories.info),
    ("POST", r"/(?P<kind>datasets/)?(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch", lfs.batch),
    (
        "GET|HEAD",
        r"/(?P<kind>datasets/)?(?P<repo>[^/]+/[^/]+)/(?:resolve|raw)/(?P<revision>[^/]+)/(?P<path>.+)",
        contents.resolve,
    ),
]
DATA_ROUTES: list[tuple[str, str, Answer]] = [
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", lfs.put),
    ("GET|HEAD", r"/lfs/(?P<oid>[0-9a-f]{64})", lfs.get),
    ("PUT", r"/lfs-part/(?P<oid>[0-9a-f]{64})/(?P<number>\d+)", lfs.put_part),
    ("POST", r"/lfs-complete/(?P<oid>[0-9a-f]{64})", lfs.complete),
    ("POST", r"/lfs-verify", lfs.verify),
    ("POST", r"/v1/xorbs/default/(?P<name>[0-9a-f]{64})", lambda hub, request, name: hub.xet.put_xorb(request, name)),
    ("POST", r"/v[12]/shards", lambda hub, request: hub.xet.put_shard(request)),
    ("GET", r"/v2/reconstructions/(?P<name>[0-9a-f]{64})",
     lambda hub, request, name: hub.xet.reconstruction(request, name, hub.data_url)),
    ("GET|HEAD", r"/xorbs/(?P<name>[0-9a-f]{64})", lambda hub, request, name: hub.xet.xorb(request, name)),
]  # fmt: skip


class HubServer:
    """A Hub on this machine alone: `with HubServer(folder) as hub`.

    `url` is its address, `data_url` that of its data plane; both stay the same when a server is started again with the
    same ports.
    """

    def __init__(self, folder: Path, port: int = 0, data_port: int = 0) -> None:
        self.storage = Storage(folder)
        self.xet = Xet(self.storage)
        self.accounts = Accounts(default_users())
        self.faults = Faults()
        self.requests: list[Asked] = []
        self.errors: list[str] = []
        self._lock = threading.Lock()
        self._hub = PlaneServer(self, "hub", port, lambda request: self._answer(HUB_ROUTES, request))
        self._data = PlaneServer(self, "data", data_port, lambda request: self._answer(DATA_ROUTES, request))
        self.url = f"http://127.0.0.1:{self._hub.server_address[1]}"
        # A Xet client remembers which parts an address holds, for longer than a test: an address of its own for each
        # folder, since ports come again.
        self.prefix = f"/{self.storage.identity}"
        self.data_url = f"http://localhost:{self._data.server_address[1]}{self.prefix}"

    def __enter__(self) -> Self:
        for server in (self._hub, self._data):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for server in (self._hub, self._data):
            server.shutdown()
            server.server_close()

    def token(self, name: str = "ada") -> str:
        return self.accounts.users[name].token

    def env(self, name: str = "ada") -> dict[str, str]:
        """Return what a subprocess needs to talk to this Hub as a user."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": self.token(name),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }

    def inject(self, rule: Rule) -> Rule:
        self.faults.add(rule)
        return rule

    def clear(self) -> None:
        """Forget faults and requests."""
        self.faults.clear()
        self.requests.clear()

    def record(self, plane: Plane, method: str, path: str, status: int) -> None:
        with self._lock:
            self.requests.append(Asked(plane, method, path, status))

    def asked(self, pattern: str, method: str = "") -> int:
        """Return how many requests matched."""
        return sum(bool(re.search(pattern, each.path)) and method in ("", each.method) for each in self.requests)

    def statuses(self) -> Counter[int]:
        return Counter(each.status for each in self.requests)

    def move_tag(self, repo: str, name: str, revision: str, kind: str = "dataset") -> None:
        found = self._repo(kind, repo)
        found.tags[name] = repositories.find_commit(found, revision).id
        self.storage.save(found)

    def foreign_commit(self, repo: str, path: str, data: bytes, kind: str = "dataset", title: str = "Update") -> str:
        """Commit a file as somebody else would on the web page; return the commit."""
        found = self._repo(kind, repo)
        entry = Entry(len(data), git_oid(data), self.storage.put(data), False)
        tree = {**found.commits[found.branches["main"]].tree, path: entry}
        return self.storage.commit(found, "main", title, "", "bob", tree).id

    def _repo(self, kind: str, repo: str) -> Repo:
        found = self.storage.repo(kind, repo)
        assert found is not None, f"there is no {kind} {repo}"
        return found

    def _answer(self, routes: list[tuple[str, str, Answer]], request: Request) -> Reply:
        for methods, pattern, answer in routes:
            found = re.fullmatch(pattern, request.path) if request.method in methods.split("|") else None
            if found:
                return answer(self, request, **self._arguments(request, found.groupdict()))
        raise Refused(404, message=f"no route {request.method} {request.path}")

    def _arguments(self, request: Request, parts: dict[str, str | None]) -> dict[str, Any]:
        """Turn the parts of a path into what a handler takes; a repository must be one that may be seen."""
        named: dict[str, Any] = {name: unquote(part) for name, part in parts.items() if part is not None}
        if "repo" in parts:
            kind = (parts["kind"] or "model").removesuffix("s/")
            named.pop("kind", None)
            content = "/resolve/" in request.path or "/raw/" in request.path
            named["repo"] = self.accounts.readable(request, self.storage.repo(kind, named["repo"]), content=content)
        return named
