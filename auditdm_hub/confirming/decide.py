"""Which failure types are real: two tests of each on fresh items, and control of the false discoveries among all.

For every type, on items that satisfy its rule:

    p1  the target errs no more often than a model that had no vote; exact one-sided McNemar test. A consensus is never
        wrong against itself, so that a voter cannot be what the target is held against.
    p2  the target errs on the type by at most `margin` more than on matched controls; score test of paired shares
        (`auditdm_hub.statistics.margin`). A target that is weak everywhere has no failure type.
    p   = max(p1, p2): both must be refuted. Benjamini and Hochberg's q over all types that were proposed.

"confirmed" where q is at most the level, and the items are more than one question; "rejected" where the 95% interval of
either difference leaves no room for the type; else "suggestive", which a small number of items may be the reason of:
`power` says what so many could show.

Where no model stands aside, each family of references does in turn: the consensus is that of the others, and the
largest p counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from auditdm_hub.auditing.vote import vote
from auditdm_hub.confirming.draw import SCORED
from auditdm_hub.curate.language import answer_class, normalise
from auditdm_hub.curate.predicates import Rule, holds
from auditdm_hub.protocols import Judge
from auditdm_hub.records import Judged, TypeStatus, Verdict
from auditdm_hub.statistics import benjamini_hochberg, margin_above, margin_power, mcnemar_above, wilson
from auditdm_hub.statistics.paired import paired_difference

FEWEST, WORDINGS = 30, 2
"""Items from which on a type can be rejected; distinct questions from which on it is more than one of them."""
SUPPOSED = 0.3, 0.1
"""Error on a type and on its controls for which the power is given."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a type must pass: `level` of the false discoveries, `margin` above the controls."""

    level: float = 0.05
    margin: float = 0.1


@dataclass(frozen=True, slots=True)
class Panel:
    """Who voted: `families`, model id -> family; `aside`: the id of the model that had no vote, "" if all had one."""

    families: Mapping[str, str]
    aside: str
    judge: Judge


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
    """What fresh items say of one type. `questions`: how many distinct ones they have.

    `target` and `aside` err on its items, `controls` is the target's error on matched controls, of which some items may
    have none. `beyond_aside` and `beyond_controls` are the 95% intervals of the two differences. `power`: how often
    so many controls would refute p2 at an error of 30% against 10%, at the level shared by all types.
    """

    name: str
    status: TypeStatus
    questions: int
    target: Shares
    aside: Shares
    controls: Shares
    aside_model: str
    beyond_aside: tuple[float, float]
    beyond_controls: tuple[float, float]
    p_value: float
    q_value: float
    power: float


def decide(
    items: Mapping[str, Sequence[Judged]], controls: Sequence[Judged], rules: Mapping[str, Rule], panel: Panel,
    wanted: Rules,
) -> list[Finding]:  # fmt: skip
    """Return a finding for each type, in the order of `rules`.

    Args:
        items: name of a type -> what was drawn for it, at most one of an image.
        controls: what was drawn beside, on the same images.
        rules: name of a type -> its rule.
        panel: who voted.
        wanted: what a type must pass.

    Raises:
        ValueError: there is no model aside, and there are too few families for one of them to stand aside.
    """
    found = [_worst(name, items[name], controls, rules, panel, wanted) for name in rules]
    values = benjamini_hochberg([each.p_value for each in found])
    share = wanted.level / max(1, len(found))
    return [
        replace(
            each,
            q_value=q,
            status=_status(each, q, wanted),
            power=margin_power(each.controls.items, share, *SUPPOSED, wanted.margin),
        )
        for each, q in zip(found, values, strict=True)
    ]


def _status(found: Finding, q_value: float, wanted: Rules) -> TypeStatus:
    if q_value <= wanted.level:
        return "confirmed" if found.questions >= WORDINGS else "suggestive"
    none_beside = found.target.items >= FEWEST and found.beyond_aside[1] < 0
    none_above = found.controls.items >= FEWEST and found.beyond_controls[1] < wanted.margin
    return "rejected" if none_beside or none_above else "suggestive"


