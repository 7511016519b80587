"""Read a release back as its users will: every byte against the plan, and every config through `load_dataset`.

What a Hub took is not yet what it gives. A release that cannot be read back stays (a version is never taken away), but
whoever published it is told.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from auditdm_hub.errors import ReleaseError
from auditdm_hub.releases.manifest import Manifest, open_manifest
from auditdm_hub.releases.verify import verify_folder


def read_back(folder: Path, manifest: Manifest, scratch: Path) -> None:
    """Raise unless a folder holds a release, and `load_dataset` finds in it what the manifest lists.

    Args:
        folder: where the release came back.
        manifest: what was sent.
        scratch: an existing folder with room for the tables; nothing stays in it.

    Raises:
        ReleaseError: it is not the same.
    """
    found = open_manifest(folder)
    if found.digest != manifest.digest:
        raise ReleaseError(f"{folder} holds {found.digest[:12]}, wanted {manifest.digest[:12]}")
    faults = verify_folder(folder, rows=False).faults
    if faults:
        raise ReleaseError(faults[0])
    for config, splits in manifest.rows.items():
        _load(folder, config, dict(splits), set(manifest.columns[config]), scratch)


def _load(folder: Path, config: str, wanted: dict[str, int], columns: set[str], scratch: Path) -> None:
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    with TemporaryDirectory(dir=scratch, prefix=".load-") as cache:
        try:
            parts = load_dataset(str(folder), config, cache_dir=cache)
        except (ValueError, OSError, DatasetsError) as error:
            raise ReleaseError(f"load_dataset cannot load {config}: {error}") from error
        found = {split: len(part) for split, part in parts.items()}
        if found != wanted:
            raise ReleaseError(f"load_dataset finds {found} rows of {config}, wanted {wanted}")
        for split, part in parts.items():
            if set(part.column_names) != columns:
                odd = ", ".join(sorted(columns ^ set(part.column_names)))
                raise ReleaseError(f"load_dataset finds other columns in {config}, {split}: {odd}")
