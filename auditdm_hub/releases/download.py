"""Download a release: one commit, every file checked, nothing half-finished shown.

1. Version -> tag -> commit. What a version was at first is kept in a lock; a tag that moved is an error.
2. A snapshot of that commit, resumed where an earlier one ended.
3. Size and SHA-256 of every file against MANIFEST.json. A file that was damaged on its way is fetched once more.
4. Only then the files take their place (`--to DIR`), or the path in the Hub's cache is returned.

Without a connection the version is what the lock says, never another one (a bare `load_dataset` may take any that is in
the cache: huggingface/datasets#7928).
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from auditdm_hub.errors import ConfigError, HubError, ReleaseError
from auditdm_hub.releases.address import Address
from auditdm_hub.releases.hub_errors import client_errors, explained, is_offline
from auditdm_hub.releases.locks import FILE_NAME as LOCK
from auditdm_hub.releases.locks import Lock, cached_lock, newest_cached
from auditdm_hub.releases.manifest import FILE_NAME, Manifest, open_manifest
from auditdm_hub.releases.readers import TYPES, FolderReader, HubReader, RepoType, choose
from auditdm_hub.releases.selection import labels_of, write_selection
from auditdm_hub.releases.verify import verify_folder

PARTIAL = ".auditdm-partial"
Say = Callable[[str], None]


def download(
    address: Address,
    to: Path | None = None,
    types: Sequence[str] = (),
    repo_type: RepoType | None = None,
    say: Say = lambda line: None,
    api: Any = None,  # noqa: ANN401 - HfApi
) -> Path:
    """Download a release and return the folder that holds it.

    Args:
        address: what to download; the newest version that is not withdrawn, if it names none.
        to: a folder to put it in; None = the Hub's cache (a folder of releases is read where it is).
        types: failure types to keep, the others are left out; needs `to`.
        repo_type: of the repository, if the name is ambiguous.
        say: is told what people should know.
        api: talks to the Hub.

    Raises:
        ReleaseError: there is no such version, its tag moved, or a file is not what it should be.
        HubError: the Hub does not answer, or does not allow it.
        ConfigError: types without a folder to put them in.
    """
    if types and to is None:
        raise ConfigError("--type leaves rows out, so it needs a folder to write to: add --to DIR")
    if to is not None:
        _refuse_foreign(to)
    if address.folder is not None:
        return _from_folder(FolderReader(address.folder), address, to, types, say)
    try:
        reader = HubReader(address.repo, repo_type, api)
    except HubError as error:
        lock = _pinned(address, repo_type, to, types)
        if lock is None or not is_offline(error):
            raise
        say(f"No connection to the Hub: {lock.repo} {lock.version} as it was downloaded before.")
        return _again(lock, to)
    version = choose(reader, address.version)
    _warn(reader, str(version), say)
    manifest, commit = reader.manifest(version), reader.commit(version)
    labels_of(manifest, types)
    lock = Lock(address.repo, reader.type, str(version), commit, manifest.digest, tuple(types))
    place = cached_lock(address.repo, reader.type, version) if to is None else to / LOCK
    before = Lock.read(place)
    if before is not None:
        _refuse_other(before, lock, to)
    known = Lock.read(cached_lock(address.repo, reader.type, version))
    if known is not None:
        known.check(commit, manifest.digest)
    if to is None:
        folder = _snapshot(reader, commit, manifest, None)
        lock.write(place)
        return folder
    scratch = to / PARTIAL
    _snapshot(reader, commit, manifest, scratch)
    _place(scratch, to, lock)
    return to


def _snapshot(reader: HubReader, commit: str, manifest: Manifest, folder: Path | None) -> Path:
    """Fetch all files of a commit, and those that are damaged once more."""
    what = f"{reader.where} {manifest.version}"

    def fetch(paths: list[str] | None) -> Path:
        with explained(what):
            return Path(
                reader.api.snapshot_download(
                    reader.where, repo_type=reader.type, revision=commit, local_dir=folder, allow_patterns=paths,
                    force_download=paths is not None,
                )
            )  # fmt: skip

    found = fetch(None)
    damaged = _damaged(found)
    if damaged:
        for path in damaged:
            (found / path).resolve().unlink(missing_ok=True)  # in the cache, what the link leads to
        found = fetch(damaged)
        damaged = _damaged(found)
    if damaged:
        raise ReleaseError(f"{what}: {damaged[0]} is not what {FILE_NAME} says, and was no better the second time")
    return found


def _damaged(folder: Path) -> list[str]:
    manifest = open_manifest(folder)
    faults = verify_folder(folder, rows=False).faults
    return [path for path in manifest.files if any(fault.startswith(f"{path}: ") for fault in faults)]


def _from_folder(reader: FolderReader, address: Address, to: Path | None, types: Sequence[str], say: Say) -> Path:
    version = choose(reader, address.version)
    _warn(reader, str(version), say)
    source, manifest = reader.path(version), reader.manifest(version)
    labels_of(manifest, types)
    damaged = _damaged(source)
    if damaged:
        raise ReleaseError(f"{source}: {damaged[0]} is not what {FILE_NAME} says")
    if to is None:
        return source
    lock = Lock(manifest.name, manifest.kind, str(version), "", manifest.digest, tuple(types))
    before = Lock.read(to / LOCK)
    if before is not None:
        _refuse_other(before, lock, to)
    scratch = to / PARTIAL
    for path in (*manifest.files, FILE_NAME):
        (scratch / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, scratch / path)
    _place(scratch, to, lock)
    return to


def _place(scratch: Path, to: Path, lock: Lock) -> None:
    """Move what was checked to where it belongs, the manifest last; then remove the rest."""
    if lock.types:
        write_selection(scratch, to, lock.types)
    else:
        manifest = open_manifest(scratch)
        for path in (*manifest.files, FILE_NAME):
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            (scratch / path).replace(to / path)
    lock.write(to / LOCK)
    shutil.rmtree(scratch)


def _pinned(address: Address, repo_type: RepoType | None, to: Path | None, types: Sequence[str]) -> Lock | None:
    """Return the lock of what an address names, if it was downloaded before."""
    kinds = (repo_type,) if repo_type else TYPES
    if to is not None:
        lock = Lock.read(to / LOCK)
        if lock is None or lock.repo != address.repo or address.version not in (None, _version(lock)):
            return None
        return lock if lock.type in kinds and tuple(lock.types) == tuple(types) else None
    if address.version is None:
        return newest_cached(address.repo, kinds)
    found = (Lock.read(cached_lock(address.repo, kind, address.version)) for kind in kinds)
    return next((lock for lock in found if lock), None)


def _again(lock: Lock, to: Path | None) -> Path:
    """Return what a lock stands for, from the cache or from where it was put."""
    if to is not None:
        if not lock.types and _damaged(to):  # of a part there is no list of files
            raise ReleaseError(f"{to} is not any more what was downloaded: remove it, and download it again")
        return to
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(lock.repo, repo_type=lock.type, revision=lock.commit, local_files_only=True))
    except client_errors() as error:
        raise HubError(
            f"{lock.repo} {lock.version} is not in the cache any more, and there is no connection"
        ) from error
    if open_manifest(folder).digest != lock.digest or _damaged(folder):
        raise ReleaseError(f"{folder} is not any more what was downloaded: remove it, and download it again")
    return folder


def _refuse_other(before: Lock, now: Lock, to: Path | None) -> None:
    if to is not None and (before.repo, before.version, before.types) != (now.repo, now.version, now.types):
        raise ReleaseError(f"{to} holds {before.repo} {before.version}: name another folder with --to")
    before.check(now.commit, now.digest)


def _refuse_foreign(to: Path) -> None:
    if to.is_file():
        raise ReleaseError(f"{to} is a file: name a folder with --to")
    if to.is_dir() and not (to / LOCK).is_file() and any(path.name != PARTIAL for path in to.iterdir()):
        raise ReleaseError(f"{to} is not empty and holds no download: name another folder with --to")


def _warn(reader: HubReader | FolderReader, version: str, say: Say) -> None:
    why = reader.withdrawn().get(version)
    if why is not None:
        say(f"Warning: {reader.where} {version} was withdrawn: {why}")


def _version(lock: Lock) -> Any:  # noqa: ANN401
    from auditdm_hub.releases.version import Version

    return Version.parse(lock.version)
