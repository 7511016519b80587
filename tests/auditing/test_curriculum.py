"""Rounds: free first, then themes that the trials so far gave rise to; the same rows after a restart."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from auditdm_hub.auditing.curriculum import Curriculum, Rounds, Row, Schedule, curious, least_asked, shares
from auditdm_hub.auditing.themes import Theme, passed, theme_of
from auditdm_hub.records import Exchange, Judged, Probe, Seed, Verdict

SEEDS = [
    Seed(f"s{k}", f"{k:064d}", "", "what time is it?" if k % 2 else "how many cups?", "", "", "CC0", "discovery")
    for k in range(8)
]
SCHEDULE = Schedule(steps=12, rows_per_step=4, seed=3)


def judged(question: str, outcome: str = "failure", consensus: str = "8", theme: str = "") -> Judged:
    probe = Probe("s0", "training", "question", 0, f"<question> {question}", question, "auditor", "0" * 64, "original",
                  "", "0" * 64, "", theme)  # fmt: skip
    return Judged(Exchange(probe, "4", {"r": consensus}), Verdict(outcome, consensus, 1.0))  # type: ignore[arg-type]


def theme(name: str, word: str) -> Theme:
    return Theme(name, ((word, "8"), (word, "9")), lambda q: word in q, lambda q, a: word in q and a in "89", 2, 2)


class Proposer:
    """Proposes "clocks" once anything was asked, and keeps what it was shown."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, trials: Sequence[Judged]) -> Sequence[Theme]:
        self.seen.append(len(trials))
        return [theme("clocks", "time"), theme("crowds", "many")] if trials else []


def made(folder: Path, proposer: Proposer, admit: str = "") -> Curriculum:
    def own_answers(rows: Sequence[Row]) -> list[tuple[str, str | None]]:
        return [(f"what {row.wish}?", "8" if admit in row.wish else None) for row in rows]

    rounds = Rounds(3, proposer, folder, own_answers if admit else None)
    return Curriculum(SEEDS, ("question", "edit"), SCHEDULE, rounds)


def test_the_first_round_is_free_and_later_ones_have_themes(tmp_path: Path) -> None:
    proposer = Proposer()
    rows = made(tmp_path, proposer)
    assert all(rows.row(index).wish == "" for index in range(16))
    for step in range(4):
        rows.record(step, [judged("what time is it?")])
    second = [rows.row(index) for index in range(16, 32)]
    assert proposer.seen == [3]  # TRL reads ahead: the last step of the round is not awaited
    themed = [row for row in second if row.theme]
    assert len(themed) == 9
    assert {row.action for row in themed} == {"question", "edit"}
    for row in themed:
        if row.action == "edit":
            assert ("time" in row.seed.question) == (row.theme == "clocks")
            assert row.wish in ("answer 8", "answer 9")
        else:
            assert row.wish.split()[0] == {"clocks": "time", "crowds": "many"}[row.theme]


def test_a_training_that_goes_on_plans_the_same(tmp_path: Path) -> None:
    rows = made(tmp_path, Proposer())
    for step in range(8):
        rows.record(step, [judged("how many cups?", "failure" if step % 2 else "agreement")])
    assert [made(tmp_path, Proposer()).row(index) for index in range(20, 44)] == [rows.row(i) for i in range(20, 44)]
    assert made(tmp_path, Proposer()).trials() == rows.trials()
    assert len(rows.trials(3)) == 3


def test_images_are_chosen_by_the_auditors_own_answer(tmp_path: Path) -> None:
    rows = made(tmp_path, Proposer(), admit="answer 9")
    rows.record(0, [judged("what time is it?")])
    asked = [rows.row(index) for index in range(16, 32)]
    questions = [row for row in asked if row.theme and row.action == "question"]
    assert questions
    assert all(row.wish.endswith("answer 9") for row in questions)
    assert len(asked) == 16  # what finds no image is left to free exploration


def test_what_was_asked_least_comes_first() -> None:
    asked = Counter({("how many _", "answer", "2"): 5, ("how many _", "word", "cups"): 5,
                     ("what time is it", "answer", "9"): 2})  # fmt: skip
    said = [("how many cups?", "2"), ("How many dogs?", "Two."), ("what time is it?", "9"), ("what time is it?", "8"),
            ("is it red?", "unanswerable"), ("is it red?", "")]  # fmt: skip
    offers = [(Row(SEEDS[k], "question"), *each) for k, each in enumerate(said)]
    rows = least_asked(offers, 3, Counter(asked))
    assert [row.seed.id for row in rows] == ["s1", "s3", "s2"]
    assert len(least_asked(offers, 9, Counter(asked))) == 4
    twice = [*offers[:4], (Row(SEEDS[6], "question"), *said[1])]
    assert [row.seed.id for row in least_asked(twice, 5, Counter())] == ["s0", "s1", "s2", "s3", "s6"]  # no longer rare


