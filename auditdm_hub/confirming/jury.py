"""Who votes on fresh items, and who stands aside: a model without a vote, or each family of references in turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditdm_hub.auditing.vote import consensuses
from auditdm_hub.curate.predicates import Rule, holds
from auditdm_hub.protocols import Judge
from auditdm_hub.records import Judged

FEWEST_FAMILIES = 3
"""Families of which one can stand aside."""


@dataclass(frozen=True, slots=True)
class Jury:
    """One way to vote: `voters`, model id -> family; `aside`: the id of the model that the target is held against."""

    voters: Mapping[str, str]
    aside: str
    judge: Judge
    quorum: int = 0

    def agree(self, rows: Sequence[Judged]) -> list[str | None]:
        """Return the consensus on each row; None where there is none, whatever the target said."""
        return consensuses([row.exchange for row in rows], self.judge, self.voters, self.quorum)

    def wrong(self, rows: Sequence[Judged], answers: Sequence[str | None], said: Sequence[str]) -> list[bool | None]:
        """Return whether answers contradict the consensus; None where there is no answer, or no judgement."""
        known = [place for place, answer in enumerate(answers) if answer is not None]
        if not known:  # a judge is never called for nothing
            return [None] * len(rows)
        same = self.judge.same(
            [rows[k].probe.question for k in known], [answers[k] or "" for k in known], [said[k] for k in known]
        )
        found: list[bool | None] = [None] * len(rows)
        for place, agrees in zip(known, same, strict=True):
            found[place] = None if agrees is None else not agrees
        return found


def juries(families: Mapping[str, str], aside: str, judge: Judge, quorum: int = 0) -> list[Jury]:
    """Return the ways to vote.

    Args:
        families: model id -> family of every reference that votes.
        aside: the id of a model without a vote; "" = each family stands aside in turn, and the others vote.
        judge: compares answers.
        quorum: how many families must agree, where all vote.

    Raises:
        ValueError: nobody can stand aside.
    """
    if aside:
        return [Jury(families, aside, judge, quorum)]
    names = sorted(set(families.values()))
    if len(names) < FEWEST_FAMILIES:
        raise ValueError(f"got {len(names)} families of references and no holdout, wanted three, or a holdout")
    return [
        Jury(
            {model: family for model, family in families.items() if family != name},
            min(model for model, family in families.items() if family == name),
            judge,
        )
        for name in names
    ]


def satisfies(rule: Rule, row: Judged, consensus: str | None) -> bool:
    """Whether a row with that consensus satisfies a rule."""
    return consensus is not None and holds(rule, row.probe.question, consensus, row.probe.instruction)
