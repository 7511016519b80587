from collections.abc import Sequence

import pytest

from auditdm_hub.auditing.judge import VQAJudge
from auditdm_hub.auditing.vote import NO_JUDGEMENT, NO_REFERENCES, NO_TARGET, least_agreeing, vote
from auditdm_hub.records import Exchange, Probe, Verdict

FAMILIES = {"a": "A", "b": "B", "c": "C"}


def exchange(target: str | None, fault: str = "", question: str = "q?", **references: str | None) -> Exchange:
    probe = Probe("s", "auditor", "question", 0, "text", question, "auditor", "i", "original", "", "i", fault)
    return Exchange(probe, target, references)


def one(row: Exchange, families: dict[str, str] = FAMILIES, quorum: int = 0) -> Verdict:
    return vote([row], VQAJudge(), families, quorum)[0]


class Broken:
    """Has an opinion on nothing that is spelt differently, except where it is told."""

    id = "broken"

    def __init__(self, **known: bool) -> None:
        self.known = known
        self.calls: list[int] = []

    def same(self, questions: Sequence[str], a: Sequence[str], b: Sequence[str]) -> list[bool | None]:
        self.calls.append(len(a))
        return [self.known.get(f"{x}_{y}") for x, y in zip(a, b, strict=True)]


def test_failure_and_agreement() -> None:
    assert one(exchange("5", a="4", b="four", c="4.0")) == Verdict("failure", "4", 1.0)
    assert one(exchange("Four.", a="4", b="four", c="4.0")) == Verdict("agreement", "4", 1.0)
    assert one(exchange("4", a="red", b="4", c="red")) == Verdict("failure", "red", 2 / 3)
    assert one(exchange("4", a="red", b=None, c="red")) == Verdict("failure", "red", 2 / 3)


def test_the_consensus_is_the_answer_that_most_gave() -> None:
    assert one(exchange("x", a="the cat", b="a cat", c="a cat")).consensus == "a cat"
    assert one(exchange("x", a="a cat", b="the cat", c="cat")).consensus == "cat"


def test_no_consensus() -> None:
    assert one(exchange("1", a="1", b="2", c="3")).outcome == "no_consensus"
    assert one(exchange("1", a="1", b=None, c="")).outcome == "no_consensus"
    assert one(exchange("1", a="", b=" ", c="1")).outcome == "no_consensus"  # silence is no agreement
    tie = exchange("1", a="1", b="1", c="2", d="2")
    assert one(tie, {**FAMILIES, "d": "D"}, quorum=2).outcome == "no_consensus"
    assert one(tie, {**FAMILIES, "d": "D"}).outcome == "no_consensus"


def test_quorum() -> None:
    row = exchange("2", a="1", b="1", c="3")
    assert one(row).outcome == "failure"
    assert one(row, quorum=3).outcome == "no_consensus"
    assert one(exchange("2", a="1"), {"a": "A"}).outcome == "failure"
    assert [least_agreeing(n) for n in (1, 2, 3, 4, 5)] == [1, 2, 2, 3, 3]
    with pytest.raises(ValueError, match="got quorum 4, wanted 1 to 3"):
        one(row, quorum=4)
    with pytest.raises(ValueError, match="at least one"):
        one(row, {})


def test_a_family_has_one_vote_and_abstains_if_divided() -> None:
    families = {"a1": "A", "a2": "A", "a3": "A", "b": "B", "c": "C"}
    row = exchange("2", a1="1", a2="1", a3="1", b="2", c="2")
    assert one(row, families) == Verdict("agreement", "2", 2 / 3)
    divided = exchange("1", a1="1", a2="2", a3=None, b="2", c="2")
    assert one(divided, families) == Verdict("failure", "2", 2 / 3)
    assert one(exchange("2", a1="1", a2="2", b="1", c="2"), families).outcome == "no_consensus"
    half = exchange("2", a1=None, a2="1", b="1", c="3")
    assert one(half, families) == Verdict("failure", "1", 2 / 3)


def test_a_holdout_is_not_counted() -> None:
    row = exchange("1", a="1", b="2", c="3", holdout="1")
    assert one(row).outcome == "no_consensus"


def test_invalid() -> None:
    assert one(exchange("1", fault="unparsed: empty", a="1", b="1")) == Verdict("invalid", "", 0.0, "unparsed: empty")
    assert one(exchange(None, a="1", b="1", c="1")) == Verdict("invalid", "", 0.0, NO_TARGET)
    silent = exchange("1", a=None, b=None, c=None, holdout="1")
    assert one(silent) == Verdict("invalid", "", 0.0, NO_REFERENCES)
    refused = one(exchange("red", a="unanswerable", b="It cannot be determined", c="red"))
    assert (refused.outcome, refused.reason) == ("invalid", "references call it unanswerable")


def test_a_target_that_says_nothing_fails() -> None:
    assert one(exchange("", a="1", b="1", c="1")).outcome == "failure"


def test_a_judge_without_judgement_makes_no_failure() -> None:
    among_references = vote([exchange("1", a="1", b="2", c="1")], Broken(), FAMILIES)
    assert among_references == [Verdict("invalid", "", 0.0, NO_JUDGEMENT)]
    about_target = vote([exchange("2", a="1", b="1", c="1")], Broken(), FAMILIES)
    assert about_target == [Verdict("invalid", "1", 1.0, NO_JUDGEMENT)]


def test_overlapping_groups_of_one_size_are_no_consensus() -> None:
    judge = Broken(**{"x_y": True, "y_z": True, "x_z": False})  # a judge need not be transitive
    assert vote([exchange("x", a="x", b="y", c="z")], judge, FAMILIES)[0].outcome == "no_consensus"


def test_the_judge_is_asked_twice_for_any_number_of_exchanges() -> None:
    judge = Broken(**{"1_2": False, "1_3": False, "2_3": False})
    rows = [exchange("3", a="1", b="2", c="1"), exchange("2", a="2", b="1", c="1"), exchange("1", a="1", b="1")]
    verdicts = vote(rows * 50, judge, FAMILIES)
    assert [verdict.outcome for verdict in verdicts[:3]] == ["failure", "failure", "agreement"]
    assert judge.calls == [1, 2]
    assert vote([], judge, FAMILIES) == [] and len(judge.calls) == 2
