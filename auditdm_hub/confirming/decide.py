"""Which failure types are real: two tests of each on fresh items, and control of the false discoveries among all.

For every type, on items that satisfy its rule:

    p1  the target errs no more often than a model that had no vote; exact one-sided McNemar test. A consensus is never
        wrong against itself, so that a voter cannot be what the target is held against.
    p2  the target errs on the type by at most `margin` more than on matched controls; score test of paired shares
        (`auditdm_hub.statistics.margin`). A target that is weak everywhere has no failure type.
    p   = max(p1, p2), of all items and of those that are left without the most frequent wording: a type is more than
        one question, and items of one wording may fail together. Benjamini and Hochberg's q over all proposed types.

"confirmed" where q is at most the level; "rejected" where the 95% interval of either difference leaves no room for the
type; else "suggestive", which a small number of items may be the reason of: `power` says what so many could show.

Where no model stands aside, each family of references does in turn: the consensus is that of the others, and the
largest p counts. An answer that was not got, or not judged, is left out of the tests that want it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from auditdm_hub.confirming.jury import Jury, satisfies
from auditdm_hub.curate.language import answer_class, normalise, words
from auditdm_hub.curate.predicates import Rule
from auditdm_hub.records import Judged, TypeStatus
from auditdm_hub.statistics import benjamini_hochberg, margin_above, margin_power, mcnemar_above, wilson
from auditdm_hub.statistics.paired import paired_difference

FEWEST = 30
"""Items from which on a type can be rejected."""
SUPPOSED = 0.3, 0.1
"""Error on a type and on its controls for which the power is given."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a type must pass: `level` of the false discoveries, `margin` above the controls."""

    level: float = 0.05
    margin: float = 0.1


@dataclass(frozen=True, slots=True)
class Shares:
    """How often one erred: `wrong` of `items`, `rate` with its 95% interval in [0, 1]."""

    wrong: int
    items: int
    rate: float
    low: float
    high: float

    @classmethod
    def of(cls, errors: Sequence[bool]) -> "Shares":
        """Count errors."""
        wrong, items = sum(errors), len(errors)
        low, high = wilson(wrong, items)
        return cls(wrong, items, wrong / items if items else 0.0, low, high)


@dataclass(frozen=True, slots=True)
class Finding:
    """What fresh items say of one type. `questions`: how many wordings they have; `missing`: answers of the target.

    `target` and `aside` err on its items, `controls` is the target's error on matched controls, of which some items may
    have none. `beyond_aside` and `beyond_controls` are the 95% intervals of the two differences. `power`: how often
    `decisive` controls would refute p2 at an error of 30% against 10%, at the level shared by all types.
    """

    name: str
    status: TypeStatus
    questions: int
    missing: int
    target: Shares
    aside: Shares
    controls: Shares
    aside_model: str
    beyond_aside: tuple[float, float]
    beyond_controls: tuple[float, float]
    p_value: float
    q_value: float
    power: float
    decisive: int
    """How many controls there are for the items without the most frequent wording."""


def decide(
    items: Mapping[str, Sequence[Judged]], controls: Sequence[Judged], rules: Mapping[str, Rule],
    ways: Sequence[Jury], wanted: Rules,
) -> list[Finding]:  # fmt: skip
    """Return a finding for each type, in the order of `rules`.

    Args:
        items: name of a type -> what was drawn for it, at most one of an image.
        controls: what was drawn beside, on the same images.
        rules: name of a type -> its rule.
        ways: who votes and who stands aside; of several the one with the largest p counts.
        wanted: what a type must pass.
    """
    every = [[_tested(name, items[name], controls, rules, jury, wanted.margin) for jury in ways] for name in rules]
    found = [max(each, key=lambda one: (one.p_value, one.target.items)) for each in every]
    values = benjamini_hochberg([each.p_value for each in found])
    share = wanted.level / max(1, len(found))
    return [
        replace(
            each,
            q_value=q,
            status=_status(theirs, q, wanted),
            power=margin_power(each.decisive, share, *SUPPOSED, wanted.margin),
        )
        for each, theirs, q in zip(found, every, values, strict=True)
    ]


