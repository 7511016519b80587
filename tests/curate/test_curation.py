"""The stage: planted gaps are found and named, null runs yield nothing, decisions made by hand hold."""

import random
from dataclasses import replace

import pytest
from curate.judged_rows import judged

from auditdm_hub.curate import UNASSIGNED, Beforehand, Overrides, curate, load_embedder, matches
from auditdm_hub.protocols import Embedder
from auditdm_hub.records import Judged
from benchmarks.curation_gaps import GAPS, make_exchanges
from benchmarks.curation_synthetic import run


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder()


@pytest.fixture(scope="module")
def exchanges() -> list[Judged]:
    return make_exchanges(900, 5, ("count", "side", "same", "crosses"))[0]


@pytest.mark.parametrize(("style", "count", "seed"), [("even", 1500, 11), ("skewed", 1500, 12), ("narrow", 1200, 13)])
def test_nine_of_ten_gaps_are_found_and_rightly_named(embedder: Embedder, style: str, count: int, seed: int) -> None:
    curation, result, _ = run(style, count, seed, embedder, None)
    assert len(result.found) >= 0.9 * (len(result.found) + len(result.missed)), result.missed
    assert len(result.found) >= 7
    assert len(result.misnamed) <= 0.1 * len(result.found) + 1, result.misnamed
    assert not result.false
    assert len(result.fragments) <= 1
    assert result.jaccard >= 0.9
    assert result.top_ten >= 0.9
    assert not curation.refusal


@pytest.mark.parametrize("structured", [False, True])
def test_diffuse_errors_make_no_type(embedder: Embedder, structured: bool) -> None:
    for seed in range(20, 24):
        judged_rows, _ = make_exchanges(1200, seed, (), "skewed", diffuse=0.15, structured=structured)
        curation = curate(judged_rows, embedder)
        assert curation.types == ()
        assert set(curation.assignments.values()) == {UNASSIGNED}
        assert bool(curation.refusal) is not structured


def test_guessing_on_one_thing_is_still_a_type(embedder: Embedder) -> None:
    rng = random.Random(0)
    rows = []
    for index in range(500):
        answer = rng.randrange(10)
        said = rng.choice([n for n in range(10) if n != answer]) if answer > 4 else answer
        rows.append(judged(f"how many {rng.choice(('cats', 'dogs'))}?", str(answer), str(said), image=str(index)))
    curation = curate(rows, embedder)
    assert curation.contrast_entropy > 0.97
    assert [kind.name for kind in curation.types] == ["counting more than four objects"]


def test_other_trials_can_be_the_contrast_of_a_run_in_which_all_fails(
    embedder: Embedder, exchanges: list[Judged]
) -> None:
    whole = curate(exchanges, embedder)
    own = [row for row in exchanges if row.failed and whole.assignments.get(row.probe.id, UNASSIGNED) != UNASSIGNED]
    others = [row for row in exchanges if row not in own]
    assert len(curate(own, embedder).types) < len(whole.types)
    found = curate(own, embedder, before=Beforehand(contrast=others))
    assert {kind.name for kind in found.types} == {kind.name for kind in whole.types}
    assert set(found.assignments) | set(found.dropped) == {row.probe.id for row in own}
    assert all(kind.trials == kind.failures == kind.count for kind in found.types)
    assert curate(exchanges, embedder, before=Beforehand(contrast=exchanges)) == whole
    assert curate([*exchanges, *exchanges], embedder, before=Beforehand(contrast=[*others, *others])) == whole


def test_a_type_that_other_trials_suggest_needs_two_failures(embedder: Embedder, exchanges: list[Judged]) -> None:
    whole = curate(exchanges, embedder)
    side = next(kind for kind in whole.types if kind.name == "telling left from right")
    others = [row for row in exchanges if row.probe.id not in side.members]

    def found(members: int) -> list[str]:
        rows = [*others, *(row for row in exchanges if row.probe.id in side.members[:members])]
        assert side.name not in {kind.name for kind in curate(rows, embedder).types}
        curation = curate(rows, embedder, before=Beforehand(proposed=whole.types))
        assert len(curation.types) == len({kind.name for kind in curation.types})
        assert all(curation.assignments[member] == kind.name for kind in curation.types for member in kind.members)
        return [kind.name for kind in curation.types]

    assert side.name not in found(1)
    assert found(3).count(side.name) == 1
    assert curate(exchanges, embedder, before=Beforehand(proposed=whole.types)) == whole
    three = [row for row in exchanges if row.probe.id in side.members[:3]]
    seen = frozenset(row.probe.source_image_sha for row in three)
    again = curate([*others, *three], embedder, before=Beforehand(proposed=whole.types, seen=seen))
    assert side.name not in {kind.name for kind in again.types}  # what suggested it cannot confirm it


