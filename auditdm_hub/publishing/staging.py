"""The tables of a release, written below a folder: every row passes the gates on its way into a shard."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditdm_hub.publishing.facts import ImageUse, Sample
from auditdm_hub.publishing.run_rows import Row
from auditdm_hub.publishing.shards import ConfigWriter, Index
from auditdm_hub.publishing.union import Union
from auditdm_hub.releases.manifest import File
from auditdm_hub.releases.schema import CONFIGS, features_of

if TYPE_CHECKING:
    from datasets import ClassLabel, Features

SAMPLES = 3
"""Failures of each type that the card can show."""

CheckRow = Callable[[str, str, Row], object]
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Tables:
    """What was written.

    `rows`: config -> split -> rows; `samples`: failure type -> its most typical failures; `images`: what the images of
    the config `exchanges` are; `licenses`: every licence that a row names; `files`: size and hash of each shard.
    """

    rows: Mapping[str, Mapping[str, int]]
    features: Mapping[str, "Features"]
    samples: Mapping[str, tuple[Sample, ...]]
    images: tuple[ImageUse, ...]
    licenses: tuple[str, ...]
    files: Mapping[str, File]

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        """Config -> column -> its type; names of labels are no part of it."""
        return {
            config: {name: _type(each) for name, each in features.items()} for config, features in self.features.items()
        }


def write_tables(union: Union, folder: Path, origin: str, check: CheckRow, progress: Progress) -> Tables:
    """Write all shards and the index.

    Args:
        union: the rows.
        folder: is empty.
        origin: where the images come from.
        check: is called with (config, id, row) for each row and collects what it finds.
        progress: is called with the number of rows written.
    """
    index, samples, uses = Index(), _Samples(), Counter[tuple[str, str, str]]()
    rows, features, written = dict[str, Mapping[str, int]](), dict[str, Any](), 0
    files: dict[str, File] = {}
    for config in CONFIGS:
        features[config] = features_of(config, [kind.name for kind in union.types])
        writer = ConfigWriter(folder, config, features[config], index)
        for row in union.rows(config):
            check(config, str(row.get("id") or row["name"]), row)
            writer.write(row)
            if config == "failures":
                samples.offer(row)
            elif config == "exchanges":
                uses[row["image_license"], row["generator"], row["generator_license"]] += 1
            written += 1
            progress(written)
        rows[config] = writer.close()
        files |= writer.files
    index.write(folder)
    images = tuple(ImageUse(origin, *use, count) for use, count in sorted(uses.items()))
    licenses = sorted({name for use in uses for name in (use[0], use[2]) if name or use[1]})
    return Tables(rows, features, samples.taken, images, tuple(licenses), files)


class _Samples:
    """Keeps the first failures of each type: a run offers the most typical first."""

    def __init__(self) -> None:
        self._kept: defaultdict[str, list[Sample]] = defaultdict(list)

    @property
    def taken(self) -> dict[str, tuple[Sample, ...]]:
        return {kind: tuple(samples) for kind, samples in self._kept.items()}

    def offer(self, row: Row) -> None:
        kept = self._kept[row["failure_type"]]
        if len(kept) < SAMPLES:
            kept.append(
                Sample(
                    id=row["id"],
                    image=row["image"]["bytes"],
                    source_image=row["source_image"]["bytes"] if row["source_image"] else None,
                    question=row["question"],
                    instruction=row["instruction"],
                    target_answer=row["target_answer"] or "",
                    consensus_answer=row["consensus_answer"],
                )
            )


def _type(feature: "ClassLabel | object") -> str:
    return "ClassLabel" if hasattr(feature, "str2int") else str(feature)
