"""Which rows a model is repaired with."""

from collections import Counter

import pytest

from auditdm_hub.errors import RunError
from auditdm_hub.records import Exchange, Judged, Outcome, Probe, Verdict, content_id
from auditdm_hub.rectifying.examples import REPLAY, Example, Mixture, choose, divide
from auditdm_hub.releases.schema import split_of

COUNT = 400


def source(number: int) -> str:
    return content_id("image", number, length=64)


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


FAILED = [judged(number) for number in range(COUNT)]
AGREED = [judged(COUNT + number, "agreement", ["yes", "no", "two"][number % 3]) for number in range(COUNT)]
MIXED = Mixture(size=200)


def test_half_are_lessons_and_half_replay() -> None:
    rows = choose([*FAILED, *AGREED], {}, MIXED)
    parts = Counter(row.part for row in rows)
    assert parts[""] == 100
    assert 95 <= parts[REPLAY] <= 100
    labels = Counter(row.label for row in rows if row.part == REPLAY)
    assert max(labels.values()) - min(labels.values()) <= 1


def test_types_get_equal_shares_and_rare_ones_come_again() -> None:
    names = kinds(FAILED, *["common"] * 39, "rare")
    usable = [row for row in FAILED if split_of(row.probe.source_image_sha) == "train"]
    rare = sum(names[row.probe.id] == "rare" for row in usable)
    rows = choose(FAILED, names, Mixture(size=100, replay=0.0))
    parts = Counter(row.part for row in rows)
    assert rare < 25
    assert parts == {"rare": 4 * rare, "common": 100 - 4 * rare}
    assert max(Counter(row for row in rows if row.part == "rare").values()) <= 4


def test_nothing_of_a_test_split_is_trained_on() -> None:
    rows = choose([*FAILED, *AGREED], {}, Mixture(size=10_000))
    assert rows
    assert all(split_of(row.source_image_sha) == "train" for row in rows)


def test_only_what_enough_references_agree_on_has_a_label() -> None:
    unsure = [judged(number, agreement=0.5) for number in range(COUNT)]
    sure = [judged(COUNT + number, agreement=0.75) for number in range(COUNT)]
    rows = choose([*unsure, *sure], {}, Mixture(replay=0.0, agreement=0.7))
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
        choose(rows, {}, MIXED)


def test_the_same_question_about_an_image_is_one_lesson() -> None:
    other = next(number for number in range(99) if split_of(source(number)) == "train")
    same = [judged(1, image=other) for _ in range(5)]
    assert len(choose(same, {}, Mixture(replay=0.0, size=1))) == 1


def test_the_same_seed_gives_the_same_rows() -> None:
    assert choose([*FAILED, *AGREED], {}, MIXED) == choose([*FAILED, *AGREED], {}, MIXED)
    other = Mixture(size=200, seed=1)
    assert choose([*FAILED, *AGREED], {}, MIXED) != choose([*FAILED, *AGREED], {}, other)


def test_pairings_can_be_chosen() -> None:
    assert choose(FAILED, {}, Mixture(pairings=("(Q*, I)",)))
    with pytest.raises(RunError, match="nothing to rectify"):
        choose(FAILED, {}, Mixture(pairings=("(Q, I*)",)))


def test_held_out_rows_are_about_other_images() -> None:
    rows = choose([*FAILED, *AGREED], {}, Mixture(size=600))
    kept, held = divide(rows)
    assert len(kept) + len(held) == len(rows)
    assert {row.source_image_sha for row in kept}.isdisjoint(row.source_image_sha for row in held)
    assert 0.02 < len(held) / len(rows) < 0.25


def test_few_images_are_all_trained_on() -> None:
    row = Example("a" * 64, "q?", "left", "", "0" * 64)
    assert divide([row, row]) == ([row, row], [])
