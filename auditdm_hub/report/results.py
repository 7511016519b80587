"""From judged trials and their curation to `results.json`: one pure function.

Everything depends on the arguments alone. `date` and `seconds` are passed through, so two runs of one configuration
differ in these two keys only.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from auditdm_hub.curate import UNASSIGNED, Curation
from auditdm_hub.records import FailureType, Judged
from auditdm_hub.report.examples import counterexamples_of, examples_of
from auditdm_hub.report.facts import PoolFacts, RunFacts
from auditdm_hub.report.figures import by_frequency, search_success
from auditdm_hub.report.oracle import consensus_figures
from auditdm_hub.report.schema import (
    ARMS,
    FORMAT_VERSION,
    Pool,
    Publishable,
    Results,
    Seconds,
    Training,
    TypeResult,
)

BY_HAND = "dropped by hand"


def build_results(judged: Sequence[Judged], curation: Curation, facts: RunFacts) -> Results:
    """Return what `results.json` holds.

    Args:
        judged: every trial of every auditor; `probe.auditor` is "prompt_only", "random" or "trained".
        curation: what curation made of these trials.
        facts: what is known of the run beyond them.

    Raises:
        ValueError: a trial is by another auditor.
    """
    strangers = {row.probe.auditor for row in judged} - set(ARMS)
    if strangers:
        raise ValueError(f"got trials of auditor {sorted(strangers)[0]!r}, wanted one of {', '.join(ARMS)}")
    rows = {row.probe.id: row for row in judged}
    arms = {arm: [row for row in judged if row.probe.auditor == arm] for arm in ARMS}
    return Results(
        format_version=FORMAT_VERSION,
        version=facts.version,
        date=facts.date,
        seed=facts.seed,
        target=facts.models.target.id,
        models=facts.models.as_json(),
        pool=_pool(facts.pool),
        publishable=Publishable(ok=facts.publishable[0], why=facts.publishable[1]),
        search_success={
            arm: search_success(part, curation, facts.passes.get(arm, 0)) if part else None
            for arm, part in arms.items()
        },
        consensus=consensus_figures(judged, facts),
        failure_types=[_type(kind, judged, rows, curation, facts.seed) for kind in curation.types],
        unassigned=sum(name == UNASSIGNED for name in curation.assignments.values()),
        unique_failures=curation.unique_failures,
        duplicates=len(curation.dropped),
        dropped=_dropped(rows, curation),
        base_rate=curation.base_rate,
        contrast_entropy=curation.contrast_entropy,
        refusal=curation.refusal,
        unused_decisions=list(curation.unused),
        training=Training(steps=len(facts.training_log), log=[dict(line) for line in facts.training_log]),
        faults=dict(facts.faults),
        cost=dict(facts.cost),
        seconds=Seconds(
            train=facts.seconds["train"],
            probe=facts.seconds["probe"],
            curate=facts.seconds["curate"],
            total=facts.seconds["total"],
        ),
        versions=dict(facts.versions),
        command=facts.command,
    )


def _type(
    kind: FailureType, judged: Sequence[Judged], rows: Mapping[str, Judged], curation: Curation, seed: int
) -> TypeResult:
    found = Counter(rows[member].probe.auditor for member in kind.members if member in rows)
    return TypeResult(
        name=kind.name,
        predicate=kind.predicate.text,
        rule=kind.predicate.rule,
        status=kind.status,
        count=kind.count,
        failures=kind.failures,
        trials=kind.trials,
        rate=kind.rate,
        low=kind.low,
        high=kind.high,
        q_value=kind.q_value,
        by_auditor={arm: found[arm] for arm in ARMS},
        examples=examples_of(kind, rows, seed),
        counterexamples=counterexamples_of(kind, judged, curation, seed),
    )


def _pool(pool: PoolFacts) -> Pool:
    return Pool(
        source=pool.source,
        images=pool.images,
        skipped=dict(pool.skipped),
        splits=dict(pool.splits),
        licence=pool.licence,
    )


def _dropped(rows: Mapping[str, Judged], curation: Curation) -> dict[str, int]:
    """Count the trials that take no part in the types, by reason."""
    counts: Counter[str] = Counter()
    for identity, row in rows.items():
        if row.verdict.outcome == "no_consensus":
            counts["no consensus"] += 1
        elif row.verdict.outcome == "invalid":
            counts["invalid"] += 1
        elif identity in curation.dropped:
            # The similarity in brackets differs from trial to trial.
            counts["duplicate: " + curation.dropped[identity].reason.partition(" (")[0]] += 1
        elif row.failed and identity not in curation.assignments:
            counts[BY_HAND] += 1
    return by_frequency(counts)
