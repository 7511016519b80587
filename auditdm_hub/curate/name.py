"""Names types and states their predicates in words, as a person would.

1. Capability: the taxonomy's entry that claims most of the type's failed questions.
2. Qualifier: what the predicate adds to it ("more than four", "when the answer is purple", "of crosses"), phrased by
   the entry's template or appended.
3. No entry: the phrases that are frequent in the type and rare elsewhere (c-TF-IDF), and the qualifier.
"""

import math
from collections import Counter
from collections.abc import Sequence
from string import Template

from auditdm_hub.curate.describe import Finding
from auditdm_hub.curate.language import COLORS, NUMBER_WORDS, SIDES
from auditdm_hub.curate.predicates import Bound, Condition, Conjunction, IsClass, Phrases, Values
from auditdm_hub.curate.table import Table, phrases_of
from auditdm_hub.curate.topics import Capability, find_capability

MAX_NAMED = 4
"""A longer list of answers stays in the predicate and out of the name."""
WORD_OF = {value: word for word, value in NUMBER_WORDS.items() if int(value) <= 10}
ORDER = {word: place for place, word in enumerate("left right up down above below top bottom yes no".split())}
ADJECTIVES = COLORS | frozenset(
    "small large big tiny huge solid striped hollow dotted filled plain round open closed dark light bright".split()
)


def name_findings(table: Table, findings: Sequence[Finding], taxonomy: Sequence[Capability]) -> list[str]:
    """Return one name per finding; no two are equal."""
    entries = [find_capability(question, taxonomy) for question in table.questions]
    names: list[str] = []
    for finding in findings:
        name = _name(table, finding, entries, taxonomy)
        if name in names:
            name = f"{name}, in questions {_mentions(finding.context)}" if finding.context else name
        number = 2
        plain = name
        while name in names:
            name, number = f"{plain} ({number})", number + 1
        names.append(name)
    return names


def state(rule: Conjunction) -> str:
    """Return what a rule says, as a sentence."""
    questions = [f"{_verb(part)} {_quoted(part.phrases, _joint(part))}" for part in rule if isinstance(part, Phrases)]
    answers = [_answer_text(part) for part in rule if not isinstance(part, Phrases)]
    text = f"Questions that {' and that '.join(questions)}" if questions else "Questions"
    return f"{text}{' whose consensus answer is ' + ' and '.join(answers) if answers else ''}.".replace(
        "Questions.", "All questions."
    )


def _name(table: Table, finding: Finding, entries: Sequence[int | None], taxonomy: Sequence[Capability]) -> str:
    rows = (table.holds(finding.rule) & table.failed).nonzero()[0]
    claims = Counter(entries[table.question[row]] for row in rows)
    chosen, count = claims.most_common(1)[0] if claims else (None, 0)
    if finding.topic < 0:
        return _everywhere(finding.qualifiers)
    if chosen is None or 2 * count < len(rows):
        entry = Capability(phrase=f"questions on {_quoted(_typical_phrases(table, finding), ' and ')}", cues=())
    else:
        entry = taxonomy[chosen]
    return _qualify(entry, finding.qualifiers, table)


def _everywhere(qualifiers: Conjunction) -> str:
    """Return the name of a type that is bound to no topic."""
    parts = []
    for condition in qualifiers:
        match condition:
            case Values(values, excluded=False) if set(values) <= COLORS:
                parts.append(f"recognising {_listed(values, ' and ')}")
            case Phrases(mode="has any", phrases=phrases):
                parts.append(f"questions on {_listed([_things(phrase) for phrase in phrases], ' and ')}")
            case Phrases(phrases=phrases):
                parts.append(f"questions without {_quoted(phrases, ' and ')}")
            case _:
                parts.append(f"questions whose answer is {_answer_text(condition)}")
    return ", ".join(parts)


def _qualify(entry: Capability, qualifiers: Conjunction, table: Table) -> str:
    """Return the entry's phrase, narrowed by the qualifiers."""
    bounds = [condition for condition in qualifiers if isinstance(condition, Bound)]
    values = [condition for condition in qualifiers if isinstance(condition, (Values, IsClass))]
    phrases = [condition for condition in qualifiers if isinstance(condition, Phrases)]
    name, spent = entry.phrase, False
    if bounds:
        name, spent = _bounded(entry, bounds), True
    elif values and (text := _valued(entry, values[0])):
        name, spent = text, True
    for condition in phrases:
        if condition.mode != "has any":
            name += f", without {_quoted(condition.phrases, ' and ')}"
        elif entry.words and not spent:
            things = [_things(phrase) for phrase in condition.phrases]
            named = _listed(condition.phrases, " and ")
            name, spent = _fill(entry.words, words=named, things=_listed(things, " and ")), True
        else:
            name += f", in questions on {_listed([_things(phrase) for phrase in condition.phrases], ' or ')}"
    return name


