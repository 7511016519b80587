"""Read releases, from a folder or from the Hub, in the same few words."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from auditdm_hub.errors import ConfigError, HubError, ReleaseError
from auditdm_hub.releases.address import VERSIONS, Address
from auditdm_hub.releases.hub_errors import client_errors, explain, explained
from auditdm_hub.releases.manifest import FILE_NAME, WITHDRAWN, Manifest, open_manifest, read_manifest
from auditdm_hub.releases.version import Version

RepoType = Literal["dataset", "model"]
TYPES: tuple[RepoType, ...] = ("dataset", "model")


class Reader(Protocol):
    """Releases in one place. `where` names it in messages.

    `versions` are in order; `withdrawn` maps a version to why; `commit` names what a version is at ("" in a folder).
    """

    where: str

    def versions(self) -> list[Version]: ...  # noqa: D102 - the class says it
    def withdrawn(self) -> Mapping[str, str]: ...  # noqa: D102
    def commit(self, version: Version) -> str: ...  # noqa: D102
    def manifest(self, version: Version) -> Manifest: ...  # noqa: D102


class FolderReader:
    """Releases in a folder; a lone release counts as one version."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.where = folder, str(folder)

    def path(self, version: Version) -> Path:
        """Return where a version lies."""
        lone = self.folder / FILE_NAME
        return (
            self.folder
            if not (self.folder / VERSIONS).is_dir() and lone.is_file()
            else self.folder / VERSIONS / str(version)
        )

    def versions(self) -> list[Version]:
        """Return the versions, in order."""
        if not (self.folder / VERSIONS).is_dir():
            return [open_manifest(self.folder).version]
        return Version.find([path.name for path in (self.folder / VERSIONS).iterdir() if path.is_dir()])

    def withdrawn(self) -> Mapping[str, str]:
        """Return why versions are withdrawn."""
        file = self.folder / WITHDRAWN
        return reasons(file.read_text(), self.where) if file.is_file() else {}

    def commit(self, version: Version) -> str:
        """Return "": a folder has no commits."""
        del version
        return ""

    def manifest(self, version: Version) -> Manifest:
        """Return the manifest of a version."""
        return open_manifest(self.path(version))


class HubReader:
    """Releases of a repository on the Hub. `type` is found out if it is not given.

    Raises:
        HubError: there is no such repository, or this account may not see it, or the Hub does not answer.
    """

    def __init__(self, repo: str, type: RepoType | None = None, api: Any = None) -> None:  # noqa: ANN401 - HfApi
        from huggingface_hub import HfApi

        self.api = api or HfApi()
        self.where = repo
        self.type, refs = _find(self.api, repo, type)
        self._tags = {ref.name: ref.target_commit for ref in refs.tags}
        self.head = next((ref.target_commit for ref in refs.branches if ref.name == "main"), "")

    def versions(self) -> list[Version]:
        """Return the versions, in order."""
        return Version.find(list(self._tags))

    def withdrawn(self) -> Mapping[str, str]:
        """Return why versions are withdrawn."""
        from huggingface_hub.errors import EntryNotFoundError

        try:
            return reasons(self._read(WITHDRAWN, self.head), self.where)
        except EntryNotFoundError:
            return {}
        except client_errors() as error:
            raise explain(error, self.where) from error

    def commit(self, version: Version) -> str:
        """Return the commit that a version's tag is on."""
        return str(self._tags[str(version)])

    def manifest(self, version: Version) -> Manifest:
        """Return the manifest of a version.

        Raises:
            ReleaseError: the tag is on something that is no release.
        """
        from huggingface_hub.errors import EntryNotFoundError

        what = f"{self.where} {version}"
        try:
            return read_manifest(self._read(FILE_NAME, self.commit(version)), what)
        except EntryNotFoundError:
            raise ReleaseError(f"{what} is no release of auditdm-hub: it has no {FILE_NAME}") from None
        except client_errors() as error:
            raise explain(error, what) from error

    def _read(self, path: str, revision: str) -> str:
        return Path(self.api.hf_hub_download(self.where, path, repo_type=self.type, revision=revision)).read_text()


def open_reader(address: Address, type: RepoType | None = None, api: Any = None) -> "FolderReader | HubReader":  # noqa: ANN401
    """Return the reader of a place.

    Raises:
        HubError: there is no such repository, or the Hub does not answer.
    """
    return FolderReader(address.folder) if address.folder is not None else HubReader(address.repo, type, api)


def choose(reader: Reader, wanted: Version | None) -> Version:
    """Return the version that is wanted, or the newest that is not withdrawn.

    Raises:
        ReleaseError: there is no such version, or none at all.
    """
    versions = reader.versions()
    if not versions:
        raise ReleaseError(f"{reader.where} has no releases: nothing with a version like v1.0.0 was published there")
    if wanted is None:
        withdrawn = reader.withdrawn()
        return next((each for each in reversed(versions) if str(each) not in withdrawn), versions[-1])
    if wanted not in versions:
        raise ReleaseError(f"{reader.where} has no version {wanted}; there are: {', '.join(map(str, versions))}")
    return wanted


def reasons(text: str, where: str) -> dict[str, str]:
    """Return what WITHDRAWN.json says: version -> why.

    Raises:
        ReleaseError: it is damaged.
    """
    try:
        return {version: str(mark["why"]) for version, mark in json.loads(text).items()}
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ReleaseError(f"{where}: {WITHDRAWN} is damaged ({error})") from None


def check_type(text: str) -> RepoType | None:
    """Return a kind of repository that a user named.

    Raises:
        ConfigError: there is no such kind.
    """
    if text not in ("", *TYPES):
        raise ConfigError(f"--repo-type: got {text!r}, wanted dataset or model")
    return text or None  # type: ignore[return-value]


def _find(api: Any, repo: str, type: RepoType | None) -> tuple[RepoType, Any]:  # noqa: ANN401
    from huggingface_hub.errors import RepositoryNotFoundError

    for kind in (type,) if type else TYPES:
        try:
            return kind, api.list_repo_refs(repo, repo_type=kind)
        except RepositoryNotFoundError as error:
            last: Exception = error
        except client_errors() as error:
            raise explain(error, repo) from error
    with explained(repo):
        raise last
    raise HubError(repo)
