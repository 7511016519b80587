"""Themes from trials: failure types first, then kinds without a type; what seldom fails is left out."""

from dataclasses import replace

import pytest

from auditdm_hub.curate import load_embedder
from auditdm_hub.records import Exchange, Judged, Probe, Verdict
from auditdm_hub.workflows.themes import propose


def trial(number: int, question: str, consensus: str, fails: bool) -> Judged:
    image = f"{number:064d}"
    probe = Probe(
        f"s{number}", "training", "question", 0, question, question, "auditor", image, "original", "", image, ""
    )
    said = "nothing" if fails else consensus
    return Judged(
        Exchange(probe, said, dict.fromkeys("abc", consensus)),
        Verdict("failure" if fails else "agreement", consensus, 1.0),
    )


@pytest.fixture(scope="module")
def trials() -> list[Judged]:
    things = ("cups", "birds", "cars", "trees", "stars", "boxes")
    rows = [
        trial(number, f"How many {things[number % 6]} are there?", str(number % 9), number % 9 > 5)
        for number in range(180)
    ]
    rows += [trial(500 + number, "Is it day or night?", "day", number < 2) for number in range(60)]
    return rows


def test_a_type_is_a_theme_whose_wishes_ask_for_what_fails(trials: list[Judged]) -> None:
    themes = propose(trials, load_embedder("default"), 0)
    counting = themes[0]
    assert {answer for _, answer in counting.examples} == {"6", "7", "8"}
    assert counting.admits("How many zebras are there?", "7")
    assert not counting.admits("How many zebras are there?", "3")
    assert not counting.admits("How many zebras are there?", None)
    assert not replace(counting, matches=lambda *_: True).admits("How many zebras are there?", "Unanswerable.")
    assert (counting.successes, counting.trials) == (60, 60)


def test_what_fails_now_and_then_is_no_theme(trials: list[Judged]) -> None:
    themes = propose(trials, load_embedder("default"), 0)
    assert not any(theme.matches("Is it day or night?", "day") for theme in themes)
    always = [row for row in trials if row.failed or "day" not in row.probe.question]
    assert any(theme.matches("Is it day or night?", "day") for theme in propose(always, load_embedder("default"), 0))


def test_single_failures_with_one_answer_are_a_theme_if_that_answer_fails_in_general(trials: list[Judged]) -> None:
    odd = [trial(900, "What colour is the sofa?", "purple", True), trial(901, "Which door is open?", "purple", True)]
    found = [t for t in propose([*trials, *odd], load_embedder("default"), 0) if t.name == "any question = purple"]
    assert len(found) == 1
    assert found[0].admits("What colour is the lamp?", "Purple.")
    assert not found[0].admits("What colour is the lamp?", "red")
    assert not found[0].admits("Who wears it?", "purple")
    fine = [trial(910 + number, "What colour is the sky?", "purple", False) for number in range(15)]
    names = [theme.name for theme in propose([*trials, *odd, *fine], load_embedder("default"), 0)]
    assert "any question = purple" not in names


def test_one_failure_deserves_a_second_look_in_training_only(trials: list[Judged]) -> None:
    once = trial(950, "Do the lamp and the chair match?", "yes", True)
    split = replace(once, verdict=replace(once.verdict, agreement=2 / 3))
    embedder = load_embedder("default")

    def found(row: Judged, *, final: bool) -> bool:
        return any(theme.fits(row.probe.question) for theme in propose([*trials, row], embedder, 0, final=final))

    assert found(once, final=False)
    assert not found(once, final=True)
    assert not found(split, final=False)
