import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report.fake_run import HOLDOUT, REFERENCES, curation, facts, run

from auditdm_hub.curate import Curation, Duplicate, matches
from auditdm_hub.errors import RunError
from auditdm_hub.images import ImageStore
from auditdm_hub.records import Exchange, FailureType, Judged, Predicate, Probe, Verdict
from auditdm_hub.report import Results, build_results, checked_results, wording, write_report
from auditdm_hub.statistics import wilson

Rows = list[Judged]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return run(tmp_path_factory.mktemp("run"))[0]


@pytest.fixture(scope="module")
def results(rows: Rows) -> Results:
    return build_results(rows, curation(rows), facts())


def trial(number: int, outcome: str = "failure", auditor: str = "trained", **changed: Any) -> Judged:  # noqa: ANN401 - fields of several types  # noqa: ANN401
    question = changed.get("question", f"question {number}?")
    probe = Probe(
        "seed", auditor, "question", number, question, question, changed.get("source", "auditor"), f"sha{number}",
        changed.get("made", "original"), "", f"sha{number}", changed.get("fault", ""),
    )  # fmt: skip
    consensus = "" if outcome in ("invalid", "no_consensus") else "yes"
    verdict = Verdict(outcome, consensus, 1.0, changed.get("reason", ""))  # type: ignore[arg-type]
    answers = changed.get("answers", dict.fromkeys(REFERENCES, "yes"))
    return Judged(Exchange(probe, changed.get("said", "no"), answers), verdict)


def no_types(assigned: dict[str, str], dropped: dict[str, Duplicate] | None = None) -> Curation:
    return Curation((), assigned, dropped or {}, len(assigned), 0.0, 0.0, {})


def test_the_keys_that_others_rely_on(results: Results) -> None:
    for arm in ("prompt_only", "random", "trained"):
        success = results["search_success"][arm]  # type: ignore[index]
        assert {"rate", "low", "high", "valid", "trials", "effective_types"} <= success.keys()
    assert {"rate"} <= results["consensus"].keys()
    kinds = results["failure_types"]
    assert len(kinds) >= 3
    wanted = {"name", "predicate", "status", "count", "rate", "low", "high", "examples"}
    assert all(wanted <= kind.keys() for kind in kinds)
    assert {"train", "probe", "curate", "total"} == results["seconds"].keys()
    assert {"models", "seed", "version", "unique_failures"} <= results.keys()


def test_it_survives_json_and_is_the_same_twice(rows: Rows, results: Results) -> None:
    again = build_results(rows, curation(rows), facts(seconds=999.0, date="2030-01-01"))
    differing = {key for key in results if results[key] != again[key]}  # type: ignore[literal-required]
    assert differing == {"date", "seconds"}
    text = json.dumps(results, allow_nan=False)
    assert checked_results(json.loads(text)) == results


def test_every_trial_is_in_the_denominator(rows: Rows, results: Results) -> None:
    assert any(row.verdict.outcome == "invalid" for row in rows)
    assert any(row.verdict.outcome == "no_consensus" for row in rows)
    for arm, success in results["search_success"].items():
        mine = [row for row in rows if row.probe.auditor == arm]
        assert success is not None
        assert (success["trials"], success["valid"]) == (len(mine), sum(row.failed for row in mine))
        assert (success["low"], success["high"]) == wilson(success["valid"], success["trials"])
        assert sum(success["outcomes"].values()) == success["trials"]
        assert sum(part["trials"] for part in success["by_pairing"].values()) == success["trials"]
        assert sum(part["valid"] for part in success["by_pairing"].values()) == success["valid"]
        assert sum(success["invalid_reasons"].values()) == success["outcomes"]["invalid"]


def test_effective_types_leave_the_unassigned_out_and_count_repetitions() -> None:
    made = [trial(number) for number in range(6)]
    ids = [row.probe.id for row in made]
    assigned = {ids[0]: "a", ids[1]: "b", ids[2]: "unassigned", ids[3]: "a"}
    found = no_types(assigned, {ids[4]: Duplicate(ids[1], "exact")})  # ids[5] was dropped by hand
    results = build_results(made, found, facts())
    success = results["search_success"]["trained"]
    assert success is not None
    assert success["by_type"] == {"a": 2, "b": 2, "unassigned": 1}
    assert success["effective_types"] == pytest.approx(2)
    assert success["unique_failures"] == 4
    assert results["unassigned"] == 1
    assert results["dropped"] == {"dropped by hand": 1, "duplicate: exact": 1}


