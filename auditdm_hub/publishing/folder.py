"""The release protocol in a folder: `versions/vX.Y.Z/` is immutable, the root mirrors the newest version.

1. Lock the folder.
2. A version of that number with the same digest: done. With another: refuse.
3. Copy into `versions/.vX.Y.Z.tmp`, flush, rename: from then on the release is there.
4. Mirror it to the root, file by file, MANIFEST.json last; a mirror that was interrupted is mended by the next command.
   What no version put there (notes, `.git`) is left alone.

`load_dataset(DIR)` loads the root; the files of the root are hard links where the file system has them.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auditdm_hub.errors import ReleaseError
from auditdm_hub.publishing.hub import Published, Say
from auditdm_hub.publishing.plan import Plan
from auditdm_hub.releases.manifest import BESIDE, FILE_NAME, Manifest, open_manifest
from auditdm_hub.releases.version import Version

VERSIONS = "versions"
LOCK = ".lock"


def release_to_folder(plan: Plan, folder: Path, say: Say) -> Published:
    """Put a planned release into a folder that is a Hub of its own.

    Raises:
        ReleaseError: that version is there with another content, or the folder is in use or holds something else.
    """
    refuse_foreign(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        place = folder / VERSIONS / str(plan.manifest.version)
        fresh = not place.exists()
        if fresh:
            _copy(plan, place)
            say(f"wrote {place}")
        elif open_manifest(place).digest != plan.manifest.digest and not plan.published:
            raise ReleaseError(
                f"{place} is there with another content: a release is never changed; publish a later version"
            )
        _mirror(folder)
    return Published(str(folder), plan.manifest.digest, plan.manifest.version, fresh)


def newest(folder: Path) -> Manifest | None:
    """Return the manifest of the newest version in a folder; None if there is no version yet."""
    found = versions(folder)
    return open_manifest(folder / VERSIONS / str(found[-1])) if found else None


def versions(folder: Path) -> list[Version]:
    """Return the versions in a folder, in order."""
    place = folder / VERSIONS
    return Version.find([path.name for path in place.iterdir() if path.is_dir()]) if place.is_dir() else []


def refuse_foreign(folder: Path) -> None:
    """Raise if the folder holds anything but releases.

    Raises:
        ReleaseError: it does, or it is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise ReleaseError(f"{folder} is a file: name a folder")
    if folder.is_dir() and not (folder / VERSIONS).is_dir() and any(path.name != LOCK for path in folder.iterdir()):
        raise ReleaseError(f"{folder} is not empty and holds no releases: name another folder with --to")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise ReleaseError(f"{folder} is in use by another process: wait for it") from None
    finally:
        os.close(handle)


def _copy(plan: Plan, place: Path) -> None:
    temporary = place.with_name(f".{place.name}.tmp")
    if temporary.exists():
        shutil.rmtree(temporary)
    for path in plan.paths:
        (temporary / path).parent.mkdir(parents=True, exist_ok=True)
        with (plan.folder / path).open("rb") as source, (temporary / path).open("xb") as file:
            shutil.copyfileobj(source, file, 2**20)
            file.flush()
            os.fsync(file.fileno())
        (temporary / path).chmod(0o444)
    temporary.rename(place)


def _mirror(folder: Path) -> None:
    """Make the root what the newest version is."""
    source = folder / VERSIONS / str(versions(folder)[-1])
    manifest = open_manifest(source)
    for path in [*sorted(manifest.files), FILE_NAME]:
        _replace(source / path, folder / path)
    earlier = {path for version in versions(folder) for path in open_manifest(folder / VERSIONS / str(version)).files}
    for path in sorted(earlier - {*manifest.files, *BESIDE}):
        _remove(folder / path, folder)


def _remove(place: Path, folder: Path) -> None:
    """Remove a file, and the folders above it that are empty then."""
    place.unlink(missing_ok=True)
    for above in place.relative_to(folder).parents[:-1]:
        if (folder / above).is_dir() and not any((folder / above).iterdir()):
            (folder / above).rmdir()


def _replace(source: Path, place: Path) -> None:
    if place.exists() and place.samefile(source):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        temporary.hardlink_to(source)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, temporary)
    temporary.replace(place)
