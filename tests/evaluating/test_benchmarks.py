"""Every benchmark, from rows with the columns of its data set to a score."""

import json
from pathlib import Path
from typing import Any

import pytest
from evaluating.rows import MAKERS, picture, write_rows

from auditdm_hub.errors import ConfigError, PoolError
from auditdm_hub.evaluating.benchmarks import BENCHMARKS, SUITES
from auditdm_hub.evaluating.benchmarks.choices import side_by_side
from auditdm_hub.evaluating.items import Answered, Item
from auditdm_hub.evaluating.results import score_answers
from auditdm_hub.evaluating.sources import Source, find_source, items_of

ROWS = 4
ITEMS = {
    "aokvqa": 3, "chartqa": 2, "refcoco": 8, "refcoco+": 8, "refcocog": 8, "mmbench": 12, "seed-bench": 2,
    "refcoco-seg": 8, "refcoco+-seg": 8, "refcocog-seg": 8,
}  # fmt: skip
"""Items of four rows, where it is not one each."""
RIGHT = {
    "vqav2": ["two", "yes", "two", "yes"], "okvqa": "yes", "textvqa": "a", "aokvqa": "cat", "aokvqa-choices": "C",
    "gqa": "Yes.", "docvqa": "1 may", "chartqa": "104", "ai2d": ["leaf", "root", "Leaf", "root."],
    "refcoco": "[0.25, 0.25, 0.75, 0.75]", "refcoco+": "<loc0256><loc0256><loc0767><loc0767>",
    "refcocog": "[0.25, 0.25, 0.75, 0.75]", "mmbench": ["B", "A", "C"] * 4, "mmt-bench": "A", "seed-bench": "D",
    "mmmu": ["so it is 4", "B", "B", "B"], "mmstar": "B", "realworldqa": ["A", "yes", "A", "yes"],
    "pope": ["yes", "no", "yes", "no"], "pope-popular": ["yes", "no", "yes", "no"],
    "pope-random": ["yes", "no", "yes", "no"], "mme": ["yes", "no", "yes", "no"],
}  # fmt: skip
NATIVE = sorted(RIGHT)


def items(folder: Path, name: str, prefix: bool = False, limit: int | None = None) -> list[Item]:
    benchmark = BENCHMARKS[name]
    return list(items_of(benchmark, find_source(benchmark, folder, ""), benchmark.ask(prefix), limit))


def answered(every: list[Item], answers: list[str | None] | str) -> list[Answered]:
    said = [answers] * len(every) if isinstance(answers, str) else answers
    return [
        Answered(item.id, item.question, json.loads(json.dumps(item.wanted)), answer, item.group, item.part)
        for item, answer in zip(every, said, strict=True)
    ]


def test_every_benchmark_has_rows_here() -> None:
    assert set(MAKERS) == set(BENCHMARKS)
    assert set(BENCHMARKS) == {*NATIVE, "coco-caption", "refcoco-seg", "refcoco+-seg", "refcocog-seg"}
    assert len(SUITES["paper"]) == 16
    assert set(SUITES["paper"]) <= set(BENCHMARKS)


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_rows_become_items(name: str, tmp_path: Path) -> None:
    found = items(write_rows(tmp_path, name, [MAKERS[name](n) for n in range(ROWS)]), name)
    assert len(found) == ITEMS.get(name, ROWS)
    assert len({item.id for item in found}) == len(found)
    for item in found:
        assert item.image.mode == "RGB"
        assert "{question}" not in item.question
        assert item.question.strip()
        assert json.loads(json.dumps(item.wanted)) is not None


@pytest.mark.parametrize("name", NATIVE)
def test_right_answers_score_1_and_silly_ones_0(name: str, tmp_path: Path) -> None:
    benchmark = BENCHMARKS[name]
    found = items(write_rows(tmp_path, name, [MAKERS[name](n) for n in range(ROWS)]), name)
    right = score_answers(benchmark, Source("x", ""), "", answered(found, RIGHT[name]))
    assert right.value == pytest.approx(1.0)
    questions = {item.group for item in found} if BENCHMARKS[name].by_group else found
    assert (right.items, right.unanswered) == (len(questions), 0)
    silly = score_answers(benchmark, Source("x", ""), "", answered(found, "I not know"))
    assert silly.value == (0.5 if name == "mme" or name.startswith("pope") else 0.0)  # read as "no" there
    assert 0 <= silly.low <= silly.value <= silly.high <= 1


def test_paligemma_gets_its_prefixes(tmp_path: Path) -> None:
    for name, wanted in (
        ("vqav2", "answer en Is it 0?"),
        ("refcoco", "detect left cat"),
        ("refcocog-seg", "segment left cat"),
        ("coco-caption", "caption en"),
    ):
        folder = write_rows(tmp_path / name, name, [MAKERS[name](0)])
        assert items(folder, name, prefix=True)[0].question == wanted
        assert items(folder, name)[0].question != wanted or BENCHMARKS[name].prefix_only


