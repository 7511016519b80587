"""A part of a release: some of its failure types. It is no release any more, and says so."""

import difflib
import shutil
from collections.abc import Sequence
from pathlib import Path

from auditdm_hub.errors import ReleaseError
from auditdm_hub.releases.manifest import Manifest, open_manifest
from auditdm_hub.releases.schema import UNASSIGNED
from auditdm_hub.text import as_markdown, visible

GOES_ALONG = ("NOTICE", "LICENSES/", "CHANGELOG.md")
BATCH = 256


def labels_of(manifest: Manifest, types: Sequence[str]) -> list[int]:
    """Return the labels of failure types.

    Raises:
        ReleaseError: there is no type of that name.
    """
    names = [*manifest.types, UNASSIGNED]
    for name in types:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1, 0.5)
            near = near or [each for each in names if name.lower() in each.lower()]
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(names)}"
            raise ReleaseError(visible(f"{manifest.name} {manifest.version} has no failure type {name!r}{hint}"))
    return [names.index(name) for name in types]


def write_selection(source: Path, to: Path, types: Sequence[str]) -> None:
    """Write the rows of some failure types of the release in `source` below `to`, with its licences.

    Raises:
        ReleaseError: there is no type of that name.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from auditdm_hub.atomic import atomic_file, atomic_write_text

    manifest = open_manifest(source)
    labels = labels_of(manifest, types)
    for path in sorted(manifest.files):
        if path.startswith(GOES_ALONG):
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, to / path)
        if not path.startswith(("data/failures/", "data/failure_types/")):
            continue
        column, wanted = ("failure_type", labels) if path.startswith("data/failures/") else ("name", list(types))
        with pq.ParquetFile(source / path) as file, atomic_file(to / path) as written:
            kept = pa.array(wanted, file.schema_arrow.field(column).type)
            with pq.ParquetWriter(written, file.schema_arrow, compression="zstd") as writer:
                for batch in file.iter_batches(batch_size=BATCH):
                    writer.write_batch(batch.filter(pc.is_in(batch[column], value_set=kept)))
    named = "\n".join(f"- {as_markdown(name)}" for name in types)
    name = f"{as_markdown(manifest.name)} {manifest.version}"
    atomic_write_text(
        to / "README.md",
        f"# A part of {name}\n\nThe configs `failures` and `failure_types`, of these failure types only:\n\n{named}\n\n"
        f"The whole: `auditdm-hub download {manifest.name}@{manifest.version}`. Licences: `NOTICE` and `LICENSES/`.\n",
    )