def _bounded(entry: Capability, bounds: Sequence[Bound]) -> str:
    low = next((b.bound + (b.comparison == ">") for b in bounds if b.comparison in (">", ">=")), None)
    high = next((b.bound - (b.comparison == "<") for b in bounds if b.comparison in ("<", "<=")), None)
    if low is not None and high is not None:
        default = f"{entry.phrase} when the answer lies between $low and $high"
        return _fill(entry.between or default, low=_decimal(low), high=_decimal(high))
    if low is not None:
        return _fill(entry.above or f"{entry.phrase} when the answer is above $n", n=_word(low - 1))
    assert high is not None
    return _fill(entry.below or f"{entry.phrase} when the answer is below $n", n=_word(high + 1))


def _valued(entry: Capability, condition: Values | IsClass) -> str:
    if isinstance(condition, IsClass):
        return f"{entry.phrase} when the answer is {_answer_text(condition)}"
    if condition.excluded:
        return ""  # "all but nothing" is the rule's business, not the name's
    values = sorted(condition.values, key=lambda value: (ORDER.get(value, -1), condition.values.index(value)))
    if len(values) > MAX_NAMED:
        return ""
    template = entry.values if entry.values and "unanswerable" not in values else ""
    return _fill(
        template or f"{entry.phrase} when the answer is $either",
        values=_listed(values, " and "),
        either=_listed(values, " or "),
        s="s" if len(values) > 1 else "",
    )


def _typical_phrases(table: Table, finding: Finding) -> list[str]:
    """Return the two most typical phrases of the failed questions, by c-TF-IDF, neither in the other."""
    inside = (table.holds(finding.rule) & table.failed).nonzero()[0]
    counts = Counter(phrase for row in inside for phrase in phrases_of(table.questions[table.question[row]]))
    everywhere = {phrase: int(table.has(phrase).sum()) for phrase in counts}
    for part in finding.qualifiers:
        for phrase in part.phrases if isinstance(part, Phrases) else ():
            counts.pop(phrase, None)
    known = {phrase for part in finding.context if isinstance(part, Phrases) for phrase in part.phrases}
    ranked = sorted(
        counts,
        key=lambda phrase: (
            -counts[phrase] * math.log(1 + len(table.judged) / everywhere[phrase]) * (2 if phrase in known else 1),
            phrase,
        ),
    )
    chosen: list[str] = []
    for phrase in ranked:
        if len(chosen) < 2 and not any(phrase in other or other in phrase for other in chosen):
            chosen.append(phrase)
    return chosen


def _answer_text(condition: Condition) -> str:
    match condition:
        case Values(values, excluded):
            return ("neither " if len(values) > 1 else "not ") * excluded + _quoted(
                values, " nor " if excluded else " or "
            )
        case IsClass(kind):
            return {"yes or no": "yes or no", "text": "a text"}.get(kind, f"a {kind}")
        case Bound(comparison, bound):
            words = {">": "above", ">=": "at least", "<": "below", "<=": "at most"}
            return f"{words[comparison]} {_decimal(bound)}"
        case Phrases():
            raise ValueError(f"not a condition on the answer: {condition}")


def _verb(part: Phrases) -> str:
    verb = "do not mention" if part.mode == "lacks any" else "mention"
    return verb if part.field == "question" else f"come with an edit that {verb.replace('do not', 'does not')}s"


def _joint(part: Phrases) -> str:
    return " and " if part.mode == "has all" else " or "


def _mentions(context: Conjunction) -> str:
    return " and ".join(f"that {_verb(part)} {_quoted(part.phrases[:3], _joint(part))}" for part in context
                        if isinstance(part, Phrases) and part.mode != "lacks any")  # fmt: skip


def _things(word: str) -> str:
    """Return a plural of what a phrase names: "crosses", "red objects"."""
    last = word.split()[-1]
    if last in ADJECTIVES:
        return f"{word} objects"
    if len(word.split()) > 1 or not last.isalpha() or last in SIDES:
        return f'"{word}"'
    if last.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    return f"{word[:-1]}ies" if last.endswith("y") and last[-2:-1] not in "aeiou" else f"{word}s"


def _fill(template: str, **parts: str) -> str:
    return Template(template).substitute(parts)


def _quoted(parts: Sequence[str], joint: str) -> str:
    return _listed([f'"{part}"' for part in parts], joint)


def _listed(parts: Sequence[str], joint: str) -> str:
    return joint.join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


def _decimal(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _word(value: float) -> str:
    return WORD_OF.get(_decimal(value), _decimal(value))
