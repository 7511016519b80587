"""Targets whose weaknesses are known, and the errors inside and outside of them, on fresh questions of every skill."""

import io
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

from PIL import Image

from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.evaluating.asking import ask_items, read_answers
from auditdm_hub.evaluating.items import Answered, Item
from auditdm_hub.evaluating.playground import playground_items
from auditdm_hub.models import load_vlm
from auditdm_hub.playground.draw import read
from auditdm_hub.playground.gaps import SIBLING_GAPS, TARGET_GAPS, Gap
from auditdm_hub.playground.models import SIBLING, TARGET, model_folder
from auditdm_hub.playground.skills import solve
from auditdm_hub.protocols import VisionLanguageModel
from auditdm_hub.rectifying.adapters import scale_adapter
from auditdm_hub.tables import chunk_path, read_rows, write_table
from benchmarks.planted_gaps import make_target

OTHER = "other"
WAY = (1.0, 0.85, 0.7, 0.55)
ON_THE_WAY = 300
"""Questions of each skill that are asked at each of these shares."""
Kept = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """A target whose gaps are known."""

    name: str
    folder: Path
    gaps: tuple[Gap, ...]


def subject_of(name: str, out: Path) -> Subject:
    """Return a target; the one of another family is a copy of the holdout with gaps that are drawn by lot."""
    if name == TARGET:
        return Subject(name, model_folder(TARGET), TARGET_GAPS)
    if name == SIBLING:
        return Subject(name, model_folder(SIBLING), SIBLING_GAPS)
    folder = out / "other-target"
    drawn, _ = make_target(folder, 0, 0)
    return Subject(name, folder, tuple(each.gap for each in drawn))


def suite(each: int, out: Path) -> Iterator[Item]:
    """Yield the same fresh questions of every skill, which are made once."""
    folder = out / f"suite-{each}"
    if not folder.is_dir():
        made = out / f"suite-{each}.partial"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        rows, number = list[dict[str, object]](), 0
        for item in playground_items(each, seed=4_000_000):
            rows.append({"id": item.id, "image": _png(item.image), "question": item.question, "answer": item.wanted,
                         "skill": item.part})  # fmt: skip
            if len(rows) == 2000:
                write_table(chunk_path(made, number), rows)
                rows, number = [], number + 1
        if rows:
            write_table(chunk_path(made, number), rows)
        made.rename(folder)
    for row in read_rows(folder):
        with Image.open(io.BytesIO(row["image"])) as image:  # type: ignore[arg-type]
            yield Item(str(row["id"]), image.convert("RGB"), str(row["question"]), str(row["answer"]), "",
                       str(row["skill"]))  # fmt: skip


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


@cache
def gaps_of(subject: Subject, each: int, out: Path) -> dict[str, str]:
    """Return the gap of each question that lies in one, by its id; found out once."""
    file = out / f"gaps-{subject.name}-{each}.json"
    if not file.is_file():
        atomic_write_json(file, dict(_inside(subject, suite(each, out))))
    found: dict[str, str] = json.loads(file.read_text())
    return found


def _inside(subject: Subject, items: Iterable[Item]) -> Iterator[tuple[str, str]]:
    for item in items:
        scene = read(item.image)
        truth = solve(scene, item.question) if scene else None
        if scene and truth:
            name = next((gap.name for gap in subject.gaps if gap.answer(scene, truth) is not None), "")
            if name:
                yield item.id, name


def measured(subject: Subject, adapter: Path | None, answers: Path, each: int, out: Path) -> Kept:
    """Return (wrong, asked) of each gap, and of each skill outside the gaps."""
    answers.mkdir(parents=True, exist_ok=True)
    ask_items(_loaded(subject, adapter), suite(each, out), answers, lambda done: None)
    return _counted(read_answers(answers), gaps_of(subject, each, out))


def the_way(subject: Subject, adapter: Path, each: int, out: Path, work: Path) -> list[Kept]:
    """Return the errors inside and outside the gaps with shares of an adapter, on the first questions of each skill."""
    seen, items, found = Counter[str](), list[Item](), list[Kept]()
    for item in suite(each, out):
        seen[item.part] += 1
        if seen[item.part] <= ON_THE_WAY:
            items.append(item)
    for share in WAY:
        scale_adapter(adapter, share, work)
        said = _loaded(subject, work).answer([item.image for item in items], [item.question for item in items])
        counts = _counted(
            [Answered(item.id, item.question, item.wanted, answer, item.group, item.part)
             for item, answer in zip(items, said, strict=True)],
            gaps_of(subject, each, out),
        )  # fmt: skip
        found.append({"share": share, **{name: rate(counts[name].values()) for name in ("gaps", "skills")}})
    shutil.rmtree(work)
    return found


def _loaded(subject: Subject, adapter: Path | None) -> VisionLanguageModel:
    return load_vlm(str(subject.folder), adapter=str(adapter) if adapter else None, batch_size=64, max_new_tokens=8)


def _counted(answered: Iterable[Answered], inside: Mapping[str, str]) -> Kept:
    gaps, skills = dict[str, list[int]](), dict[str, list[int]]()
    for item in answered:
        wrong = normalise(item.answer or "") != normalise(str(item.wanted))
        table, name = (gaps, inside[item.id]) if item.id in inside else (skills, item.part)
        counts = table.setdefault(name, [0, 0])
        counts[0] += wrong
        counts[1] += 1
    return {"gaps": gaps, "skills": skills}


def at_loss(way: Sequence[Kept], start: tuple[float, float], loss: float) -> float:
    """Return the error inside the gaps where that outside has grown so much: between the two shares around it.

    `start` has (outside, inside) with a share of 0. Where the whole adapter loses less, it is that of the whole.
    """
    points = [start, *sorted((each["skills"], each["gaps"]) for each in way)]
    for (low, first), (high, second) in pairwise(points):
        if low <= start[0] + loss <= high:
            return float(first + (second - first) * (start[0] + loss - low) / (high - low))
    return float(points[-1][1])


def rate(counts: Iterable[Sequence[int]]) -> float:
    """Return the mean of errors, each gap or skill counted alike."""
    return mean(wrong / asked for wrong, asked in counts)
