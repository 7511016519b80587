"""Tests types that other trials suggested, those of the auditor's training for instance.

Such a rule was chosen before these trials were seen, so that it pays for no search: two failures can be enough, where
`describe` asks for four and for the price of a thousand rules.
"""

import math
from collections.abc import Sequence

import numpy as np

from auditdm_hub.curate.describe import MARGIN, divergence
from auditdm_hub.curate.predicates import Rule, read_rule
from auditdm_hub.curate.table import Mask, Table
from auditdm_hub.records import FailureType
from auditdm_hub.statistics import wilson

MIN_FAILURES = 2
OWN = 0.5
"""Share of a rule's failures that no other type explains, from which on it is a type of its own."""


def supported(
    table: Table, proposed: Sequence[FailureType], parts: tuple[Mask, Mask], base: float, evidence: float
) -> list[tuple[FailureType, Rule]]:
    """Return the proposed types that hold on these trials too, each with its rule, the best supported first.

    Args:
        table: the judged exchanges; `n` trials.
        proposed: the types to test.
        parts: (n,) the trials that other types explain; (n,) those about images that the suggesting ones had not.
        base: the failure rate of what no type explains.
        evidence: nats that a rule must score beyond ln(how many are tested).
    """
    rules = [(kind, read_rule(kind.predicate.rule)) for kind in proposed]
    explained, fresh = parts
    masks = [np.logical_or.reduce([table.holds(every) for every in rule]) & fresh for _, rule in rules]
    least = evidence + math.log(max(1, len(rules)))
    scores = [float(divergence(table.failed[mask].sum(), mask.sum(), base)) for mask in masks]
    found, taken = [], explained.copy()
    for place in sorted(range(len(rules)), key=lambda place: (-scores[place], rules[place][0].name)):
        mask = masks[place]
        failures, own = int(table.failed[mask].sum()), int(table.failed[mask & ~taken].sum())
        marked = own >= MIN_FAILURES and wilson(failures, int(mask.sum())).low > base + MARGIN
        if scores[place] > least and marked and own > OWN * failures:
            found.append(rules[place])
            taken |= mask
    return found
