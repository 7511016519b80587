"""Which rows a model is repaired with."""

from collections import Counter
from dataclasses import replace

import pytest

from auditdm_hub.auditing.vote import CALLED_UNANSWERABLE
from auditdm_hub.errors import RunError
from auditdm_hub.records import Exchange, Judged, Outcome, Probe, Verdict, content_id
from auditdm_hub.rectifying.examples import FORGOTTEN, REPLAY, Example, Mixture, candidates, choose, divide
from auditdm_hub.releases.schema import split_of

COUNT = 400


DISCOVERY, CONFIRM, RECTIFY, TEST = (f"{first:08x}" for first in (0, 60, 80, 90))
"""Ends of hashes of the stages' splits."""


def source(number: int, stage: str = DISCOVERY) -> str:
    return content_id("image", number, length=56) + stage


def judged(
    number: int, outcome: Outcome = "failure", consensus: str = "left", agreement: float = 1.0, fault: str = "",
    image: int | None = None,
) -> Judged:  # fmt: skip
    sha = source(number if image is None else image)
    probe = Probe(
        "s", "auditor", "question", number, "", f"which {number}?", "auditor", sha, "original", "", sha, fault
    )
    return Judged(Exchange(probe, "right", {"a": consensus}), Verdict(outcome, consensus, agreement))


def kinds(rows: list[Judged], *names: str) -> dict[str, str]:
    return {row.probe.id: names[place % len(names)] for place, row in enumerate(rows)}


def chosen(rows: list[Judged], names: dict[str, str], mixture: Mixture) -> list[Example]:
    return choose(candidates(rows, names, mixture), mixture)


FAILED = [judged(number) for number in range(COUNT)]
AGREED = [judged(COUNT + number, "agreement", ["yes", "no", "two"][number % 3]) for number in range(COUNT)]
MIXED = Mixture(size=200)


def test_half_are_lessons_and_half_replay() -> None:
    rows = chosen([*FAILED, *AGREED], {}, MIXED)
    parts = Counter(row.part for row in rows)
    assert parts[""] == 100
    assert 95 <= parts[REPLAY] <= 100
    labels = Counter(row.label for row in rows if row.part == REPLAY)
    assert max(labels.values()) - min(labels.values()) <= 1


def test_a_replay_is_drawn_evenly_over_kinds_of_question_too() -> None:
    def asked(number: int, question: str) -> Judged:
        row = judged(2 * COUNT + number, "agreement", "yes")
        return replace(row, exchange=replace(row.exchange, probe=replace(row.probe, question=question)))

    often = [asked(number, "is there a cat?") for number in range(300)]
    seldom = [asked(300 + number, "are the cat and the dog of the same size?") for number in range(60)]
    usable = sum(split_of(row.probe.source_image_sha) == "train" for row in seldom)
    questions = Counter(row.question for row in chosen([*FAILED, *often, *seldom], {}, MIXED) if row.part == REPLAY)
    assert sorted(questions.values()) == [min(50, usable), min(50, usable)]


def test_nothing_about_an_image_that_confirms_or_tests_is_trained_on() -> None:
    def about(stage: str) -> list[Judged]:
        rows = [judged(number) for number in range(40)]
        probes = [replace(row.probe, source_image_sha=source(n, stage)) for n, row in enumerate(rows)]
        return [replace(row, exchange=replace(row.exchange, probe=probe))
                for row, probe in zip(rows, probes, strict=True)]  # fmt: skip

    taught = {stage: list(candidates(about(stage), {}, MIXED)) for stage in (DISCOVERY, CONFIRM, RECTIFY, TEST)}
    assert [len(rows) > 20 for rows in taught.values()] == [True, False, True, False]
    assert not taught[CONFIRM] + taught[TEST]


def test_what_was_forgotten_comes_first_and_often_and_as_half_of_the_replays_at_most() -> None:
    lessons = [Example(source(n), f"which {n}?", "left", "", source(n)) for n in range(COUNT)]
    replays = [Example(source(n), f"is it {n}?", "yes", REPLAY, source(n)) for n in range(COUNT)]

    def forgotten(count: int) -> list[Example]:
        return [Example(source(n), "is there a cat?", "no", FORGOTTEN, source(n)) for n in range(count)]

    for count, wanted in ((5, 10), (200, 50), (0, 0)):
        parts = Counter(row.part for row in choose([*lessons, *replays, *forgotten(count)], MIXED))
        assert parts == Counter({"": 100, REPLAY: 100 - wanted, FORGOTTEN: wanted}), count
    kinds = [replace(row, question=f"{'is it ' * n}so?") for n, row in enumerate(forgotten(80))]  # each of its own
    parts = Counter(row.part for row in choose([*lessons, *replays, *kinds], MIXED))
    assert parts == Counter({"": 100, REPLAY: 50, FORGOTTEN: 50})


def test_more_kinds_than_rows_are_no_more_rows_than_wanted() -> None:
    open_answers = [judged(COUNT + number, "agreement", f"a thing of its own, {number}") for number in range(COUNT)]
    rows = chosen([*FAILED, *open_answers], {}, MIXED)
    assert Counter(row.part for row in rows) == {"": 100, REPLAY: 100}
    rows = chosen(FAILED, {row.probe.id: f"type {place}" for place, row in enumerate(FAILED)}, MIXED)
    assert len(rows) == 100