def test_an_arm_keeps_its_failure_when_its_repetition_by_another_was_kept() -> None:
    mine, other = trial(1), trial(2, auditor="random")
    found = no_types({other.probe.id: "a"}, {mine.probe.id: Duplicate(other.probe.id, "exact")})
    arms = build_results([mine, other], found, facts())["search_success"]
    assert [arm and (arm["unique_failures"], arm["effective_types"]) for arm in arms.values()] == [
        None, (1, 1.0), (1, 1.0),
    ]  # fmt: skip


def test_reasons_are_counted_by_what_stands_before_the_colon() -> None:
    made = [
        trial(1, "invalid", reason="edit not understood: add a cow"),
        trial(2, "invalid", reason="edit not understood: paint it"),
        trial(3, "invalid", reason="no answer from target"),
    ]
    success = build_results(made, no_types({}), facts())["search_success"]["trained"]
    assert success is not None
    assert success["invalid_reasons"] == {"edit not understood": 2, "no answer from target": 1}
    assert (success["rate"], success["effective_types"], success["largest_question_share"]) == (0.0, 0.0, 0.0)


def test_one_question_asked_again_and_again_is_seen() -> None:
    made = [trial(1, question="How many?"), trial(2, question=" how  many? "), trial(3, question="what?")]
    made.append(trial(4, "agreement", question="never?"))
    success = build_results(made, no_types({}), facts())["search_success"]["trained"]
    assert success is not None
    assert success["largest_question_share"] == pytest.approx(2 / 3)
    assert success["distinct_questions"] == 3


def test_pairings_are_told_apart() -> None:
    made = [trial(1), trial(2, source="seed", made="edited"), trial(3, "agreement", made="generated")]
    success = build_results(made, no_types({}), facts())["search_success"]["trained"]
    assert success is not None
    rates = {pairing: (part["valid"], part["trials"]) for pairing, part in success["by_pairing"].items()}
    assert rates == {"(Q*, I)": (1, 1), "(Q, I*)": (1, 1), "(Q*, I*)": (0, 1)}


def test_consensus_counts_what_could_be_asked() -> None:
    one, two, three = REFERENCES
    made = [
        trial(1, answers={one: "Yes.", two: "yes", three: None, HOLDOUT: "no"}),
        trial(2, "agreement", answers={one: "yes", two: "the yes", three: "no", HOLDOUT: "yes"}),
        trial(3, "no_consensus", answers=dict.fromkeys(REFERENCES, "other")),
        trial(4, "invalid", reason="unparsed: no tag", fault="unparsed: no tag"),
        trial(5, "invalid", reason="no answer from target"),
    ]
    consensus = build_results(made, no_types({}), facts())["consensus"]
    assert (consensus["rate"], consensus["trials"]) == (pytest.approx(2 / 3), 3)
    assert consensus["by_family"] == {
        "gemma3": {"agreed": 2, "answered": 2, "rate": 1.0},
        "llava": {"agreed": 2, "answered": 2, "rate": 1.0},
        "idefics3": {"agreed": 0, "answered": 1, "rate": 0.0},
    }
    assert consensus["holdout"] == {"agreed": 1, "answered": 2, "rate": 0.5}


def test_a_holdout_tells_how_far_the_consensus_can_be_trusted() -> None:
    one, two, three = REFERENCES

    def asked(number: int, outcome: str, *said: str, holdout: str | None = "yes") -> Judged:
        return trial(number, outcome, answers={**dict(zip(REFERENCES, said, strict=True)), HOLDOUT: holdout})

    made = [
        asked(1, "failure", "yes", "yes", "yes"),
        asked(2, "failure", "yes", "yes", "no", holdout="No."),  # trial() has the target say no
        asked(3, "failure", "yes", "yes", "yes", holdout="maybe"),
        asked(4, "agreement", "yes", "yes", "yes", holdout=None),
        asked(5, "no_consensus", "a", "b", "yes"),
    ]
    known = replace(facts(), left_out={"llava": {"trained": (2, 5), "random": (0, 0)}, "gemma3": {}})
    results = build_results(made, no_types({}), known)
    consensus = results["consensus"]
    assert consensus["target_only_correct"] == {"agreed": 1, "answered": 3, "rate": 1 / 3}
    # Departures from the holdout on trials 1, 2, 3, 5: FTTT, FTTT and FFTF.
    together = (1 + 2 * (1 / 4 - 3 / 16) / (3 / 16)) / 3
    assert consensus["effective_voters"] == pytest.approx(3 / (1 + 2 * together))
    assert consensus["left_out"]["llava"]["trained"]["rate"] == 0.4
    assert consensus["left_out"]["gemma3"] == {}
    said = wording.trust(results)
    assert said[0] == "The holdout, which has no vote, gives 33.3% of the consensus answers."
    assert said[1].startswith("It sides with the target in 1 of 3 failures, 33.3%")
    assert said[-1].endswith("auditor if a family had no vote: 40.0% without llava.")
    without = build_results(made, no_types({}), replace(facts(), models=replace(facts().models, holdout=None)))
    assert (without["consensus"]["target_only_correct"], without["consensus"]["effective_voters"]) == (None, None)
    assert wording.trust(without) == []


