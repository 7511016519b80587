"""`auditdm-hub verify`: a release wherever it is, in a folder or on the Hub."""

from pathlib import Path
from typing import Any

from auditdm_hub.releases.address import VERSIONS, Address
from auditdm_hub.releases.download import download
from auditdm_hub.releases.hub_errors import explained
from auditdm_hub.releases.manifest import BESIDE, File, Manifest
from auditdm_hub.releases.readers import FolderReader, HubReader, RepoType, choose
from auditdm_hub.releases.verify import Progress, Report, verify_folder


def check_release(
    address: Address,
    repo_type: RepoType | None = None,
    progress: Progress = lambda done, total: None,
    api: Any = None,  # noqa: ANN401 - HfApi
) -> Report:
    """Check a release and return what was checked, and what is wrong.

    Args:
        address: the release; the newest version if it names none.
        repo_type: of the repository, if the name is ambiguous.
        progress: is called with (files done, files in all).
        api: talks to the Hub.

    Raises:
        ReleaseError: there is no such release, or it cannot be read at all.
        HubError: the Hub does not answer, or does not allow it.
    """
    if address.folder is not None:
        return _check_folder(FolderReader(address.folder), address, progress)
    reader = HubReader(address.repo, repo_type, api)
    version = choose(reader, address.version)
    listed = _listed_faults(reader, reader.commit(version), reader.manifest(version))
    folder = download(Address(address.repo, None, version), repo_type=reader.type, api=api)
    report = verify_folder(folder, progress)
    report.faults[:0] = listed
    _warn(report, dict(reader.withdrawn()), str(version))
    return report


def _check_folder(reader: FolderReader, address: Address, progress: Progress) -> Report:
    version = choose(reader, address.version)
    report = verify_folder(reader.path(version), progress)
    _warn(report, dict(reader.withdrawn()), str(version))
    if (reader.folder / VERSIONS).is_dir() and version == reader.versions()[-1]:
        report.faults += _mirror_faults(reader.folder, reader.manifest(version))
    return report


def _mirror_faults(root: Path, manifest: Manifest) -> list[str]:
    """Compare the root of a folder with its newest version; the card there may have a notice more."""
    found = []
    for path, file in manifest.files.items():
        if not (root / path).is_file():
            found.append(f"{path}: is missing at the root: publish again to mend it")
        elif path != "README.md" and File.of(root / path) != file:
            found.append(f"{path}: at the root, its bytes are not those of the newest version")
    return found


def _listed_faults(reader: HubReader, commit: str, manifest: Manifest) -> list[str]:
    """Compare what the Hub lists for a commit with the manifest, before anything is downloaded."""
    with explained(reader.where):
        tree = list(reader.api.list_repo_tree(reader.where, recursive=True, revision=commit, repo_type=reader.type))
    listed = {entry.path: entry for entry in tree if hasattr(entry, "blob_id")}
    faults = [f"{path}: is not on the Hub" for path in sorted(manifest.files.keys() - listed.keys())]
    faults += [
        f"{path}: is on the Hub, but not in the release"
        for path in sorted(listed.keys() - manifest.files.keys() - BESIDE)
    ]
    for path, file in manifest.files.items():
        entry = listed.get(path)
        if entry is not None and (entry.size != file.size or (entry.lfs and entry.lfs.sha256 != file.sha256)):
            faults.append(f"{path}: the Hub has another content than the release")
    return faults


def _warn(report: Report, withdrawn: dict[str, str], version: str) -> None:
    if version in withdrawn:
        report.warnings.append(f"{version} was withdrawn: {withdrawn[version]}")