def test_one_wrong_rotation_makes_the_question_wrong(tmp_path: Path) -> None:
    found = items(write_rows(tmp_path, "mmbench", [MAKERS["mmbench"](n) for n in range(2)]), "mmbench")
    score = score_answers(
        BENCHMARKS["mmbench"], Source("x", ""), "", answered(found, ["B", "A", "C", "B", "A", "B"])
    )  # fmt: skip
    assert score.value == 0.5


def test_questions_count_alike_and_copies_of_them_are_not_asked_again(tmp_path: Path) -> None:
    """The data set holds each rotation as a row of its own, a million further on."""
    rows = [MAKERS["mmbench"](n) for n in range(2)]
    rows[0] = {**rows[0], "C": "nan"}  # of two options
    copies = [{**row, "index": row["index"] + 1_000_000} for row in rows]
    found = items(write_rows(tmp_path, "mmbench", [*rows, *copies]), "mmbench")
    assert [item.id for item in found] == ["0-0", "0-1", "1-0", "1-1", "1-2"]
    for said, value in ((["B", "A", "A", "A", "A"], 0.5), (["A", "A", "B", "A", "C"], 0.5), ("BABAC", 1), ("AAAAA", 0)):
        score = score_answers(BENCHMARKS["mmbench"], Source("x", ""), "", answered(found, list(said)))
        assert score.value == pytest.approx(value), said


@pytest.mark.parametrize("name", ["mmstar", "realworldqa"])
def test_a_long_answer_that_names_no_option_names_none(name: str, tmp_path: Path) -> None:
    found = items(write_rows(tmp_path, name, [{**MAKERS[name](0), "answer": "A"}]), name)
    scored = [
        score_answers(BENCHMARKS[name], Source("x", ""), "", answered(found, [said])).value
        for said in ("I do not know what that is at all", "I do not know, but it must be A here")
    ]
    assert scored == [0, 1]


def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    found = items(write_rows(tmp_path, "mmstar", [MAKERS["mmstar"](n) for n in range(4)]), "mmstar")
    score = score_answers(BENCHMARKS["mmstar"], Source("x", ""), "", answered(found, ["B", "none of these", "A", None]))
    assert (score.value, score.items, score.unanswered) == (pytest.approx(1 / 3), 3, 1)
    assert score.figures == {"names no option": pytest.approx(1 / 3)}


def test_the_figures_of_mme_and_pope(tmp_path: Path) -> None:
    found = items(write_rows(tmp_path, "mme", [MAKERS["mme"](n) for n in range(4)]), "mme")
    score = score_answers(BENCHMARKS["mme"], Source("x", ""), "", answered(found, ["yes", "no", "yes", "yes"]))
    assert (score.value, score.figures) == (0.75, {"perception": 125.0, "cognition": 0})
    found = items(write_rows(tmp_path, "pope", [MAKERS["pope"](n) for n in range(4)]), "pope")
    score = score_answers(BENCHMARKS["pope"], Source("x", ""), "", answered(found, "yes"))
    assert score.figures["F1"] == pytest.approx(2 / 3)
    assert score.figures["answers yes"] == 1.0


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_a_column_that_is_gone_is_told(name: str, tmp_path: Path) -> None:
    gone = BENCHMARKS[name].columns[-1]
    rows = [{key: value for key, value in MAKERS[name](n).items() if key != gone} for n in range(2)]
    with pytest.raises(ConfigError, match=f"no column {gone} .*--revision {name.replace('+', '.')}=COMMIT"):
        items(write_rows(tmp_path, name, rows), name)


def test_a_row_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [MAKERS["ai2d"](0), {**MAKERS["ai2d"](1), "answer": "7"}]
    with pytest.raises(PoolError, match=r"ai2d: row 1 of .* cannot be read \(IndexError"):
        items(write_rows(tmp_path, "ai2d", rows), "ai2d")


def test_a_folder_that_is_no_data_set_is_told(tmp_path: Path) -> None:
    (tmp_path / "vqav2").mkdir()
    with pytest.raises(PoolError, match="vqav2: cannot load"):
        items(tmp_path, "vqav2")


def test_the_limit_is_of_rows(tmp_path: Path) -> None:
    folder = write_rows(tmp_path, "refcoco", [MAKERS["refcoco"](n) for n in range(4)])
    assert len(items(folder, "refcoco", limit=1)) == 2


def test_several_images_become_one() -> None:
    whole = side_by_side([picture(0, 32), picture(1, 16)])
    assert whole.size == (48, 64)
    assert whole.getpixel((40, 60)) == (255, 255, 255)
    assert side_by_side([picture(0)]) is not None


def test_the_page_lists_every_benchmark_with_its_metric() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text()
    for name, benchmark in BENCHMARKS.items():
        star = "*" if name in SUITES["paper"] else ""
        assert f"| `{name}`{star} | [{benchmark.dataset}](" in page
        assert f" | {benchmark.split} | {benchmark.metric} | " in page
