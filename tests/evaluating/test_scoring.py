"""The metrics against what the official scorers gave for the same inputs (golden/make.py); by hand where none runs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from auditdm_hub.evaluating.benchmarks import BENCHMARKS
from auditdm_hub.evaluating.items import Answered, Item
from auditdm_hub.evaluating.results import Score, score_answers
from auditdm_hub.evaluating.scoring.boxes import Box, hit, overlap
from auditdm_hub.evaluating.scoring.choices import circular, open_answer, option_named
from auditdm_hub.evaluating.scoring.texts import anls, exact_match, relaxed_accuracy
from auditdm_hub.evaluating.scoring.vqa import direct_answer, soft_accuracy, textvqa_accuracy
from auditdm_hub.evaluating.scoring.yes_no import Detection, detection, mme_answer, mme_score, pope_answer
from auditdm_hub.evaluating.sources import Source

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> list[Any]:
    cases = json.loads((GOLDEN / f"{name}.json").read_text())["cases"]
    return [pytest.param(case["input"], case["expected"], id=f"{number}") for number, case in enumerate(cases)]


def score(name: str, rows: Sequence[dict[str, Any]], said: Sequence[str]) -> Score:
    """Score answers to the items of rows, from the columns of the data set on."""
    benchmark = BENCHMARKS[name]
    items: list[Item] = [item for row in rows for item in benchmark.items(row, benchmark.ask(False))]
    answered = [
        Answered(item.id, item.question, item.wanted, answer, item.group, item.part)
        for item, answer in zip(items, said, strict=True)
    ]
    return score_answers(benchmark, Source("x", ""), "", answered)


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.json")), ids=lambda file: file.stem)
def test_each_golden_file_says_what_made_it(file: Path) -> None:
    held = json.loads(file.read_text())
    assert set(held["official"]) == {"repository", "commit", "file"}
    assert held["command"] == f"python tests/evaluating/golden/make.py SOURCES {file.stem}"


@pytest.mark.parametrize(("given", "expected"), golden("vqa"))
def test_vqa(given: list[Any], expected: float) -> None:
    assert soft_accuracy(*given) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("given", "expected"), golden("textvqa"))
def test_textvqa(given: list[Any], expected: float) -> None:
    assert textvqa_accuracy(*given) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("given", "expected"), golden("aokvqa"))
def test_aokvqa(given: list[Any], expected: float) -> None:
    assert direct_answer(*given) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("given", "expected"), golden("relaxed"))
def test_relaxed(given: list[str], expected: float) -> None:
    assert relaxed_accuracy(*given) == expected


@pytest.mark.parametrize(("given", "expected"), golden("anls"))
def test_anls(given: list[Any], expected: float) -> None:
    assert anls(*given) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("given", "expected"), golden("mmmu"))
def test_mmmu(given: list[Any], expected: float | str | None) -> None:
    metric = {"choice": option_named, "open": open_answer}[given[0]]
    led = {"A. red": "A", "B)": "B"}  # which MMMU draws by lot, and others read
    assert metric(*given[1:]) == (led.get(given[1]) if expected is None else expected)


@pytest.mark.parametrize(("given", "expected"), golden("pope"))
def test_pope(given: str, expected: str) -> None:
    assert pope_answer(given) == expected


@pytest.mark.parametrize(("given", "expected"), golden("mme"))
def test_mme(given: str, expected: str) -> None:
    assert mme_answer(given) == expected


@pytest.mark.parametrize(("given", "expected"), golden("pope_figures"))
def test_pope_figures(given: list[list[str]], expected: list[float]) -> None:
    said, wanted = given
    found = detection([pope_answer(each) for each in said], wanted)
    assert list(astuple(found)) == pytest.approx(expected, abs=1e-9)
    rows = [{"id": number, "image": None, "question": "Is it?", "answer": each} for number, each in enumerate(wanted)]
    scored = score("pope", rows, said)
    figures = [scored.figures[name] for name in ("precision", "recall", "F1", "answers yes")]
    assert [scored.value, *figures] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("given", "expected"), golden("mme_scores"))
def test_mme_scores(given: dict[str, list[list[str]]], expected: dict[str, Any]) -> None:
    rows, said = [], []
    for kind, answers in given.items():
        right: dict[str, list[bool]] = {}
        for place, (wanted, answer) in enumerate(answers):
            name = f"{kind}/{place // 2}.jpg"
            question = f"Is it {place}? Please answer yes or no."
            rows.append({"question_id": name, "image": None, "question": question, "answer": wanted, "category": kind})
            said.append(answer)
            right.setdefault(name, []).append(mme_answer(answer) == wanted)
        assert mme_score(right) == pytest.approx(expected["parts"][kind][2], abs=1e-9)
    scored = score("mme", rows, said)
    assert scored.parts == pytest.approx({kind: part[0] for kind, part in expected["parts"].items()}, abs=1e-9)
    totals = {name: expected[name] for name in ("perception", "cognition")}
    assert scored.figures == pytest.approx(totals, abs=1e-9)


@pytest.mark.parametrize(("given", "expected"), golden("mmbench"))
def test_mmbench(given: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    rows = [
        {"index": index, "image": None, "question": "Which?", "answer": each["answer"], "category": str(index)}
        | dict(zip("ABCD", each["options"], strict=False))
        for index, each in enumerate(given)
    ]
    scored = score("mmbench", rows, [answer for each in given for answer in each["said"]])
    assert scored.value == pytest.approx(expected["accuracy"], abs=1e-9)
    assert [scored.parts[str(index)] for index in range(len(given))] == expected["right"]
    assert scored.items == len(given)
    assert 0 <= scored.low <= scored.value <= scored.high <= 1


@pytest.mark.parametrize(("given", "expected"), golden("mmstar"))
def test_mmstar(given: list[str], expected: float) -> None:
    row = {"index": 0, "image": None, "question": "Which? A: x, B: y", "answer": given[1], "category": "math"}
    assert score("mmstar", [row], given[:1]).value == expected


@pytest.mark.parametrize(("given", "expected"), golden("gqa"))
def test_gqa(given: list[str], expected: float) -> None:
    row = {"id": 0, "imageId": 0, "image": None, "question": "Which?", "answer": given[1]}
    assert score("gqa", [row], given[:1]).value == expected


@pytest.mark.parametrize(("given", "expected"), golden("refcoco"))
def test_refcoco(given: list[list[float]], expected: float) -> None:
    width, height = given[2]
    one, other = (
        Box(left / width, top / height, (left + across) / width, (top + down) / height)
        for left, top, across, down in given[:2]
    )
    assert overlap(one, other) == pytest.approx(expected, abs=1e-9)
    said = f"[{one.left:.12f}, {one.top:.12f}, {one.right:.12f}, {one.bottom:.12f}]"
    assert hit(said, other) == (expected >= 0.5)


def test_texts_that_differ_in_case_and_punctuation_match_exactly() -> None:
    """By hand: GQA's script compares strings, lmms-eval leaves case and punctuation out."""
    assert [exact_match(said, "T-shirt") for said in ("t-shirt", " T shirt.", "Tshirt", "shirt", "")] == [1, 0, 1, 0, 0]


