"""Does a model share the failures of a release? Its error on each failure type, beside the error on controls.

Asked are the failures of a release, and as many exchanges in which the audited target agreed with the consensus (the
controls, drawn by a hash so that everybody draws the same). An answer is wrong where it contradicts the consensus. That
is no ground truth: what counts is the error on a type against the error on the controls.
"""

import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.errors import ReleaseError
from auditdm_hub.evaluating.benchmark import Benchmark, each, texts
from auditdm_hub.evaluating.items import Answered, Item
from auditdm_hub.evaluating.playground import PLAYGROUND
from auditdm_hub.releases.manifest import open_manifest
from auditdm_hub.releases.schema import SPLITS, UNASSIGNED
from auditdm_hub.statistics import wilson

CONTROLS = "controls"
MOST_CONTROLS = 1000
COLUMNS = ["id", "image", "question", "consensus_answer", "source_image_sha256"]


@dataclass(frozen=True, slots=True)
class SharedType:
    """A model on one failure type (or on the controls): `error` with its Wilson interval, of `asked` questions."""

    name: str
    status: str
    asked: int
    error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Shared:
    """A model on a release, the failure types in the order of the release; `unanswered` questions are not in them."""

    release: str
    digest: str
    split: str
    types: tuple[SharedType, ...]
    controls: SharedType
    unanswered: int


def failure_items(folder: Path, split: str, limit: int | None = None) -> Iterator[Item]:
    """Yield the failures of a release and its controls; their `part` is the failure type, or "controls".

    Args:
        folder: of a data-set release that was verified.
        split: "train", "test", or "all".
        limit: failures of each type, and controls, at most.

    Raises:
        ReleaseError: it is an adapter, or has no failures in that split.
    """
    manifest = open_manifest(folder)
    if manifest.kind != "dataset":
        raise ReleaseError(f"{manifest.name} is an adapter, no failure set")
    names = [*manifest.types, UNASSIGNED]
    splits = SPLITS if split == "all" else (split,)
    asked = Counter[str]()
    for row in (row for part in splits for row in _rows(folder, f"data/failures/{part}-", ["failure_type"])):
        name = names[row["failure_type"]]
        if limit is None or asked[name] < limit:
            asked[name] += 1
            yield _item(row, name)
    if not asked:
        raise ReleaseError(f"{manifest.name} {manifest.version} has no failures in the split {split}")
    for row in _drawn(folder, splits, min(asked.total(), limit or MOST_CONTROLS, MOST_CONTROLS)):
        yield _item(row, CONTROLS)


def lesson_items(folder: Path, split: str) -> Iterator[tuple[Item, float]]:
    """Yield the failures of a split and every agreement, each with the share of reference families behind its answer.

    Their `part` is the failure type, or "controls".

    Raises:
        ReleaseError: it is an adapter.
    """
    manifest = open_manifest(folder)
    if manifest.kind != "dataset":
        raise ReleaseError(f"{manifest.name} is an adapter, no failure set")
    names = [*manifest.types, UNASSIGNED]
    for row in _rows(folder, f"data/failures/{split}-", ["failure_type", "agreement"]):
        yield _item(row, names[row["failure_type"]]), row["agreement"]
    for row in _rows(folder, f"data/exchanges/{split}-", ["outcome", "agreement"]):
        if row["outcome"] == "agreement":
            yield _item(row, CONTROLS), row["agreement"]


def errors(items: Sequence[Answered]) -> list[float]:
    """Return 1 for each answer that contradicts the consensus."""
    return each(lambda answer, wanted: float(normalise(answer) != normalise(texts(wanted)[0])))(items)


def contradicting(name: str) -> Benchmark:
    """Return the error on a failure type, or on the controls, as a metric: its data are no benchmark of the Hub."""
    metric = "share of answers that contradict the consensus"
    return replace(PLAYGROUND, name=name, dataset="", metric=metric, score=errors, better="lower")


def shared(folder: Path, split: str, answers: Sequence[Answered]) -> Shared:
    """Return the error of a model on each failure type and on the controls."""
    manifest = open_manifest(folder)
    status = _statuses(folder)
    got = [item for item in answers if item.answer is not None]
    wrong = defaultdict[str, list[bool]](list)
    for item, error in zip(got, errors(got), strict=True):
        wrong[item.part].append(error == 1)
    types = [_type(name, status.get(name, ""), wrong[name]) for name in (*manifest.types, UNASSIGNED) if name in wrong]
    return Shared(
        f"{manifest.name}@{manifest.version}", manifest.digest, split, tuple(types),
        _type(CONTROLS, "", wrong[CONTROLS]), len(answers) - len(got),
    )  # fmt: skip


def _type(name: str, status: str, wrong: Sequence[bool]) -> SharedType:
    low, high = wilson(sum(wrong), len(wrong))
    return SharedType(name, status, len(wrong), sum(wrong) / len(wrong) if wrong else 0.0, low, high)


def _item(row: dict[str, Any], part: str) -> Item:
    with Image.open(io.BytesIO(row["image"]["bytes"])) as image:
        shown = image.convert("RGB")
    return Item(row["id"], shown, row["question"], row["consensus_answer"], row["source_image_sha256"], part)


def _rows(folder: Path, prefix: str, more: Sequence[str]) -> Iterator[dict[str, Any]]:
    for path in sorted(name for name in open_manifest(folder).files if name.startswith(prefix)):
        with pq.ParquetFile(folder / path) as file:
            for batch in file.iter_batches(64, columns=[*COLUMNS, *more]):
                yield from batch.to_pylist()


def _drawn(folder: Path, splits: Sequence[str], count: int) -> Iterator[dict[str, Any]]:
    """Yield exchanges in which the audited target agreed: those whose ids have the smallest hashes."""
    places = []
    paths = [
        name for part in splits for name in open_manifest(folder).files if name.startswith(f"data/exchanges/{part}-")
    ]
    for path in sorted(paths):
        table = pq.read_table(folder / path, columns=["id", "outcome"]).to_pydict()
        for identity, outcome in zip(table["id"], table["outcome"], strict=True):
            if outcome == "agreement":
                places.append((hashlib.sha256(identity.encode()).digest(), identity))
    kept = pa.array(sorted(identity for _, identity in sorted(places)[:count]), pa.string())
    for path in sorted(paths):
        with pq.ParquetFile(folder / path) as file:
            for batch in file.iter_batches(64, columns=COLUMNS):
                yield from batch.filter(pc.is_in(batch["id"], value_set=kept)).to_pylist()


def count_items(folder: Path, split: str, limit: int | None) -> int:
    """Return how many items there are at most, for the time that is left."""
    splits = SPLITS if split == "all" else (split,)
    manifest = open_manifest(folder)
    failures = sum(manifest.rows["failures"].get(part, 0) for part in splits)
    failures = min(failures, limit * (len(manifest.types) + 1)) if limit else failures
    return failures + min(failures, limit or MOST_CONTROLS, MOST_CONTROLS)


def _statuses(folder: Path) -> dict[str, str]:
    paths = sorted(name for name in open_manifest(folder).files if name.startswith("data/failure_types/"))
    rows = [row for path in paths for row in pq.read_table(folder / path, columns=["name", "status"]).to_pylist()]
    return {row["name"]: row["status"] for row in rows}
