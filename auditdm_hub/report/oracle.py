"""How far the consensus can be trusted: who agrees with it, who errs together, and what hangs on one family.

Without ground truth the holdout, a reference that never votes, is the witness. Its own mistakes make every figure here
look worse than it is. Which figures an audit should show is ours; none of them is in the paper.
"""

from collections.abc import Mapping, Sequence

from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.auditing.vote import MISSING
from auditdm_hub.records import Judged
from auditdm_hub.report.facts import RunFacts, RunModels
from auditdm_hub.report.figures import rate_of
from auditdm_hub.report.schema import ARMS, Agreement, Consensus
from auditdm_hub.statistics import effective_voters


def consensus_figures(rows: Sequence[Judged], facts: RunFacts) -> Consensus:
    """Return how often the references reached a consensus, and how far it can be trusted."""
    models = facts.models
    asked = [row for row in rows if not row.probe.fault and row.verdict.reason not in MISSING]
    agreed = [row for row in asked if row.verdict.consensus]
    families = _families(models)
    holdout = models.holdout.id if models.holdout else ""
    return Consensus(
        rate=len(agreed) / len(asked) if asked else 0.0,
        trials=len(asked),
        by_family={family: _agreement(agreed, ids) for family, ids in families.items()},
        holdout=_agreement(agreed, [holdout]) if holdout else None,
        target_only_correct=_target_sided([row for row in agreed if row.failed], holdout) if holdout else None,
        effective_voters=_voters(asked, families, holdout) if holdout else None,
        left_out={
            family: {arm: rate_of(*tallies[arm]) for arm in ARMS if arm in tallies}
            for family, tallies in facts.left_out.items()
        },
    )


def _families(models: RunModels) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {}
    for model in models.references:
        members.setdefault(model.family, []).append(model.id)
    return members


def _agreement(rows: Sequence[Judged], models: Sequence[str]) -> Agreement:
    return _share(
        [
            normalise(answer) == normalise(row.verdict.consensus)
            for row in rows
            for model in models
            if (answer := row.exchange.reference_answers.get(model)) is not None
        ]
    )


def _target_sided(failed: Sequence[Judged], holdout: str) -> Agreement:
    return _share(
        [
            normalise(answer) == normalise(row.exchange.target_answer or "")
            for row in failed
            if (answer := row.exchange.reference_answers.get(holdout)) is not None
        ]
    )


def _share(same: Sequence[bool]) -> Agreement:
    agreed = sum(same)
    return Agreement(agreed=agreed, answered=len(same), rate=agreed / len(same) if same else 0.0)


def _voters(asked: Sequence[Judged], families: Mapping[str, Sequence[str]], holdout: str) -> float | None:
    """Return the effective number of families, on what the holdout and a model of each of them answered."""
    departures = []
    for row in asked:
        answers = {name: normalise(said) for name, said in row.exchange.reference_answers.items() if said is not None}
        ballots = [{answers[model] for model in ids if model in answers} for ids in families.values()]
        if holdout in answers and all(ballots):
            departures.append([ballot != {answers[holdout]} for ballot in ballots])
    return effective_voters([list(each) for each in zip(*departures, strict=True)]) if departures else None