def test_every_order_has_to_be_right() -> None:
    assert circular([True, True, True, True]) == 1
    assert circular([True, True, False, True]) == 0


BOX = Box(0.2, 0.2, 0.6, 0.6)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("[0.2, 0.2, 0.6, 0.6]", BOX),
        ("It is at [0.2,0.2,0.6,0.6], and not at [0, 0, 1, 1].", BOX),
        ("<loc0000><loc0512><loc1023><loc1023> cat", Box(512 / 1023, 0.0, 1.0, 1.0)),
        ("[ -0.5 , 0 , 1 , 2 ]", Box(-0.5, 0, 1, 2)),
        ("[1, 2, 3]", None), ("<loc0001><loc0002><loc0003>", None), ("[a, b, c, d]", None), ("", None),
        ("[1e-1, 0, 1, 1]", None), ("0.2, 0.2, 0.6, 0.6", None),
    ],
)  # fmt: skip
def test_boxes_in_answers(text: str, box: Box | None) -> None:
    assert Box.in_answer(text) == box


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (BOX, 1.0), (Box(0.6, 0.2, 0.8, 0.6), 0.0), (Box(0.6, 0.6, 0.8, 0.8), 0.0), (Box(0.2, 0.2, 0.6, 0.4), 0.5),
        (Box(0.4, 0.4, 0.8, 0.8), 1 / 7), (Box(0, 0, 1, 1), 0.16), (Box(0.6, 0.6, 0.2, 0.2), 0.0),
        (Box(0.3, 0.3, 0.3, 0.3), 0.0),
    ],
)  # fmt: skip
def test_overlap(other: Box, expected: float) -> None:
    """By hand: equal, sharing an edge, sharing a corner, half, a corner inside, all around, swapped edges, a point."""
    assert overlap(BOX, other) == pytest.approx(expected)
    assert overlap(other, BOX) == pytest.approx(expected)


def test_an_overlap_of_just_a_half_is_a_hit() -> None:
    assert hit("[0.25, 0.25, 0.5, 0.375]", Box(0.25, 0.25, 0.5, 0.5)) == 1
    assert hit("[0.25, 0.25, 0.5, 0.3749]", Box(0.25, 0.25, 0.5, 0.5)) == 0
    assert hit("somewhere", BOX) == 0


def test_two_empty_boxes_do_not_overlap() -> None:
    point = Box(0.5, 0.5, 0.5, 0.5)
    assert overlap(point, point) == 0


def test_the_figures_of_pope() -> None:
    """By hand, as its script computes them: 2 found, 1 missed, 1 false alarm, 1 rightly refused."""
    found = detection(["yes", "yes", "no", "yes", "no"], ["yes", "yes", "yes", "no", "no"])
    assert found == Detection(0.6, pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3), 0.6)
    assert detection(["no"], ["no"]) == Detection(1.0, 0.0, 0.0, 0.0, 0.0)


def test_the_score_of_a_subtask_of_mme() -> None:
    """By hand: three of four answers right (75) and one of two images with both (50)."""
    assert mme_score({"a": [True, True], "b": [True, False]}) == 125
    assert mme_score({"a": [True, True]}) == 200


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: soft_accuracy("x", []), lambda: textvqa_accuracy("x", []), lambda: anls("x", []),
        lambda: detection([], []), lambda: mme_score({}), lambda: mme_score({"a": [True]}),
    ],
)  # fmt: skip
def test_nothing_to_compare_with_is_an_error(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        wrong()
