"""Ask a model the items of a benchmark, in chunks that are kept: after a kill it goes on with the next chunk."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa

from auditdm_hub.evaluating.items import Answered, Item
from auditdm_hub.protocols import VisionLanguageModel
from auditdm_hub.tables import chunk_path, finished_chunks, read_rows, write_table

CHUNK = 64  # items; what a kill loses at most
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("id", "question", "wanted", "answer", "group", "part")]
)  # fmt: skip


def ask_items(model: VisionLanguageModel, items: Iterator[Item], folder: Path, progress: Callable[[int], None]) -> None:
    """Ask a model every item and keep its answers in a folder; items whose chunk is there are passed over.

    Args:
        model: what is asked.
        items: in a fixed order.
        folder: of the table.
        progress: is called with the number of items answered so far.
    """
    done = finished_chunks(folder)
    rest = islice(items, done * CHUNK, None)
    progress(done * CHUNK)
    for number, chunk in enumerate(_chunks(rest), start=done):
        answers = model.answer([item.image for item in chunk], [item.question for item in chunk])
        rows = [_row(item, answer) for item, answer in zip(chunk, answers, strict=True)]
        write_table(chunk_path(folder, number), rows, SCHEMA)
        progress(number * CHUNK + len(chunk))


def forget_unanswered(folder: Path) -> None:
    """Remove chunks from the first on that holds a question without an answer: they are asked again."""
    done = finished_chunks(folder)
    gaps = (
        number
        for number in range(done)
        if any(row["answer"] is None for row in read_rows(chunk_path(folder, number), ["answer"]))
    )
    for number in reversed(range(next(gaps, done), done)):
        chunk_path(folder, number).unlink()


def read_answers(folder: Path) -> list[Answered]:
    """Return what was asked and answered."""
    return [
        Answered(
            str(row["id"]), str(row["question"]), json.loads(str(row["wanted"])),
            None if row["answer"] is None else str(row["answer"]), str(row["group"]), str(row["part"]),
        )
        for row in read_rows(folder)
    ]  # fmt: skip


def _chunks(items: Iterator[Item]) -> Iterator[Sequence[Item]]:
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def _row(item: Item, answer: str | None) -> dict[str, object]:
    wanted = json.dumps(item.wanted, ensure_ascii=False)
    return {
        "id": item.id, "question": item.question, "wanted": wanted, "answer": answer, "group": item.group,
        "part": item.part,
    }  # fmt: skip
