"""Turns the rules that were found into as few and as plain ones as tell the same.

1. Generalise: a value or a phrase that fails wherever it comes up ("answer in {"purple"}") is freed from its topic.
2. Join fragments: two topics without a name in the taxonomy, or with the same one, whose failures show the same
   contrasts (the same wrong for the same right answers) are one type asked in two ways.
3. Drop what another explains: the worse of two rules whose failures overlap by a Jaccard index of `SAME` or more, or
   one whose failures lie almost wholly in the other's.
4. Simplify: leave out conditions that change nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

from auditdm_hub.curate.describe import MARGIN, Finding, divergence
from auditdm_hub.curate.language import normalise
from auditdm_hub.curate.predicates import Condition, Conjunction, Phrases, Values
from auditdm_hub.curate.table import Mask, Table
from auditdm_hub.statistics import wilson

SAME = 0.5
INSIDE = 0.8
ALIKE = 0.5
"""Least cosine of two histograms of (right, wrong) answers that are the same contrast."""
MIN_ELSEWHERE = 5
MAX_PHRASES = 10


def merge_findings(table: Table, findings: Sequence[Finding], base: float, named: int) -> list[Finding]:
    """Return the findings that stand for all, best first.

    Args:
        table: the judged exchanges.
        findings: what `find_rules` accepted.
        base: the failure rate of what no rule explains.
        named: topics below this number have a name in the taxonomy: two of them are never joined.
    """
    general = [_generalise(table, finding, findings, base) for finding in findings]
    joined = _join(table, _distinct(table, general), base, named)
    simple = [_simplify(table, finding) for finding in _distinct(table, joined)]
    return sorted(simple, key=lambda finding: -finding.score)


def score(table: Table, rule: Conjunction, base: float) -> float:
    """Return n KL(k / n || base) of a rule, in nats, without the cost of the search."""
    mask = table.holds(rule)
    return float(divergence(table.failed[mask].sum(), mask.sum(), base))


def _generalise(table: Table, finding: Finding, findings: Sequence[Finding], base: float) -> Finding:
    """Free a rule from its topic where its qualifiers fail elsewhere as well, for no other reason that was found."""
    if not finding.context or not any(_is_attribute(table, condition) for condition in finding.qualifiers):
        return finding
    inside = table.holds(finding.rule)
    elsewhere = table.holds(finding.qualifiers) & ~table.holds(finding.context)
    for other in findings:
        if other.qualifiers != finding.qualifiers:
            elsewhere &= ~table.holds(other.rule)
    trials, failures = int(elsewhere.sum()), int(table.failed[elsewhere].sum())
    if trials < MIN_ELSEWHERE or wilson(failures, trials).low <= base + MARGIN:
        return finding
    if failures / trials < 0.7 * float(table.failed[inside].mean()):
        return finding
    return replace(finding, topic=-1, context=(), score=score(table, finding.qualifiers, base))


def _is_attribute(table: Table, condition: Condition) -> bool:
    """Return whether a condition names a thing or a property, which mean the same in every topic."""
    if isinstance(condition, Phrases):
        return condition.mode == "has any"
    if not isinstance(condition, Values) or condition.excluded:
        return False
    kinds = {table.classes[table.answers.index(value)] for value in condition.values}
    return kinds <= {"color", "letter", "text"}


def _distinct(table: Table, findings: Sequence[Finding]) -> list[Finding]:
    kept: list[tuple[Finding, Mask]] = []
    for finding in sorted(findings, key=lambda finding: -finding.score):
        failures = table.holds(finding.rule) & table.failed
        if not any(_overlaps(failures, other) for _, other in kept):
            kept.append((finding, failures))
    return [finding for finding, _ in kept]


def _overlaps(mask: Mask, better: Mask) -> bool:
    both, either = int((mask & better).sum()), int((mask | better).sum())
    return both >= SAME * either or both >= INSIDE * int(mask.sum())


def _join(table: Table, findings: Sequence[Finding], base: float, named: int) -> list[Finding]:
    left = list(findings)
    first = 0
    while first < len(left):
        for second in range(first + 1, len(left)):
            if joined := _joined(table, left[first], left[second], base, named):
                left[first] = joined
                del left[second]
                break
        else:
            first += 1
    return left


def _joined(table: Table, one: Finding, other: Finding, base: float, named: int) -> Finding | None:
    """Return one rule for both, or None where they are two types or no plain rule says both."""
    if one.topic == other.topic or max(one.topic, other.topic) < named or not (one.context and other.context):
        return None
    if _likeness(_contrasts(table, one), _contrasts(table, other)) < ALIKE:
        return None
    context = _union(one.context, other.context)
    if context is None:
        return None
    options = dict.fromkeys((one.qualifiers, other.qualifiers))
    best = max(options, key=lambda qualifiers: score(table, context + qualifiers, base))
    total = score(table, context + best, base)
    apart = score(table, one.rule, base) + score(table, other.rule, base)
    if total < 0.9 * apart:
        return None
    return Finding(min(one.topic, other.topic), context, best, total)


def _union(one: Conjunction, other: Conjunction) -> Conjunction | None:
    """Return the description of two topics: any phrase of either, without what both lack."""
    parts: dict[str, list[tuple[str, ...]]] = {"has any": [], "lacks any": []}
    for condition in one + other:
        if not isinstance(condition, Phrases) or condition.mode not in parts:
            return None
        parts[condition.mode].append(condition.phrases)
    has = tuple(dict.fromkeys(phrase for phrases in parts["has any"] for phrase in phrases))
    if len(parts["has any"]) != 2 or len(has) > MAX_PHRASES:
        return None
    lacks = tuple(dict.fromkeys(p for phrases in parts["lacks any"] for p in phrases if p not in has))
    return (Phrases("question", "has any", has), *((Phrases("question", "lacks any", lacks),) if lacks else ()))


def _contrasts(table: Table, finding: Finding) -> Counter[tuple[str, str]]:
    rows = (table.holds(finding.rule) & table.failed).nonzero()[0]
    return Counter(
        (table.answers[table.answer[row]], normalise(table.judged[row].exchange.target_answer or "")) for row in rows
    )


def _likeness(one: Counter[tuple[str, str]], other: Counter[tuple[str, str]]) -> float:
    product = sum(count * other[pair] for pair, count in one.items())
    lengths = [sqrt(sum(count * count for count in counts.values())) for counts in (one, other)]
    return product / max(1e-9, lengths[0] * lengths[1])


def _simplify(table: Table, finding: Finding) -> Finding:
    """Leave out "has any" where a qualifier implies it, and what "lacks any" need not exclude."""
    asked = [part for part in finding.qualifiers if isinstance(part, Phrases) and part.mode == "has any"]
    implied = {phrase for part in asked for phrase in part.phrases}
    context: list[Condition] = []
    for condition in finding.context:
        if isinstance(condition, Phrases) and condition.mode == "has any" and implied & set(condition.phrases):
            continue
        context.append(condition)
    plain = replace(finding, context=tuple(context))
    for place, condition in reversed(list(enumerate(plain.context))):
        if isinstance(condition, Phrases) and condition.mode == "lacks any":
            plain = _with_fewer(table, plain, place, condition)
    return plain


def _with_fewer(table: Table, finding: Finding, place: int, condition: Phrases) -> Finding:
    """Leave out the phrases of a "lacks any" without which the same trials satisfy the rule."""
    wanted = table.holds(finding.rule)
    for phrase in condition.phrases:
        fewer = tuple(other for other in condition.phrases if other != phrase)
        parts = list(finding.context)
        parts[place : place + 1] = [replace(condition, phrases=fewer)] if fewer else []
        trial = replace(finding, context=tuple(parts))
        if (table.holds(trial.rule) == wanted).all():
            finding, condition = trial, replace(condition, phrases=fewer)
            if not fewer:
                break
    return finding