def test_what_other_trials_suggest_does_not_explain_diffuse_errors(embedder: Embedder, exchanges: list[Judged]) -> None:
    suggested = curate(exchanges, embedder).types
    for seed in range(20, 24):
        rows, _ = make_exchanges(1200, seed, (), "skewed", diffuse=0.15, structured=True)
        assert curate(rows, embedder, before=Beforehand(proposed=suggested)).types == ()


def test_counts_members_and_assignments_agree(embedder: Embedder, exchanges: list[Judged]) -> None:
    curation = curate(exchanges, embedder)
    assert {kind.name for kind in curation.types} == {
        "telling left from right",
        "counting more than four objects",
        "judging whether colours are the same when the answer is yes",
        "judging the size of crosses",
    }
    failures = {row.probe.id for row in exchanges if row.failed} - set(curation.dropped)
    assert set(curation.assignments) == failures
    assert curation.unique_failures == len(failures)
    kept = [row for row in exchanges if row.probe.id not in curation.dropped]
    for kind in curation.types:
        inside = [row for row in kept if matches(kind.predicate, row.probe.question, row.verdict.consensus)]
        assert (kind.trials, kind.failures) == (len(inside), sum(row.failed for row in inside))
        assert kind.count == len(kind.members) <= kind.failures
        assert kind.low <= kind.rate == kind.failures / kind.trials <= kind.high
        assert all(curation.assignments[member] == kind.name for member in kind.members)
    assert all(len(labels) == len(failures) for labels in curation.cuts.values())


def test_the_result_does_not_depend_on_the_order_or_on_rows_without_a_verdict(
    embedder: Embedder, exchanges: list[Judged]
) -> None:
    mixed = exchanges[:]
    random.Random(1).shuffle(mixed)
    idle = judged("how many?", "", None, outcome="no_consensus")
    steps: list[tuple[int, int]] = []
    first = curate(exchanges, embedder)
    second = curate([*mixed, *mixed[:50], idle], embedder, progress=lambda done, total: steps.append((done, total)))
    assert first == second
    assert steps == [(step, 5) for step in range(1, 6)]


def test_decisions_made_by_hand(embedder: Embedder, exchanges: list[Judged]) -> None:
    plain = curate(exchanges, embedder)
    named = {kind.name: kind for kind in plain.types}
    side, count = named["telling left from right"], named["counting more than four objects"]
    overrides = Overrides(
        rename={"both": "left, right and many", "gone": "x"},
        merge={"both": (side.name, count.name, "never found")},
        drop_types=("judging the size of crosses",),
        drop_rows={side.members[0]: "the references are wrong", "0000": "?"},
    )
    curation = curate(exchanges, embedder, overrides)
    merged = curation.types[0]
    assert merged.name == "left, right and many"
    assert merged.count == side.count + count.count - 1
    assert merged.predicate.rule == f"{side.predicate.rule} or {count.predicate.rule}"
    assert side.members[0] not in curation.assignments
    assert {kind.name for kind in curation.types} == {
        "left, right and many",
        "judging whether colours are the same when the answer is yes",
    }
    dropped = named["judging the size of crosses"].members
    assert {curation.assignments[member] for member in dropped} == {UNASSIGNED}
    assert set(curation.unused) == {"rename: gone", "merge: both: never found", "drop_rows: 0000"}
    assert curate(exchanges, embedder, replace(overrides)) == curation


@pytest.mark.parametrize("count", [0, 1, 5])
def test_tiny_runs(embedder: Embedder, count: int) -> None:
    rows = [judged("how many cats?", str(5 + index), "4", image=str(index)) for index in range(count)]
    curation = curate(rows, embedder)
    assert curation.unique_failures == count
    assert curation.contrast_entropy == 0 or count > 1
    assert curate([judged("how many cats?", "5", "5")], embedder).types == ()


def test_every_gap_of_the_generator_fails_as_it_says() -> None:
    rows, truth = make_exchanges(3000, 0, list(GAPS), diffuse=0, wrong_consensus=0)
    for name, gap in GAPS.items():
        inside = [row for row, where in zip(rows, truth, strict=True) if where == name]
        assert len(inside) > 9
        if gap.rate == 1 and name != "tallest":
            assert all(row.failed for row in inside)
    assert not any(row.failed for row, where in zip(rows, truth, strict=True) if not where)
