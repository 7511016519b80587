"""Multiple choice: MMBench, MMT-Bench, SEED-Bench, MMMU, MMStar, RealWorldQA."""

import ast
import base64
import io
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from PIL import Image

from auditdm_hub.evaluating.benchmark import LETTER, Ask, Benchmark, Row, each, lettered, listed
from auditdm_hub.evaluating.benchmarks.vqa import right_letter
from auditdm_hub.evaluating.items import Answered, Item, Wanted
from auditdm_hub.evaluating.scoring.choices import circular, open_answer, option_named
from auditdm_hub.evaluating.scoring.texts import exact_match

LETTERS = string.ascii_uppercase


def _in_columns(row: Row, letters: str = LETTERS[:9]) -> list[str]:
    """Return the options that a row holds in columns "A", "B", ..."""
    return [str(row[letter]) for letter in letters if row.get(letter) not in (None, "", "nan")]


COPIES = 1_000_000
"""MMBench holds each question again with its options rotated, with an index of so much more for each turn."""


def _mmbench(row: Row, ask: Ask) -> Iterator[Item]:
    """Yield the question with its options in each rotation: all of them have to be answered rightly.

    The copies of the data set are these rotations, so that they are passed over: with `limit`, too, a question is asked
    in all of them.
    """
    if int(row["index"]) >= COPIES:
        return
    options, right = _in_columns(row, "ABCD"), LETTERS.index(row["answer"])
    hint = f"{row['hint']}\n" if row.get("hint") not in (None, "", "nan") else ""
    for turn in range(len(options)):
        turned = lettered(options[turn:] + options[:turn])
        wanted = {"right": LETTERS[(right - turn) % len(options)], **turned}
        question = ask(listed(f"{hint}{row['question']}", turned))
        name, part = str(row["index"]), str(row.get("category", ""))
        yield Item(f"{name}-{turn}", row["image"], question, wanted, name, part)


def _mmt(row: Row, ask: Ask) -> Iterator[Item]:
    options = lettered(_in_columns(row))
    wanted = {"right": str(row["answer"]), **options}
    part = str(row.get("category", ""))
    yield Item(str(row["index"]), _image(row["image"]), ask(listed(row["question"], options)), wanted, part=part)


def _image(held: Any) -> Image.Image:  # noqa: ANN401 - an image, or one in base64
    return Image.open(io.BytesIO(base64.b64decode(held))).convert("RGB") if isinstance(held, str) else held


def _seed(row: Row, ask: Ask) -> Iterator[Item]:
    if row["data_type"] != "image":
        return
    options = lettered([row[f"choice_{letter}"] for letter in "abcd"])
    image = row["image"][0] if isinstance(row["image"], list) else row["image"]
    wanted = {"right": str(row["answer"]), **options}
    part = str(row["question_type_id"])
    yield Item(str(row["question_id"]), image, ask(listed(row["question"], options)), wanted, part=part)


def _mmmu(row: Row, ask: Ask) -> Iterator[Item]:
    """Yield the question; several images become one, side by side."""
    images = [row[f"image_{number}"] for number in range(1, 8) if row.get(f"image_{number}") is not None]
    held = row["options"]
    options = lettered(ast.literal_eval(held) if isinstance(held, str) else held)
    part = str(row["id"]).split("_", 1)[-1].rsplit("_", 1)[0]
    asked = re.sub(r"<image (\d)>", r"(image \1)", row["question"])
    if row["question_type"] == "multiple-choice":
        wanted = {"right": str(row["answer"]), **options}
        yield Item(str(row["id"]), side_by_side(images), ask(listed(asked, options)), wanted, part=part)
        return
    answer = row["answer"]
    every = ast.literal_eval(answer) if answer.startswith("[") else [answer]
    yield Item(str(row["id"]), side_by_side(images), ask.short(asked), [str(each) for each in every], part=part)


def side_by_side(images: Sequence[Image.Image]) -> Image.Image:
    """Return images as one, from left to right, aligned at the top on white."""
    if len(images) == 1:
        return images[0]
    whole = Image.new("RGB", (sum(each.width for each in images), max(each.height for each in images)), "white")
    place = 0
    for image in images:
        whole.paste(image.convert("RGB"), (place, 0))
        place += image.width
    return whole


