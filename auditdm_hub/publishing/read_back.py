"""Read a release back as its users will: a verified download, then every config through `load_dataset`.

What a Hub took is not yet what it gives. A release that cannot be read back stays (a version is never taken away), but
whoever published it is told.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from auditdm_hub.errors import ReleaseError
from auditdm_hub.releases.manifest import Manifest, open_manifest

if TYPE_CHECKING:
    from datasets import IterableDataset

BATCH = 4096  # names of rows in memory
NAMES = {"failure_types": "name"}
"""The column that names a row, where it is not "id"."""


def read_back(folder: Path, manifest: Manifest) -> None:
    """Raise unless a folder holds a release, and `load_dataset` finds in it what the manifest lists.

    Rows are counted by their names, and the first of each split is read whole: the bytes of all are those that were
    sent, so what is left to find out is whether the card leads to them.

    Args:
        folder: where the release came back, with every file verified.
        manifest: what was sent.

    Raises:
        ReleaseError: it is not the same.
    """
    found = open_manifest(folder)
    if found.digest != manifest.digest:
        raise ReleaseError(f"{folder} holds {found.digest[:12]}, wanted {manifest.digest[:12]}")
    for config, splits in manifest.rows.items():
        _load(folder, config, dict(splits), set(manifest.columns[config]))


def _load(folder: Path, config: str, wanted: dict[str, int], columns: set[str]) -> None:
    import pyarrow as pa
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    try:
        parts = load_dataset(str(folder), config, streaming=True)
        said = {split: part.info.splits[split].num_examples for split, part in parts.items()}
        names = load_dataset(str(folder), config, streaming=True, columns=[NAMES.get(config, "id")])
        found = {split: _count(part) for split, part in names.items()}
        for part in parts.values():
            next(iter(part), None)
    except (ValueError, OSError, DatasetsError, pa.ArrowException) as error:
        raise ReleaseError(f"load_dataset cannot load {config}: {error}") from error
    for source, counts in (("finds", found), ("reads in the card of", said)):
        if counts != wanted:
            raise ReleaseError(f"load_dataset {source} {counts} rows of {config}, wanted {wanted}")
    for split, part in parts.items():
        if set(part.column_names or ()) != columns:
            odd = ", ".join(sorted(columns ^ set(part.column_names or ())))
            raise ReleaseError(f"load_dataset finds other columns in {config}, {split}: {odd}")


def _count(part: "IterableDataset") -> int:
    return sum(len(batch) for batch in part.with_format("arrow").iter(BATCH))