def test_passes_are_shown_as_the_yield_wherever_success_is(tmp_path: Path) -> None:
    made = [trial(1), trial(2, "agreement"), trial(3, "agreement", auditor="prompt_only")]
    results = build_results(made, no_types({}), replace(facts(), passes={"trained": 6}))
    (said,) = wording.passes(results)
    assert said.startswith("The trained auditor passed on 6 of 8 offers (yield 25%)")
    write_report(tmp_path, results, ImageStore(tmp_path / "images"))
    for page in ("report.md", "report.html"):
        assert "passed on 6 of 8 offers" in (tmp_path / page).read_text()
    assert wording.passes(build_results(made, no_types({}), facts())) == []


def test_types_show_typical_random_and_counter_examples(rows: Rows, results: Results) -> None:
    found = {row.probe.id: row for row in rows}
    kinds = {kind.name: kind for kind in curation(rows).types}
    assert any(kind["counterexamples"] for kind in results["failure_types"])
    for shown in results["failure_types"]:
        kind = kinds[shown["name"]]
        ids = [example["probe_id"] for example in shown["examples"]]
        assert len(set(ids)) == len(ids) == min(6, kind.count)
        assert tuple(ids[:3]) == kind.members[:3]
        assert [example["selected"] for example in shown["examples"]] == ["typical"] * 3 + ["random"] * (len(ids) - 3)
        assert set(ids) <= set(kind.members)
        assert sum(shown["by_auditor"].values()) == shown["count"] == kind.count
        for example in shown["counterexamples"]:
            row = found[example["probe_id"]]
            assert row.verdict.outcome == "agreement"
            assert matches(kind.predicate, row.probe.question, row.verdict.consensus, row.probe.instruction)


def test_an_example_holds_what_is_needed_to_judge_it(rows: Rows, results: Results) -> None:
    found = {row.probe.id: row for row in rows}
    examples = [example for kind in results["failure_types"] for example in kind["examples"]]
    assert {bool(example["source_image"]) for example in examples} == {True, False}
    for example in examples:
        row = found[example["probe_id"]]
        assert example["image"] == row.probe.image_sha
        assert bool(example["source_image"]) == (row.probe.image_source == "edited")
        assert example["reference_answers"] == row.exchange.reference_answers
        assert example["target_answer"] != example["consensus"]


def test_the_draw_depends_on_the_seed(rows: Rows) -> None:
    one, two = (build_results(rows, curation(rows), replace(facts(), seed=seed)) for seed in (0, 1))
    drawn = [[kind["examples"][3:] for kind in each["failure_types"]] for each in (one, two)]
    assert drawn[0] != drawn[1]


def test_an_auditor_without_trials_is_null() -> None:
    success = build_results([trial(1)], no_types({}), facts())["search_success"]
    assert success["prompt_only"] is None
    assert success["random"] is None


def test_a_trial_of_an_unknown_auditor_is_refused() -> None:
    with pytest.raises(ValueError, match="got trials of auditor 'someone', wanted one of prompt_only"):
        build_results([trial(1, auditor="someone")], no_types({}), facts())


def test_an_untested_type_has_no_q_value(rows: Rows) -> None:
    tested = replace(curation(rows).types[0], q_value=0.004, status="confirmed")
    found = build_results(rows, replace(curation(rows), types=(tested,)), facts())["failure_types"]
    assert [(kind["q_value"], kind["status"]) for kind in found] == [(0.004, "confirmed")]


def test_a_type_of_one_member_is_shown() -> None:
    row = trial(1)
    kind = FailureType("a", Predicate("All questions.", "any question"), (row.probe.id,), 1, 1, 1, 1.0, 0.2, 1.0)
    shown = build_results([row], replace(no_types({row.probe.id: "a"}), types=(kind,)), facts())["failure_types"][0]
    assert len(shown["examples"]) == 1
    assert shown["counterexamples"] == []
    assert math.isclose(shown["low"], 0.2)


@pytest.mark.parametrize(
    ("change", "message"), [({"format_version": 2}, "got format_version 2, wanted 1"), ({}, "lacks consensus, models")]
)
def test_foreign_results_are_refused(results: Results, change: dict[str, int], message: str) -> None:
    value = {**results, **change}
    if not change:
        value = {key: each for key, each in results.items() if key not in ("consensus", "models")}
    with pytest.raises(RunError, match=message):
        checked_results(value, Path("x/results.json"))