def _status(found: Sequence[Finding], q_value: float, wanted: Rules) -> TypeStatus:
    """Return the status by what each way to vote found: rejected is what none of them leaves room for."""
    if q_value <= wanted.level:
        return "confirmed"
    none_beside = (each.aside.items >= FEWEST and each.beyond_aside[1] < 0 for each in found)
    none_above = (each.controls.items >= FEWEST and each.beyond_controls[1] < wanted.margin for each in found)
    return "rejected" if all(a or b for a, b in zip(none_beside, none_above, strict=True)) else "suggestive"


@dataclass(frozen=True, slots=True)
class _Item:
    """Whether target and model aside err on an item, and the target on its control; None = it is not known."""

    wording: str
    target: bool | None
    aside: bool | None
    control: bool | None


def _tested(
    name: str, items: Sequence[Judged], controls: Sequence[Judged], rules: Mapping[str, Rule], jury: Jury,
    margin: float,
) -> Finding:  # fmt: skip
    tested = _items(items, rules[name], controls, rules, jury)
    counts = Counter(each.wording for each in tested)
    most = max(counts, key=lambda wording: (counts[wording], wording), default="")
    others = [each for each in tested if each.wording != most]
    beside, above = _beside(tested), _above(tested)
    return Finding(
        name, "proposed", len(counts), sum(each.target is None for each in tested),
        Shares.of([each.target for each in tested if each.target is not None]),
        Shares.of([aside for _, aside in beside]), Shares.of([control for _, control in above]), jury.aside,
        _difference(beside), _difference(above), max(_p_value(tested, margin), _p_value(others, margin)), 1.0, 0.0,
        len(_above(others)),
    )  # fmt: skip


def _items(
    items: Sequence[Judged], rule: Rule, controls: Sequence[Judged], rules: Mapping[str, Rule], jury: Jury
) -> list[_Item]:
    """Return what is known of the items that a jury agrees on, each with a control of its image if there is one."""
    own = [(row, said) for row, said in zip(items, jury.agree(items), strict=True) if satisfies(rule, row, said)]
    beside = [
        (row, said)
        for row, said in zip(controls, jury.agree(controls), strict=True)
        if said is not None and not any(satisfies(each, row, said) for each in rules.values())
    ]
    rows, said = [row for row, _ in own], [each or "" for _, each in own]
    target = jury.wrong(rows, [row.exchange.target_answer for row in rows], said)
    aside = jury.wrong(rows, [row.exchange.reference_answers.get(jury.aside) for row in rows], said)
    others, told = [row for row, _ in beside], [each or "" for _, each in beside]
    known = jury.wrong(others, [row.exchange.target_answer for row in others], told)
    by_image: dict[str, list[tuple[str, bool]]] = {}
    for row, answer, wrong in zip(others, told, known, strict=True):
        if wrong is not None:
            by_image.setdefault(row.probe.image_sha, []).append((_class(answer), wrong))
    return [
        _Item(_wording(row.probe.question), one, two, _control(by_image.get(row.probe.image_sha, []), _class(answer)))
        for row, answer, one, two in zip(rows, said, target, aside, strict=True)
    ]


def _control(found: Sequence[tuple[str, bool]], kind: str) -> bool | None:
    """Return whether the target erred on a control: if possible one of that class of answer."""
    alike = [wrong for other, wrong in found if other == kind]
    return next(iter([*alike, *(wrong for _, wrong in found)]), None)


def _p_value(items: Sequence[_Item], margin: float) -> float:
    beside, above = _beside(items), _above(items)
    return max(mcnemar_above(*_discordant(beside)), margin_above(*_discordant(above), len(above), margin))


def _beside(items: Sequence[_Item]) -> list[tuple[bool, bool]]:
    return [(each.target, each.aside) for each in items if each.target is not None and each.aside is not None]


def _above(items: Sequence[_Item]) -> list[tuple[bool, bool]]:
    return [(each.target, each.control) for each in items if each.target is not None and each.control is not None]


def _class(answer: str) -> str:
    return answer_class(normalise(answer))


def _wording(question: str) -> str:
    return " ".join(words(question))


def _discordant(pairs: Sequence[tuple[bool, bool]]) -> tuple[int, int]:
    return sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)


def _difference(pairs: Sequence[tuple[bool, bool]]) -> tuple[float, float]:
    """Return the 95% interval of how much more often the first erred."""
    if not pairs:
        return -1.0, 1.0
    found = paired_difference([float(b) for _, b in pairs], [float(a) for a, _ in pairs])
    return found.low, found.high