def _worst(
    name: str, items: Sequence[Judged], controls: Sequence[Judged], rules: Mapping[str, Rule], panel: Panel,
    wanted: Rules,
) -> Finding:  # fmt: skip
    """Return the finding with the largest p among those of the models that can stand aside."""
    if panel.aside:
        return _tested(name, items, controls, panel.aside, panel, wanted.margin)
    families = sorted(set(panel.families.values()))
    if len(families) < 3:
        raise ValueError(f"got {len(families)} families of references and no holdout, wanted three, or a holdout")
    found = []
    for family in families:
        voters = {model: of for model, of in panel.families.items() if of != family}
        aside = min(model for model, of in panel.families.items() if of == family)
        mine = [row for row in _again(items, voters, panel.judge) if _fits(row, [rules[name]])]
        others = [row for row in _again(controls, voters, panel.judge) if not _fits(row, rules.values())]
        found.append(_tested(name, mine, others, aside, panel, wanted.margin))
    return max(found, key=lambda each: each.p_value)


def _again(rows: Sequence[Judged], voters: Mapping[str, str], judge: Judge) -> list[Judged]:
    """Return the rows by the vote of some; those without a consensus of theirs are left out."""
    verdicts = vote([row.exchange for row in rows], judge, voters)
    return [
        Judged(row.exchange, verdict)
        for row, verdict in zip(rows, verdicts, strict=True)
        if verdict.outcome in SCORED
    ]  # fmt: skip


def _fits(row: Judged, rules: Iterable[Rule]) -> bool:
    return any(holds(rule, row.probe.question, row.verdict.consensus, row.probe.instruction) for rule in rules)


def _tested(
    name: str, items: Sequence[Judged], controls: Sequence[Judged], aside: str, panel: Panel, margin: float
) -> Finding:
    answered = [row for row in items if row.exchange.reference_answers.get(aside) is not None]
    target = [row.failed for row in answered]
    other = _errors(answered, aside, panel.judge)
    pairs = _matched(items, controls)
    typed, beside = [row.failed for row, _ in pairs], [row.failed for _, row in pairs]
    p_value = max(
        mcnemar_above(*_discordant(target, other)), margin_above(*_discordant(typed, beside), len(pairs), margin)
    )
    return Finding(
        name, "proposed", len({row.probe.question for row in items}),
        Shares.of([row.failed for row in items]), Shares.of(other), Shares.of(beside), aside,
        _difference(target, other), _difference(typed, beside), p_value, 1.0, 0.0,
    )  # fmt: skip


def _errors(rows: Sequence[Judged], model: str, judge: Judge) -> list[bool]:
    """Return whether a model's answers contradict the consensus; where the judge does not know, they do."""
    said = [row.exchange.reference_answers[model] or "" for row in rows]
    same = judge.same([row.probe.question for row in rows], said, [row.verdict.consensus for row in rows])
    return [not agrees for agrees in same]


def _matched(items: Sequence[Judged], controls: Sequence[Judged]) -> list[tuple[Judged, Judged]]:
    """Return each item that has a control with it: of its image, and if possible of its class of answer."""
    by_image: dict[str, list[Judged]] = {}
    for row in controls:
        by_image.setdefault(row.probe.image_sha, []).append(row)
    pairs = []
    for item in items:
        others = by_image.get(item.probe.image_sha, [])
        alike = [row for row in others if _class(row.verdict) == _class(item.verdict)]
        if others:
            pairs.append((item, (alike or others)[0]))
    return pairs


def _class(verdict: Verdict) -> str:
    return answer_class(normalise(verdict.consensus))


def _discordant(first: Sequence[bool], second: Sequence[bool]) -> tuple[int, int]:
    pairs = list(zip(first, second, strict=True))
    return sum(a and not b for a, b in pairs), sum(b and not a for a, b in pairs)


def _difference(first: Sequence[bool], second: Sequence[bool]) -> tuple[float, float]:
    """Return the 95% interval of how much more often the first erred."""
    if not first:
        return -1.0, 1.0
    found = paired_difference([float(each) for each in second], [float(each) for each in first])
    return found.low, found.high
