"""The metrics against what the official scorers gave for the same inputs (golden/make.py); by hand where none runs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditdm_hub.evaluating.scoring.boxes import Box, hit, overlap
from auditdm_hub.evaluating.scoring.choices import circular, open_answer, option_named
from auditdm_hub.evaluating.scoring.texts import anls, exact_match, relaxed_accuracy
from auditdm_hub.evaluating.scoring.vqa import direct_answer, soft_accuracy, textvqa_accuracy
from auditdm_hub.evaluating.scoring.yes_no import Detection, detection, mme_answer, mme_score, pope_answer

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> list[Any]:
    cases = json.loads((GOLDEN / f"{name}.json").read_text())["cases"]
    return [pytest.param(case["input"], case["expected"], id=f"{number}") for number, case in enumerate(cases)]


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
    assert metric(*given[1:]) == expected


@pytest.mark.parametrize(("given", "expected"), golden("pope"))
def test_pope(given: str, expected: str) -> None:
    assert pope_answer(given) == expected


@pytest.mark.parametrize(("given", "expected"), golden("mme"))
def test_mme(given: str, expected: str) -> None:
    assert mme_answer(given) == expected


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
