"""`MANIFEST.json`: what a release holds, file by file, so that every byte of it can be checked.

`digest` is the SHA-256 of the sorted lines "path sha256 size" of all files but those in `BESIDE`; it names the release.
`content` is the same over the files as they would be without a version in them: two releases with equal `content` are
one release under two numbers, which publishing refuses to make.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Self

from auditdm_hub.atomic import file_sha256
from auditdm_hub.errors import ReleaseError
from auditdm_hub.releases.version import Version

FILE_NAME = "MANIFEST.json"
WITHDRAWN = "WITHDRAWN.json"
BESIDE = frozenset({FILE_NAME, WITHDRAWN, ".gitattributes"})
"""Files of a repository that are not part of a release."""
FORMAT_VERSION = 1
Kind = Literal["dataset", "adapter"]
HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a release: its size in bytes, and the SHA-256 of its content (64 hex digits)."""

    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return what describes a file on disk."""
        return cls(path.stat().st_size, file_sha256(path))


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the changelog; `lines` say what changed."""

    version: str
    date: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A release.

    `rows`: config -> split -> number of rows (empty for an adapter). `types`: failure type -> its rule. `models`: what
    was audited, or the base of an adapter (name@revision). `date`: of the newest run in it, ISO. `tool`: what wrote it.
    `columns`: config -> column -> its type. `runs`: ids of the audits in it. `changes`: of this and of earlier
    releases, newest first.
    """

    kind: Kind
    name: str
    version: Version
    previous: Version | None
    license: str
    date: str
    tool: str
    models: tuple[str, ...]
    rows: Mapping[str, Mapping[str, int]]
    types: Mapping[str, str]
    files: Mapping[str, File]
    content: str
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def digest(self) -> str:
        """The name of the release: a hash over all its files."""
        return digest_of(self.files)

    def as_json(self) -> dict[str, Any]:
        """Return what MANIFEST.json holds."""
        return {
            "format_version": FORMAT_VERSION,
            "kind": self.kind,
            "name": self.name,
            "version": str(self.version),
            "previous": str(self.previous) if self.previous else None,
            "digest": self.digest,
            "content": self.content,
            "license": self.license,
            "date": self.date,
            "tool": self.tool,
            "models": list(self.models),
            "rows": {config: dict(splits) for config, splits in self.rows.items()},
            "types": dict(self.types),
            "columns": {config: dict(columns) for config, columns in self.columns.items()},
            "runs": list(self.runs),
            "changes": [asdict(change) for change in self.changes],
            "files": {path: asdict(self.files[path]) for path in sorted(self.files)},
        }

    def as_bytes(self) -> bytes:
        """Return MANIFEST.json."""
        return (json.dumps(self.as_json(), ensure_ascii=False, indent=2) + "\n").encode()


def digest_of(files: Mapping[str, File]) -> str:
    """Return the SHA-256 over the sorted lines "path sha256 size"."""
    lines = "".join(f"{path} {files[path].sha256} {files[path].size}\n" for path in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def read_manifest(data: bytes | str, where: str) -> Manifest:
    """Return the manifest that a MANIFEST.json holds.

    Args:
        data: the content of the file.
        where: what it belongs to, for messages.

    Raises:
        ReleaseError: it is no manifest, a newer version wrote it, or it contradicts itself.
    """
    try:
        value = json.loads(data)
    except ValueError as error:
        raise ReleaseError(f"{where}: {FILE_NAME} is not JSON ({error})") from None
    found = value.get("format_version") if isinstance(value, dict) else None
    if not isinstance(found, int):
        raise ReleaseError(f"{where}: {FILE_NAME} does not describe a release: it has no format_version")
    if found > FORMAT_VERSION:
        raise ReleaseError(
            f"{where} was made with release format {found}, this is format {FORMAT_VERSION}: upgrade auditdm-hub"
        )
    try:
        manifest = Manifest(
            kind=value["kind"],
            name=value["name"],
            version=Version.parse(value["version"]),
            previous=Version.parse(value["previous"]) if value["previous"] else None,
            license=value["license"],
            date=value["date"],
            tool=value["tool"],
            models=tuple(value["models"]),
            rows=value["rows"],
            types=value["types"],
            files={_inside(path, where): _file(entry) for path, entry in value["files"].items()},
            content=value["content"],
            columns=value["columns"],
            runs=tuple(value["runs"]),
            changes=tuple(Change(each["version"], each["date"], tuple(each["lines"])) for each in value["changes"]),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ReleaseError(f"{where}: {FILE_NAME} is damaged ({type(error).__name__}: {error})") from None
    if manifest.digest != value.get("digest"):
        raise ReleaseError(f"{where}: {FILE_NAME} is damaged: its digest is not that of its list of files")
    return manifest


def open_manifest(folder: Path) -> Manifest:
    """Return the manifest of the release in a folder.

    Raises:
        ReleaseError: there is none, or it cannot be used.
    """
    try:
        data = (folder / FILE_NAME).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ReleaseError(f"{folder} is no release: it has no {FILE_NAME}") from None
    return read_manifest(data, str(folder))


def _file(entry: Mapping[str, Any]) -> File:
    file = File(entry["size"], entry["sha256"])
    if not isinstance(file.size, int) or file.size < 0 or not HEX.fullmatch(file.sha256):
        raise ValueError(f"got file entry {entry!r}")
    return file


def _inside(path: str, where: str) -> str:
    """Return the path of a file, which must lie in the release: a manifest may come from a stranger."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or not parts.parts or ".." in parts.parts or "\\" in path or ":" in parts.parts[0]:
        raise ReleaseError(f"{where}: {FILE_NAME} names {path!r}, which is outside of the release")
    return path
