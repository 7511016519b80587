"""A release as it would be made, complete on disk before anything leaves the machine.

1. Write the tables; every row passes the gates.
2. Write what describes them: card, changelog, licences, `croissant.json`, `eval.yaml`, the results of the audits. First
   without a version in it: if that is what was released last, there is nothing to publish.
3. Compare with the last release: the difference says which version is due; a smaller step is refused.
4. Write it all with the version, and MANIFEST.json over it.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from auditdm_hub import __version__
from auditdm_hub.errors import ReleaseError
from auditdm_hub.publishing.difference import Difference
from auditdm_hub.releases.manifest import FILE_NAME, Change, File, Manifest, digest_of
from auditdm_hub.releases.version import BUMPS, FIRST, Bump, Version
from auditdm_hub.text import as_markdown

TOOL = f"auditdm-hub {__version__}"
MAX_FILES = 100
"""Files of one commit: the Hub takes more only slowly, or not at all."""

Describe = Callable[[str, tuple[Change, ...]], Mapping[str, bytes]]
"""Returns path -> content of everything but the tables, for a version ("" = none) and the changes up to it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A release that lies in `folder`, ready to go.

    `published`: whether the last release holds just that already. `last`: the manifest of the last release.
    """

    folder: Path
    manifest: Manifest
    difference: Difference
    last: Manifest | None
    published: bool
    checked: Mapping[str, int]

    @property
    def bump(self) -> Bump | None:
        """The step that the changes require; None for a first release, or where nothing changed."""
        return self.difference.bump if self.last else None

    @property
    def paths(self) -> list[str]:
        """Every file of the release, with its manifest."""
        return [*sorted(self.manifest.files), FILE_NAME]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.manifest.files.values())


def finish(
    folder: Path,
    draft: Manifest,
    describe: Describe,
    compare: Callable[[Manifest], Difference],
    last: Manifest | None,
    wanted: Version | None,
) -> Plan:
    """Describe the tables in a folder, give them a version, and return the plan.

    Args:
        folder: holds the tables (or the weights) and nothing else.
        draft: the manifest, of which version, content and changes are yet to come; its `files` are those in the folder.
        describe: writes everything but the tables.
        compare: returns the difference from the last release to a manifest.
        last: the last release, if there is one.
        wanted: the version that the user asks for; None = the one that is due.

    Raises:
        ReleaseError: the version that is asked for is too small a step, or no new one; or there are too many files.
    """
    tables = dict(draft.files)
    plain = {path: _file(data) for path, data in describe("", ()).items()}
    draft = replace(draft, files={**tables, **plain}, content=digest_of({**tables, **plain}))
    changed = compare(draft) if last else Difference(())
    published = last is not None and last.content == draft.content
    version = _version(last, changed, published, wanted)
    changes = _changes(version, draft.date, changed, last, published)
    written = describe(str(version), changes)
    for path, data in written.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    files = {**tables, **{path: _file(data) for path, data in written.items()}}
    if len(files) >= MAX_FILES:
        raise ReleaseError(
            f"the release has {len(files)} files, wanted fewer than {MAX_FILES}: publish a part of the run"
        )
    manifest = replace(draft, version=version, previous=_previous(last, published), files=files, changes=changes)
    (folder / FILE_NAME).write_bytes(manifest.as_bytes())
    return Plan(folder, manifest, changed, last, published, {})


def files_below(folder: Path, known: Mapping[str, File] = MappingProxyType({})) -> dict[str, File]:
    """Return size and hash of every file below a folder, by its path in it; those that are `known` are not read."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name: known[name] if name in known else File.of(folder / name) for name in names}


def empty_folder(path: Path) -> Path:
    """Return the folder, with nothing in it."""
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(parents=True)
    return path


def changelog(name: str, changes: Sequence[Change]) -> bytes:
    """Return CHANGELOG.md."""
    parts = [f"# Changelog of {name}\n"]
    for change in changes:
        parts.append(f"## {change.version} ({change.date[:10]})\n")
        parts.append("".join(f"- {as_markdown(line)}\n" for line in change.lines))
    return "\n".join(parts).encode()


def as_json(value: object) -> bytes:
    """Return a value as indented JSON."""
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def _version(last: Manifest | None, changed: Difference, published: bool, wanted: Version | None) -> Version:
    if last is None:
        return wanted or FIRST
    if published:
        if wanted not in (None, last.version):
            raise ReleaseError(
                f"nothing changed since {last.version}: as {wanted} it would be the same release under a second number"
            )
        return last.version
    due = changed.bump or "patch"
    if wanted is None:
        return last.version.bumped(due)
    step = wanted.bump_from(last.version)
    if step is None:
        raise ReleaseError(f"--version: got {wanted}, wanted one after {last.version}, which is the newest release")
    if BUMPS.index(step) < BUMPS.index(due):
        why = "; ".join(line for bump, line in changed.changes if bump == due)
        raise ReleaseError(
            f"--version: got {wanted}, wanted at least {last.version.bumped(due)}, for these are {due} changes: {why}"
        )
    return wanted


def _changes(
    version: Version, date: str, changed: Difference, last: Manifest | None, published: bool
) -> tuple[Change, ...]:
    if last is None:
        return (Change(str(version), date, ("first release",)),)
    if published:
        return last.changes
    lines = tuple(line for _, line in changed.changes) or ("wording or metadata",)
    return (Change(str(version), date, lines), *last.changes)


def _previous(last: Manifest | None, published: bool) -> Version | None:
    if last is None:
        return None
    return last.previous if published else last.version


def _file(data: bytes) -> File:
    return File(len(data), hashlib.sha256(data).hexdigest())
