"""The vote again without one family: how much a result hangs on each of them."""

from collections.abc import Mapping, Sequence

from auditdm_hub.auditing.vote import vote
from auditdm_hub.protocols import Judge
from auditdm_hub.records import Judged

Tally = dict[str, dict[str, tuple[int, int]]]
"""Family that is left out -> auditor -> (failures, trials)."""


def leave_each_out(judged: Sequence[Judged], judge: Judge, families: Mapping[str, str], quorum: int = 0) -> Tally:
    """Count each auditor's failures if a family of references had no vote, for each family in turn.

    Nothing is asked again but the judge, about answers that were not compared before. The quorum is lowered to the
    number of families that are left, if need be. With a single family there is nothing to leave out.
    """
    found: Tally = {}
    names = sorted(set(families.values()))
    for left_out in names if len(names) > 1 else ():
        voters = {model: family for model, family in families.items() if family != left_out}
        verdicts = vote([row.exchange for row in judged], judge, voters, min(quorum, len(names) - 1))
        tally = found[left_out] = {}
        for row, verdict in zip(judged, verdicts, strict=True):
            failures, trials = tally.get(row.probe.auditor, (0, 0))
            tally[row.probe.auditor] = (failures + (verdict.outcome == "failure"), trials + 1)
    return found
