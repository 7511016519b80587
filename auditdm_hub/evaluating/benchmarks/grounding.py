"""Finding what a phrase refers to: RefCOCO, RefCOCO+ and RefCOCOg, by the overlap of boxes or of segmentations.

The overlap of boxes is what most models report. PaliGemma's own figure, and the paper's, is another metric on the same
data, the mean overlap of segmentations, whose tokens only its decoder reads: `refcoco-seg`. The two are never mixed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

from auditdm_hub.evaluating.benchmark import Ask, Benchmark, Row, each
from auditdm_hub.evaluating.items import Answered, Item, Wanted
from auditdm_hub.evaluating.scoring.boxes import Box, hit
from auditdm_hub.evaluating.scoring.masks import MaskDecoder, decode, encode

PROMPT = (
    "Name the box of what this describes as [left, top, right, bottom], four numbers from 0 to 1, shares of the "
    "image's width and height: {question}"
)


def _phrases(row: Row, ask: Ask) -> Iterator[Item]:
    left, top, width, height = (float(each) for each in row["bbox"])
    across, down = row["image"].size
    box = [left / across, top / down, (left + width) / across, (top + height) / down]
    for number, phrase in enumerate(row["answer"]):
        yield Item(f"{row['question_id']}-{number}", row["image"], ask(phrase), box, str(row["question_id"]))


def _hit(answer: str, wanted: Wanted) -> float:
    return hit(answer, Box(*(float(each) for each in wanted)))


def _segments(row: Row, ask: Ask) -> Iterator[Item]:
    wanted = encode(row["segmentation"], *row["image"].size)
    for number, phrase in enumerate(row["answer"]):
        yield Item(f"{row['question_id']}-{number}", row["image"], ask(phrase), wanted, str(row["question_id"]))


def _by_masks(weights: Path) -> Callable[[Sequence[Answered]], list[float]]:
    decoder = MaskDecoder.load(weights)

    def score(items: Sequence[Answered]) -> list[float]:
        masks = (decode(cast("Mapping[str, str]", item.wanted)) for item in items)
        return decoder.overlaps([item.answer or "" for item in items], masks)

    return score


def _without_weights(items: Sequence[Answered]) -> list[float]:
    raise AssertionError(f"{len(items)} masks wait for their decoder")


DATASETS = (
    ("refcoco", "lmms-lab-encoder/RefCOCO"),
    ("refcoco+", "lmms-lab-encoder/RefCOCOplus"),
    ("refcocog", "lmms-lab-encoder/RefCOCOg"),
)
SEGMENTATIONS = tuple(
    Benchmark(
        f"{name}-seg", dataset, "val", "mean overlap (IoU) of segmentations",
        ("question_id", "image", "answer", "segmentation"), _segments, _without_weights, prompt="segment {question}",
        prefix="segment {question}", max_new_tokens=32, source="https://github.com/google-research/big_vision",
        weights=("big-vision/paligemma", "vae-oid.npz"), scorer=_by_masks, prefix_only=True,
    )
    for name, dataset in DATASETS
)  # fmt: skip
BENCHMARKS = SEGMENTATIONS + tuple(
    Benchmark(
        name, dataset, "val", "accuracy: boxes overlap by at least half (IoU .5)",
        ("question_id", "image", "answer", "bbox"), _phrases, each(_hit), prompt=PROMPT, prefix="detect {question}",
        max_new_tokens=32, source="https://github.com/lichengunc/refer",
    )
    for name, dataset in DATASETS
)  # fmt: skip
