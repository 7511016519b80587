"""What a version was when it was first downloaded: which commit, which digest. A tag that moves is noticed by it.

The lock lies beside the files of `--to DIR`; for the cache of the Hub it lies below HF_HOME.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.errors import ReleaseError
from auditdm_hub.releases.version import Version

FILE_NAME = ".auditdm-lock.json"


@dataclass(frozen=True, slots=True)
class Lock:
    """A version that was downloaded; `types` are the failure types that were kept (none = all)."""

    repo: str
    type: str
    version: str
    commit: str
    digest: str
    types: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return what a lock file says; None if there is none.

        Raises:
            ReleaseError: it is damaged.
        """
        try:
            value = json.loads(path.read_text())
            return cls(**{**value, "types": tuple(value["types"])})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise ReleaseError(f"{path} is damaged ({error}): remove it, and download again") from None

    def write(self, path: Path) -> None:
        """Write the lock, all or nothing."""
        atomic_write_json(path, asdict(self))

    def check(self, commit: str, digest: str) -> None:
        """Raise if a version is not any more what it was.

        Raises:
            ReleaseError: its tag is on another commit, or the release has another digest.
        """
        if (self.commit, self.digest) != (commit, digest):
            raise ReleaseError(
                f"the tag {self.version} of {self.repo} moved: it was on {self.commit[:12]} when first downloaded, "
                f"now it is on {commit[:12]}; a release must not change. To trust the new one, remove the lock file"
            )


def cached_lock(repo: str, type: str, version: Version) -> Path:
    """Return where the lock of a version in the cache lies (or would lie)."""
    return _folder(repo, type) / f"{version}.json"


def newest_cached(repo: str, types: tuple[str, ...]) -> Lock | None:
    """Return the lock of the newest version of a repository in the cache; None if nothing was downloaded."""
    found = [(version, type) for type in types for version in _versions(_folder(repo, type))]
    if not found:
        return None
    version, type = max(found)
    return Lock.read(cached_lock(repo, type, version))


def _versions(folder: Path) -> list[Version]:
    return Version.find([path.stem for path in folder.glob("v*.json")]) if folder.is_dir() else []


def _folder(repo: str, type: str) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HOME) / "auditdm" / "locks" / f"{type}s--{repo.replace('/', '--')}"