def _mmstar(row: Row, ask: Ask) -> Iterator[Item]:
    wanted = {"right": str(row["answer"]).strip().upper(), **dict.fromkeys("ABCD", "")}
    yield Item(str(row["index"]), row["image"], ask(row["question"]), wanted, part=str(row["category"]))


def _realworldqa(row: Row, ask: Ask) -> Iterator[Item]:
    """Yield the question; it says itself how to answer."""
    del ask
    yield Item("", row["image"], row["question"], str(row["answer"]).strip())


def _letter_or_open(answer: str, wanted: Wanted) -> float:
    if isinstance(wanted, Mapping):
        return right_letter(answer, wanted)
    return open_answer(answer, [str(each) for each in wanted])


def _realworld_right(answer: str, wanted: Wanted) -> float:
    """A letter is read as in other benchmarks; any other answer has to match."""
    assert isinstance(wanted, str)
    if wanted.upper() in ("A", "B", "C", "D"):
        return float(option_named(answer, dict.fromkeys("ABCD", "")) == wanted.upper())
    return exact_match(answer, wanted)


def _all_turns(items: Sequence[Answered]) -> list[float]:
    """Return 1 for every rotation of a question whose rotations are all answered rightly."""
    turns: dict[str, list[bool]] = {}
    for item, score in zip(items, each(right_letter)(items), strict=True):
        turns.setdefault(item.group, []).append(score == 1)
    return [circular(turns[item.group]) for item in items]


def unread(items: Sequence[Answered], scores: Sequence[float]) -> dict[str, float]:
    """Return the share of answers that name no option: they count as wrong, where MMMU draws an option by lot."""
    del scores
    asked = [item for item in items if isinstance(item.wanted, Mapping) and item.answer is not None]
    none = sum(option_named(item.answer or "", _options(item.wanted)) is None for item in asked)
    return {"names no option": none / len(asked)} if asked else {}


def _options(wanted: Wanted) -> dict[str, str]:
    assert isinstance(wanted, Mapping)
    return {letter: text for letter, text in wanted.items() if letter != "right"}


BENCHMARKS = (
    Benchmark(
        "mmbench", "lmms-lab-encoder/MMBench", "dev", "circular accuracy: right with the options in every rotation",
        ("index", "image", "question", "answer", "A", "B"), _mmbench, _all_turns, config="en", prompt=LETTER,
        figures=unread, source="arXiv:2307.06281", by_group=True,
    ),
    Benchmark(
        "mmt-bench", "lmms-lab-encoder/MMT-Benchmark", "val", "accuracy of the option",
        ("index", "image", "question", "answer", "A", "B"), _mmt, each(right_letter), prompt=LETTER, figures=unread,
        source="arXiv:2404.16006",
    ),
    Benchmark(
        "seed-bench", "lmms-lab-encoder/SEED-Bench", "test", "accuracy of the option, images only",
        ("question_id", "data_type", "question_type_id", "image", "question", "choice_a", "choice_d", "answer"), _seed,
        each(right_letter), prompt=LETTER, figures=unread, source="https://github.com/AILab-CVC/SEED-Bench",
    ),
    Benchmark(
        "mmmu", "lmms-lab-encoder/MMMU", "validation", "accuracy; an answer that names no option is wrong",
        ("id", "image_1", "question", "options", "answer", "question_type"), _mmmu, each(_letter_or_open),
        prompt=LETTER, max_new_tokens=128, figures=unread, source="https://github.com/MMMU-Benchmark/MMMU",
    ),
    Benchmark(
        "mmstar", "Lin-Chen/MMStar", "val", "accuracy of the option",
        ("index", "image", "question", "answer", "category"), _mmstar, each(right_letter), prompt=LETTER,
        figures=unread, source="arXiv:2403.20330",
    ),
    Benchmark(
        "realworldqa", "lmms-lab-encoder/RealWorldQA", "test", "accuracy of the option, or exact match of an answer",
        ("image", "question", "answer"), _realworldqa, each(_realworld_right), prompt="{question}", prefix="{question}",
        source="https://huggingface.co/datasets/xai-org/RealworldQA",
    ),
)  # fmt: skip
