"""Searches predicates that separate failures from agreements: subgroup discovery inside topics.

For each topic, over *all* judged exchanges that satisfy its description:
1. Score a rule by G = n KL(k / n || p0) - cost nats: n trials satisfy it, k of them failed, p0 is the failure rate of
   the exchanges that no type explains, and cost = ln(how many rules of that kind there were to choose from). So G pays
   for the search: a rule found by looking at a thousand must be a thousand times less likely under p0.
2. Best condition on the answer: every interval of the numbers; with the values of a class sorted by failure rate,
   every prefix (the best subset of categories is one: Breiman et al. 1984, section 4.2); all but one or two values.
3. Best further phrase, present or absent, and phrases that widen it ("cross" or "star"), with the best answer condition
   again; while G grows, at most twice.
4. Accept the rule if G > `EVIDENCE` + ln(how many topics there are), it has `MIN_FAILURES`, and the lower Wilson bound
   exceeds p0 by `MARGIN`; explain its trials away; search the topic again.
Then p0 is estimated anew from what is unexplained and all is repeated, until p0 stands still.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from auditdm_hub.curate.predicates import Bound, Condition, Conjunction, Mode, Phrases, Values
from auditdm_hub.curate.table import Mask, Table
from auditdm_hub.statistics import wilson

EVIDENCE = 3.0
"""Nats beyond the cost of the search: about one false rule in twenty null runs."""
MARGIN = 0.10
MIN_FAILURES = 4
MAX_VALUES = 8
MAX_EXCLUDED = 2
MAX_DEPTH = 2
MAX_PHRASES = 4
WORTH = 1.5
"""Nats that a further condition must gain beyond its cost: simpler rules win ties."""
ROUNDS = 6
Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule, the topic that it was found in, and its score in nats."""

    topic: int
    context: Conjunction
    qualifiers: Conjunction
    score: float

    @property
    def rule(self) -> Conjunction:
        """The whole conjunction."""
        return self.context + self.qualifiers


@dataclass(frozen=True, slots=True)
class _Candidate:
    score: float
    conditions: Conjunction
    mask: Mask