def test_no_replay_is_none_at_all() -> None:
    parts = Counter(row.part for row in chosen([*FAILED, *AGREED], {}, Mixture(size=200, replay=0.0)))
    assert parts[REPLAY] == 0
    assert parts[""] >= 150


def test_what_both_call_unanswerable_is_replayed_and_a_refusal_alone_is_not() -> None:
    def refused(number: int, said: str) -> Judged:
        row = judged(3 * COUNT + number, "invalid", "unanswerable")
        verdict = replace(row.verdict, reason=CALLED_UNANSWERABLE)
        return Judged(replace(row.exchange, target_answer=said), verdict)

    both = [refused(number, "unanswerable") for number in range(40)]
    target_answers = [refused(40 + number, "left") for number in range(40)]
    rows = chosen([*FAILED, *both, *target_answers], {}, MIXED)
    kept = {row.question for row in rows if row.part == REPLAY}
    assert kept
    assert kept <= {row.probe.question for row in both}
    assert {row.label for row in rows if row.part == REPLAY} == {"unanswerable"}


def test_types_get_equal_shares_and_rare_ones_come_again() -> None:
    names = kinds(FAILED, *["common"] * 39, "rare")
    usable = [row for row in FAILED if split_of(row.probe.source_image_sha) == "train"]
    rare = sum(names[row.probe.id] == "rare" for row in usable)
    rows = chosen(FAILED, names, Mixture(size=100, replay=0.0))
    parts = Counter(row.part for row in rows)
    assert rare < 25
    assert parts == {"rare": 4 * rare, "common": 100 - 4 * rare}
    assert max(Counter(row for row in rows if row.part == "rare").values()) <= 4


def test_nothing_of_a_test_split_is_trained_on() -> None:
    rows = chosen([*FAILED, *AGREED], {}, Mixture(size=10_000))
    assert rows
    assert all(split_of(row.source_image_sha) == "train" for row in rows)


def test_only_what_enough_references_agree_on_has_a_label() -> None:
    unsure = [judged(number, agreement=0.5) for number in range(COUNT)]
    sure = [judged(COUNT + number, agreement=0.75) for number in range(COUNT)]
    rows = chosen([*unsure, *sure], {}, Mixture(replay=0.0, agreement=0.7))
    assert {row.question for row in rows} <= {row.probe.question for row in sure}


@pytest.mark.parametrize(
    "rows",
    [
        [], AGREED, [judged(number, consensus="") for number in range(9)],
        [judged(number, fault="unparsed") for number in range(9)],
        [judged(number, "no_consensus") for number in range(9)],
    ],
)  # fmt: skip
def test_without_failures_there_is_nothing_to_rectify(rows: list[Judged]) -> None:
    with pytest.raises(RunError, match="nothing to rectify"):
        chosen(rows, {}, MIXED)


def test_the_same_question_about_an_image_is_one_lesson() -> None:
    other = next(number for number in range(99) if split_of(source(number)) == "train")
    same = [judged(1, image=other) for _ in range(5)]
    assert len(chosen(same, {}, Mixture(replay=0.0, size=1))) == 1


def test_the_same_seed_gives_the_same_rows() -> None:
    assert chosen([*FAILED, *AGREED], {}, MIXED) == chosen([*FAILED, *AGREED], {}, MIXED)
    other = Mixture(size=200, seed=1)
    assert chosen([*FAILED, *AGREED], {}, MIXED) != chosen([*FAILED, *AGREED], {}, other)


def test_actions_can_be_chosen() -> None:
    assert chosen(FAILED, {}, Mixture(actions=("question",)))
    with pytest.raises(RunError, match="nothing to rectify"):
        chosen(FAILED, {}, Mixture(actions=("edit",)))


def test_held_out_rows_are_about_other_images() -> None:
    rows = chosen([*FAILED, *AGREED], {}, Mixture(size=600))
    kept, held = divide(rows)
    assert len(kept) + len(held) == len(rows)
    assert {row.source_image_sha for row in kept}.isdisjoint(row.source_image_sha for row in held)
    assert 0.02 < len(held) / len(rows) < 0.25


def test_few_images_are_all_trained_on() -> None:
    row = Example("a" * 64, "q?", "left", "", "0" * 64)
    assert divide([row, row]) == ([row, row], [])


def test_an_answer_of_the_data_set_goes_before_the_consensus() -> None:
    rows = [row for row in FAILED if split_of(row.probe.source_image_sha) == "train"][:4]
    unsure = replace(rows[2].verdict, consensus="", outcome="no_consensus", agreement=0.0)
    rows[2] = replace(rows[2], verdict=unsure)
    answers = {rows[0].probe.id: "up", rows[1].probe.id: "right", rows[2].probe.id: "down"}
    given = list(candidates(rows, {row.probe.id: "kind" for row in rows}, MIXED, answers))
    assert [(each.part, each.label) for each in given] == [
        ("kind", "up"), (REPLAY, "right"), ("kind", "down"), ("kind", "left"),
    ]  # fmt: skip
