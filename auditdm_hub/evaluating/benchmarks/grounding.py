"""Finding what a phrase refers to: RefCOCO, RefCOCO+ and RefCOCOg, by the overlap of boxes.

PaliGemma's own figure is another metric on the same data, the overlap of segmentations, whose tokens only its decoder
reads; it is not measured here, and the two are never mixed.
"""

from collections.abc import Iterator

from auditdm_hub.evaluating.benchmark import Ask, Benchmark, Row, each
from auditdm_hub.evaluating.items import Item, Wanted
from auditdm_hub.evaluating.scoring.boxes import Box, hit

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


BENCHMARKS = tuple(
    Benchmark(
        name, dataset, "val", "accuracy: boxes overlap by at least half (IoU .5)",
        ("question_id", "image", "answer", "bbox"), _phrases, each(_hit), prompt=PROMPT, prefix="detect {question}",
        max_new_tokens=32, source="https://github.com/lichengunc/refer",
    )
    for name, dataset in (
        ("refcoco", "lmms-lab-encoder/RefCOCO"),
        ("refcoco+", "lmms-lab-encoder/RefCOCOplus"),
        ("refcocog", "lmms-lab-encoder/RefCOCOg"),
    )
)  # fmt: skip