def divergence(failures: Counts, trials: Counts, base: float) -> Counts:
    """Return n KL(k / n || base) where k / n > base, else 0: the log-likelihood ratio of the rate against `base`."""
    rate = failures / np.maximum(trials, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        hit = np.where(failures > 0, failures * np.log(rate / base), 0)
        miss = np.where(trials > failures, (trials - failures) * np.log((1 - rate) / (1 - base)), 0)
    return np.where(rate > base, hit + miss, 0)


def find_rules(
    table: Table, contexts: Sequence[tuple[int, Conjunction]], evidence: float = EVIDENCE
) -> tuple[list[Finding], float]:
    """Return the accepted rules, best first, and the failure rate of what they leave unexplained.

    Args:
        table: the judged exchanges.
        contexts: (topic, description) pairs; a description without a condition searches everything.
        evidence: nats that a rule must score beyond the cost of its search and ln(how many contexts there are).
    """
    masks = [table.holds(rule) for _, rule in contexts]
    evidence += math.log(max(1, len(contexts)))
    total = len(table.judged)
    rate = float(table.failed.mean()) if total else 0.0
    # Where most trials fail, their rate is no background: start low and let the unexplained raise it.
    base = _background(table.failed) if rate <= 0.5 else 0.05
    findings: list[Finding] = []
    for _ in range(ROUNDS):
        findings = []
        explained = np.zeros(total, bool)
        for (topic, context), mask in zip(contexts, masks, strict=True):
            found, covered = _search(table, Finding(topic, context, (), evidence), mask & ~explained, base)
            findings += found
            explained |= covered
        again = _background(table.failed[~explained], prior=base)
        if abs(again - base) < 0.005:
            break
        base = again
    return sorted(findings, key=lambda finding: -finding.score), base


def _background(failed: Mask, prior: float = 0.1) -> float:
    """Return the failure rate, drawn to the prior by 20 trials and never below 1%."""
    return max(0.01, (float(failed.sum()) + 20 * prior) / (len(failed) + 20))


def _search(table: Table, least: Finding, inside: Mask, base: float) -> tuple[list[Finding], Mask]:
    """Return the rules of one topic that score above `least`, and the trials that they explain."""
    found: list[Finding] = []
    left = inside.copy()
    while int(table.failed[left].sum()) >= MIN_FAILURES:
        best = _best_rule(table, left, base)
        if best is None or best.score <= least.score or not _is_marked(table, best.mask, base):
            break
        found.append(replace(least, qualifiers=best.conditions, score=best.score))
        left &= ~best.mask
    return found, inside & ~left


def _is_marked(table: Table, mask: Mask, base: float) -> bool:
    """Return whether the failure rate is certainly well above the background."""
    trials, failures = int(mask.sum()), int(table.failed[mask].sum())
    return failures >= MIN_FAILURES and wilson(failures, trials).low > base + MARGIN


def _best_rule(table: Table, inside: Mask, base: float) -> _Candidate | None:
    best = _with_answer(table, _Candidate(0.0, (), inside), 0.0, base)
    plain = _Candidate(0.0, (), inside)
    for _ in range(MAX_DEPTH):
        further = _with_phrase(table, best, base)
        fresh = _with_phrase(table, plain, base)
        choice = max((further, fresh), key=lambda candidate: candidate.score)
        if choice.score <= best.score + WORTH:
            break
        best = choice
    return best if best.score > 0 else None


def _with_phrase(table: Table, start: _Candidate, base: float) -> _Candidate:
    """Return the best of the rules with one more phrase, or `start`."""
    rows = np.flatnonzero(start.mask)
    presence = table.presence[table.question[rows]]  # (rows, m)
    trials = presence.sum(axis=0)
    useful = np.flatnonzero((trials >= MIN_FAILURES) & (trials < len(rows)))
    if not len(useful):
        return start
    # Phrases that mark the same trials are one choice; the first, most frequent over all, stands for them.
    _, first = np.unique(presence[:, useful], axis=1, return_index=True)
    useful = useful[np.sort(first)]
    cost = math.log(2 * len(useful)) + 1.0
    failed = table.failed[rows]
    found = []
    for mode, price in (("has any", cost), ("lacks any", cost + WORTH)):
        best = start
        for place in useful:
            marked = presence[:, place] == (mode == "has any")
            # Not worth a look: even if its failures were all its trials, it could not beat what there is.
            if int(failed[marked].sum()) * -math.log(base) - price <= best.score:
                continue
            mask = np.zeros_like(start.mask)
            mask[rows[marked]] = True
            condition = Phrases("question", cast("Mode", mode), (table.phrases[place],))
            candidate = _with_answer(table, _Candidate(0.0, (*start.conditions, condition), mask), price, base)
            if candidate.score > best.score:
                best = candidate
        if best is not start:
            found.append(_widen(table, start, best, useful, base) if mode == "has any" else best)
    return max(found, key=lambda candidate: candidate.score, default=start)


def _widen(table: Table, start: _Candidate, narrow: _Candidate, useful: NDArray[np.int64], base: float) -> _Candidate:
    """Return the rule with alternatives to its last phrase, as long as each is worth it."""
    place = len(start.conditions)
    best, price = narrow, math.log(2 * len(useful)) + 1.0
    while True:
        last = best.conditions[place]
        if not isinstance(last, Phrases) or last.mode != "has any" or len(last.phrases) == MAX_PHRASES:
            return best
        price += math.log(len(useful))
        wider = best
        covered = table.holds((last,))
        for phrase in (table.phrases[index] for index in useful):
            mask = start.mask & (covered | table.has(phrase))
            more = mask & ~covered
            # Alternatives must fail alike: a phrase that fails half as often is another matter.
            if 2 * table.failed[more].mean() < table.failed[best.mask].mean() if more.any() else True:
                continue
            condition = replace(last, phrases=(*last.phrases, phrase))
            candidate = _with_answer(table, _Candidate(0.0, (*start.conditions, condition), mask), price, base)
            if candidate.score > wider.score + WORTH:
                wider = candidate
        if wider is best:
            return best
        best = wider


def _with_answer(table: Table, start: _Candidate, cost: float, base: float) -> _Candidate:
    """Return the rule as it stands or with the best condition on the answer, whichever scores higher."""
    cost += 2.0 * sum(not isinstance(condition, Phrases) for condition in start.conditions)
    rows = np.flatnonzero(start.mask)
    size = len(table.answers)
    trials = np.bincount(table.answer[rows], minlength=size).astype(np.float64)
    failures = np.bincount(table.answer[rows], table.failed[rows], minlength=size).astype(np.float64)
    score = float(divergence(failures.sum(), trials.sum(), base)) - cost
    whole = _Candidate(score, start.conditions, start.mask)
    seen = np.flatnonzero(trials)
    if len(seen) < 2 or any(not isinstance(condition, Phrases) for condition in start.conditions):
        return whole
    gain, condition = max(
        _best_interval(table, seen, trials, failures, base),
        _best_subset(table, seen, trials, failures, base),
        key=lambda pair: pair[0],
    )
    if condition is None or gain - cost <= whole.score + WORTH:
        return whole
    mask = start.mask & table.holds((*condition,))
    return _Candidate(gain - cost, (*start.conditions, *condition), mask)


def _best_interval(
    table: Table, seen: NDArray[np.int64], trials: Counts, failures: Counts, base: float
) -> tuple[float, Conjunction | None]:
    numbers = seen[~np.isnan(table.numbers[seen])]  # ascending, as `answers` is
    count = len(numbers)
    if count < 3:
        return 0.0, None
    n = np.concatenate(([0.0], np.cumsum(trials[numbers])))
    k = np.concatenate(([0.0], np.cumsum(failures[numbers])))
    start, end = np.triu_indices(count)
    scores = divergence(k[end + 1] - k[start], n[end + 1] - n[start], base)
    one_sided = (start == 0) | (end == count - 1)
    scores = scores - np.where(one_sided, math.log(2 * count), math.log(count * count / 2))
    scores[(start == end) | ((start == 0) & (end == count - 1))] = -np.inf  # single values are `_best_subset`'s
    best = int(np.argmax(scores))
    first, last = int(start[best]), int(end[best])
    values = table.numbers[numbers]
    conditions: list[Condition] = []
    if first > 0:
        whole = all(value.is_integer() for value in values)
        conditions.append(Bound(">", float(values[first] - 1)) if whole else Bound(">=", float(values[first])))
    if last < count - 1:
        conditions.append(Bound("<=", float(values[last])))
    if len(conditions) == 2:
        conditions[0] = Bound(">=", float(values[first]))
    # Texts among the answers ("unanswerable") fall out of any bound, as they should.
    return float(scores[best]), tuple(conditions)


def _best_subset(
    table: Table, seen: NDArray[np.int64], trials: Counts, failures: Counts, base: float
) -> tuple[float, Conjunction | None]:
    """Return the best set of answers of one class, or the best set to leave out."""
    best: tuple[float, Conjunction | None] = (0.0, None)
    kinds = [table.classes[answer] for answer in seen]
    for kind in sorted(set(kinds)):
        members = np.array([answer for answer, other in zip(seen, kinds, strict=True) if other == kind])
        usable = members[failures[members] >= 2]
        order = usable[np.argsort(-_smoothed(usable, trials, failures, base), kind="stable")][:MAX_VALUES]
        best = max(best, _best_prefix(table, order, seen, trials, failures, base), key=lambda pair: pair[0])
    # Left out: the answers with the lowest rates, a common one such as "nothing" first.
    order = seen[np.argsort(_smoothed(seen, trials, failures, base), kind="stable")][:MAX_EXCLUDED]
    for size in range(1, min(len(order), len(seen) - 1) + 1):
        left = np.setdiff1d(seen, order[:size])
        if size >= len(left):
            break  # naming what stays is shorter
        gain = float(divergence(failures[left].sum(), trials[left].sum(), base))
        # "answer > 0" says more than "answer not in {0}": leaving out is for "nothing" and "unanswerable".
        numbers = int((~np.isnan(table.numbers[order[:size]])).sum())
        score = gain - _log_choose(len(seen), size) - 0.5 * size - numbers
        if score > best[0]:
            best = score, (Values(tuple(table.answers[i] for i in sorted(order[:size])), excluded=True),)
    return best


def _smoothed(answers: NDArray[np.int64], trials: Counts, failures: Counts, base: float) -> Counts:
    return (failures[answers] + base) / (trials[answers] + 1)


def _best_prefix(
    table: Table, order: NDArray[np.int64], seen: NDArray[np.int64], trials: Counts, failures: Counts, base: float
) -> tuple[float, Conjunction | None]:
    if not len(order):
        return 0.0, None
    gains = divergence(np.cumsum(failures[order]), np.cumsum(trials[order]), base)
    cost = np.array([_log_choose(len(seen), size) for size in range(1, len(order) + 1)])
    scores = gains - cost - 0.5 * np.arange(1, len(order) + 1)
    best = int(np.argmax(scores))
    if best + 1 == len(seen):
        return 0.0, None
    return float(scores[best]), (Values(tuple(table.answers[i] for i in sorted(order[: best + 1]))),)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