def test_changes_explore_answers_that_were_asked_seldom() -> None:
    trials = [judged("how many cups?", "agreement", "2")] * 50 + [judged("how many cars?", "agreement", "nine")]
    free = [Row(seed, action) for seed in SEEDS for action in ("edit", "question", "edit", "edit")] * 8
    rows = curious(free, trials, random.Random(1))
    assert [replace(row, wish="") for row in rows] == free
    wishes = Counter((row.action, row.seed.question, row.wish) for row in rows if row.wish)
    rare, often = (wishes["edit", "how many cups?", f"answer {answer}"] for answer in "92")
    assert rare > 5 * often
    assert sum(wishes.values()) == rare + often == 4 * 8 * 2  # every second one of those with a known kind
    assert curious(free, [], random.Random(1)) == free


def test_half_of_what_explores_are_questions_and_half_edits_of_answerable_seeds(tmp_path: Path) -> None:
    looked: list[Row] = []

    def own_answers(rows: Sequence[Row]) -> list[tuple[str, str | None]]:
        looked.extend(rows)
        return [(f"which one is {row.seed.id}?", "nine" if row.seed.id in ("s5", "s6") else None) for row in rows]

    rounds = Rounds(3, lambda trials: [], tmp_path, own_answers, lambda seed: "9" if seed.id < "s4" else "")
    rows = Curriculum(SEEDS, ("question", "caption", "edit"), SCHEDULE, rounds)
    planned = [rows.row(index) for index in range(16)]
    assert len(looked) == 8 * 8
    questions = [row for row in planned if row.wish]
    assert {(row.seed.id, row.action, row.wish) for row in questions} == {
        ("s5", "question", "which one is s 5 answer 9"), ("s6", "question", "which one is s 6 answer 9"),
    }  # fmt: skip
    assert len(questions) == 8
    edits = {row.seed.id for row in planned if row.action == "edit"}
    assert {"s0", "s1", "s2", "s3"} <= edits


def test_an_edit_is_planned_only_where_it_can_change_the_answer(tmp_path: Path) -> None:
    seen = {"s2": "9", "s3": "4", "s4": "unanswerable"}
    rounds = Rounds(3, Proposer(), tmp_path, None, lambda seed: seen.get(seed.id, "unanswerable"))
    rows = Curriculum(SEEDS, ("edit",), SCHEDULE, rounds)
    rows.record(0, [judged("what time is it?")])
    planned = {(row.seed.id, row.wish) for row in map(rows.row, range(16, 32)) if row.theme}
    assert planned <= {("s2", "answer 8"), ("s3", "answer 8"), ("s3", "answer 9")}
    assert len(planned) >= 2


def test_without_rounds_nothing_is_kept(tmp_path: Path) -> None:
    rows = Curriculum(SEEDS, ("question",), SCHEDULE)
    rows.record(0, [judged("what time is it?")])
    assert rows.trials() == []
    assert {rows.row(index) for index in range(len(rows))} == {Row(seed, "question") for seed in SEEDS}


def test_a_theme_that_is_neither_hopeless_nor_solved_gets_most() -> None:
    themes = [theme("solved", "a"), theme("half", "b"), theme("new", "c"), theme("hopeless", "d")]
    trials = [judged("q?", theme="solved")] * 50 + [judged("q?", "agreement", theme="hopeless")] * 50
    trials += [judged("q?", theme="half")] * 25 + [judged("q?", "agreement", theme="half")] * 25
    weights = dict(zip(("solved", "half", "new", "hopeless"), shares(themes, trials), strict=True))
    assert weights["half"] == pytest.approx(0.6, abs=0.01)
    assert weights["new"] == pytest.approx(0.6)
    assert weights["solved"] == pytest.approx(weights["hopeless"])
    assert 0.1 < weights["solved"] < 0.3


def test_kinds_are_those_of_the_themes(tmp_path: Path) -> None:
    rows = made(tmp_path, Proposer())
    rows.record(0, [judged("what time is it?")])
    rows.row(16)
    one, other = judged("what time is it?"), judged("what is the time?", consensus="9")
    assert rows.kind(one) == rows.kind(other) == "clocks" == theme_of(rows.themes, one)
    assert rows.kind(judged("is it red?")) == "question | is it _"
    assert rows.on_theme("clocks", one)
    assert not rows.on_theme("crowds", one)
    assert rows.on_theme("gone", one)


def test_a_pass_is_no_trial() -> None:
    probe = judged("q?").probe
    assert not passed(probe)
    probe = replace(probe, theme="clocks", wish="time answer 8")
    assert passed(replace(probe, fault="passed"))
    assert passed(replace(probe, fault="passed: asked often enough"))
    assert not passed(replace(probe, fault="unparsed: pass"))
    assert not passed(replace(probe, fault="passed", wish=""))
