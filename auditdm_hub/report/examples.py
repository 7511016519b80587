"""Which exchanges a report shows: some typical, some drawn at random, and some where the target succeeds.

Typical ones show what a type is; random ones show how pure it is, and are marked so that nobody takes a selection for
a sample. The draw depends on the seed and the type's name alone.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Literal

from auditdm_hub.curate import Curation
from auditdm_hub.curate.predicates import holds, read_rule
from auditdm_hub.records import FailureType, Judged
from auditdm_hub.report.schema import Example

TYPICAL, RANDOM, COUNTER = 3, 3, 2


def examples_of(kind: FailureType, rows: Mapping[str, Judged], seed: int) -> list[Example]:
    """Return the three most typical members and three random others.

    Args:
        kind: whose members to show.
        rows: probe id -> trial.
        seed: of the draw.
    """
    rng = random.Random(f"examples {seed} {kind.name}")
    typical, others = kind.members[:TYPICAL], kind.members[TYPICAL:]
    drawn = rng.sample(others, min(RANDOM, len(others)))
    return [
        *(example(rows[member], "typical") for member in typical if member in rows),
        *(example(rows[member], "random") for member in drawn if member in rows),
    ]


def counterexamples_of(kind: FailureType, judged: Sequence[Judged], curation: Curation, seed: int) -> list[Example]:
    """Return up to two random trials that satisfy the type's predicate and on which the target agrees."""
    rule = read_rule(kind.predicate.rule)
    found = {
        row.probe.id: row
        for row in judged
        if row.verdict.outcome == "agreement"
        and row.probe.id not in curation.dropped
        and holds(rule, row.probe.question, row.verdict.consensus, row.probe.instruction)
    }
    rng = random.Random(f"counterexamples {seed} {kind.name}")
    return [example(found[identity], "random") for identity in rng.sample(sorted(found), min(COUNTER, len(found)))]


def example(row: Judged, selected: Literal["typical", "random"]) -> Example:
    """Return a trial as a report shows it."""
    probe = row.probe
    return Example(
        probe_id=probe.id,
        image=probe.image_sha,
        source_image=probe.source_image_sha if probe.source_image_sha != probe.image_sha else "",
        image_source=probe.image_source,
        question=probe.question,
        target_answer=row.exchange.target_answer,
        consensus=row.verdict.consensus,
        reference_answers=dict(sorted(row.exchange.reference_answers.items())),
        instruction=probe.instruction,
        pairing=probe.pairing,
        auditor=probe.auditor,
        selected=selected,
    )
