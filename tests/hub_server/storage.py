"""What the test Hub keeps: contents by SHA-256, repositories as JSON files. A server can be stopped at any moment."""

import hashlib
import json
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ATTRIBUTES = "".join(
    f"*.{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in ("bin", "parquet", "png", "jpg", "safetensors")
)
BLOCK = 2**20


@dataclass(frozen=True)
class Entry:
    """A file of a commit: `oid` is the SHA-1 that git gives it; `lfs`: whether it is kept beside git."""

    size: int
    oid: str
    sha256: str
    lfs: bool


@dataclass
class Commit:
    id: str
    parent: str
    title: str
    message: str
    date: str
    user: str
    tree: dict[str, Entry]


@dataclass
class Repo:
    kind: str
    id: str
    private: bool = False
    gated: str = ""
    created: str = ""
    accepted: list[str] = field(default_factory=list)
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return self.id.partition("/")[0]

    def find(self, revision: str) -> Commit | None:
        """Return the commit that a branch, a tag or (the beginning of) an id names."""
        named = self.branches.get(revision) or self.tags.get(revision)
        if named:
            return self.commits[named]
        if len(revision) < 7:
            return None
        return next((commit for identity, commit in self.commits.items() if identity.startswith(revision)), None)

    def history(self, commit: Commit) -> Iterator[Commit]:
        """Yield a commit and those before it."""
        yield commit
        while commit.parent:
            commit = self.commits[commit.parent]
            yield commit


def git_oid(data: bytes) -> str:
    """Return the SHA-1 that git gives a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def pointer(sha256: str, size: int) -> bytes:
    """Return the file that git holds in the place of one that is kept beside it."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Storage:
    """A folder with everything; one lock for each repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("blobs", "repos", "xorbs", "files"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        if not (folder / "id").is_file():
            self.write(folder / "id", secrets.token_hex(8).encode())
        self.identity = (folder / "id").read_text()
        self._locks: dict[str, threading.RLock] = {}
        self._guard = threading.Lock()

    def lock(self, name: str) -> threading.RLock:
        with self._guard:
            return self._locks.setdefault(name, threading.RLock())

    def blob(self, sha256: str) -> Path:
        return self.folder / "blobs" / sha256

    def put(self, data: bytes) -> str:
        """Keep a content and return its SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        self.write(self.blob(sha256), data)
        return sha256

    def write(self, path: Path, data: bytes) -> None:
        """Write a file, all or nothing."""
        if path.parent.name in ("blobs", "xorbs") and path.exists():
            return
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
        temporary.write_bytes(data)
        os.replace(temporary, path)

    def repos(self, kind: str) -> list[Repo]:
        return [self._read(path) for path in sorted((self.folder / "repos").glob(f"{kind}--*.json"))]

    def repo(self, kind: str, identity: str) -> Repo | None:
        path = self._path(kind, identity)
        return self._read(path) if path.is_file() else None

    def save(self, repo: Repo) -> None:
        self.write(self._path(repo.kind, repo.id), json.dumps(asdict(repo)).encode())

    def remove(self, repo: Repo) -> None:
        self._path(repo.kind, repo.id).unlink(missing_ok=True)

    def create(self, kind: str, identity: str, user: str, private: bool) -> Repo:
        """Make a repository with its first commit."""
        repo = Repo(kind, identity, private, created=now())
        data = ATTRIBUTES.encode()
        entry = Entry(len(data), git_oid(data), self.put(data), False)
        self.commit(repo, "main", "initial commit", "", user, {".gitattributes": entry})
        return repo

    def commit(
        self, repo: Repo, branch: str, title: str, message: str, user: str, tree: dict[str, Entry]
    ) -> Commit:  # fmt: skip
        """Add a commit to a branch and save the repository."""
        parent = repo.branches.get(branch, "")
        made = Commit(secrets.token_hex(20), parent, title, message, now(), user, tree)
        repo.commits[made.id] = made
        repo.branches[branch] = made.id
        self.save(repo)
        return made

    def _path(self, kind: str, identity: str) -> Path:
        return self.folder / "repos" / f"{kind}--{identity.replace('/', '--')}.json"

    def _read(self, path: Path) -> Repo:
        value: dict[str, Any] = json.loads(path.read_text())
        commits = value.pop("commits")
        repo = Repo(**value)
        for identity, commit in commits.items():
            tree = {name: Entry(**entry) for name, entry in commit.pop("tree").items()}
            repo.commits[identity] = Commit(tree=tree, **commit)
        return repo
