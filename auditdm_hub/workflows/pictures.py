"""What is known of each picture that was drawn or edited for an audit: `RUN/pictures.parquet`, a row for each.

    image_sha, source_image_sha   the picture, and the image of the pool that it began from
    action, instruction           "caption" or "edit", and what was asked for
    maker, maker_license          name@revision with its settings (steps, guidance, size), and the licence of its card
    checked                       whether the pipeline has a safety checker, which withholds what it finds unsafe
    seed                          of the random numbers, with which the maker draws the same again
    change                        of an edit: the mean absolute difference over all channels, in [0, 1]
    difference_sha                of an edit: the picture of the absolute differences, kept with the run's images

It follows from the trials, so that a run that was interrupted has the same table.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
from PIL import ImageChops

from auditdm_hub.auditing.faithful import change
from auditdm_hub.auditing.probe import picture_seed
from auditdm_hub.images import ImageStore
from auditdm_hub.protocols import ImageEditor, ImageGenerator
from auditdm_hub.records import Probe
from auditdm_hub.tables import write_table

FILE = "pictures.parquet"
SCHEMA = pa.schema([
    *((name, pa.string()) for name in ("image_sha", "source_image_sha", "action", "instruction", "maker",
                                       "maker_license")),
    ("checked", pa.bool_()), ("seed", pa.int64()), ("change", pa.float64()), ("difference_sha", pa.string()),
])  # fmt: skip
Maker = ImageGenerator | ImageEditor | None


def write_pictures(
    probes: Iterable[Probe], images: ImageStore, makers: tuple[Maker, Maker], license_of: Callable[[str], str],
    run_seed: int, file: Path,
) -> None:  # fmt: skip
    """Write the table of the pictures of some trials.

    Args:
        probes: of first and second passes; pictures come once.
        images: where they lie, and where the differences go.
        makers: generator and editor.
        license_of: the licence of a model, by its id.
        run_seed: of the audit.
        file: the table.
    """
    rows = _rows(probes, images, dict(zip(("caption", "edit"), makers, strict=True)), license_of, run_seed)
    write_table(file, list(rows), SCHEMA)


def _rows(
    probes: Iterable[Probe], images: ImageStore, makers: dict[str, Maker], license_of: Callable[[str], str],
    run_seed: int,
) -> Iterator[dict[str, object]]:  # fmt: skip
    seen = set[tuple[str, str, str]]()
    for probe in probes:
        key = probe.image_sha, probe.source_image_sha, probe.instruction
        if probe.action not in makers or not probe.first_pass or probe.image_sha == probe.source_image_sha:
            continue
        if key in seen:
            continue
        seen.add(key)
        maker = makers[probe.action]
        assert maker is not None, "a picture was made"
        row: dict[str, object] = {
            "image_sha": probe.image_sha, "source_image_sha": probe.source_image_sha, "action": probe.action,
            "instruction": probe.instruction, "maker": maker.id, "maker_license": license_of(maker.id),
            "checked": bool(getattr(maker, "checked", False)), "seed": picture_seed(probe, run_seed),
            "change": None, "difference_sha": None,
        }  # fmt: skip
        if probe.action == "edit":
            before, after = images.get(probe.source_image_sha), images.get(probe.image_sha)
            row["change"] = change(before, after)
            if before.size == after.size:
                row["difference_sha"] = images.put(ImageChops.difference(before, after))
        yield row
