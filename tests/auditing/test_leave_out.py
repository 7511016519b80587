"""The vote without each family in turn."""

from auditdm_hub.auditing.judge import VQAJudge
from auditdm_hub.auditing.leave_out import leave_each_out
from auditdm_hub.auditing.vote import vote
from auditdm_hub.records import Exchange, Judged, Probe

FAMILIES = {"a": "A", "b": "B", "b2": "B", "c": "C"}


def judged(target: str, auditor: str = "trained", **references: str | None) -> Judged:
    probe = Probe("s", auditor, "question", 0, "text", "q?", "auditor", "i", "original", "", "i", "")
    row = Exchange(probe, target, references)
    return Judged(row, vote([row], VQAJudge(), FAMILIES)[0])


def test_a_failure_that_hangs_on_one_family_is_gone_without_it() -> None:
    rows = [
        judged("1", a="2", b="2", b2="2", c="2"),  # all against the target
        judged("1", a="2", b="2", b2="2", c="3"),  # without A or B there is no consensus any more
        judged("1", a="1", b="2", b2="2", c="2", auditor="random"),
        judged("1", a="1", b="1", b2="1", c="2", auditor="random"),
    ]
    assert [row.failed for row in rows] == [True, True, True, False]
    assert leave_each_out(rows, VQAJudge(), FAMILIES) == {
        "A": {"trained": (1, 2), "random": (1, 2)},
        "B": {"trained": (1, 2), "random": (0, 2)},
        "C": {"trained": (2, 2), "random": (0, 2)},
    }


def test_a_quorum_of_all_is_one_less_without_a_family_and_a_single_family_stays() -> None:
    rows = [judged("1", a="2", b="2", b2="2", c="2")]
    assert leave_each_out(rows, VQAJudge(), FAMILIES, quorum=3)["C"] == {"trained": (1, 1)}
    assert leave_each_out(rows, VQAJudge(), {"a": "A"}) == {}
