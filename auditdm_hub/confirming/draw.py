"""Fresh items: questions on images that no search has seen, drawn by a predicate and never by a failure.

1. What can be asked about a type: the distinct questions of the audit's trials that satisfy its rule, failed or not,
   and whatever stands beside a fresh image.
2. Each image is asked one of them after another, in an order that depends on names alone, until one satisfies the rule.
   The rule reads the question and the consensus; what the target said, or whether it said anything, plays no part.
   An image gives one item.
3. Controls are drawn likewise on the same images: questions that satisfy the rule of no type, several for an image, so
   that one can be matched to an item by the class of its answer.

Questions that nobody can answer about an image, or on which the references disagree, are no items.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from auditdm_hub.curate.predicates import Phrases, Rule, holds
from auditdm_hub.records import Judged, Probe, Seed, content_id

AUDITOR = "confirm"
"""What stands in the place of an auditor in a fresh item."""
SCORED = ("failure", "agreement")
CHUNK = 64
"""Images that are asked together."""
AskAndVote = Callable[[Sequence[Probe]], Sequence[Judged]]
Fits = Callable[[Sequence[Judged]], Sequence[bool]]
"""Which of the exchanges are items."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is drawn: `count` items, at most `each` of an image, which is asked `tries` questions at most."""

    name: str
    questions: Sequence[str]
    fits: Fits
    may_fit: Callable[[str], bool]
    count: int
    tries: int
    each: int = 1


def questions_of(rule: Rule, judged: Iterable[Judged]) -> list[str]:
    """Return the distinct questions of scored trials that satisfy a rule."""
    return sorted(
        {
            folded(row.probe.question)
            for row in judged
            if row.verdict.outcome in SCORED
            and holds(rule, row.probe.question, row.verdict.consensus, row.probe.instruction)
        }
    )


def may_hold(rule: Rule, question: str) -> bool:
    """Whether a question could satisfy a rule, whatever is answered."""
    # A fresh image has no instruction.
    return any(all(one.holds(question, "", "") for one in every if isinstance(one, Phrases)) for every in rule)


def draw(
    wanted: Wanted, images: Mapping[str, Sequence[Seed]], ask_and_vote: AskAndVote, seed: int,
    progress: Callable[[int], None] | None = None,
) -> list[Judged]:  # fmt: skip
    """Return the items that were found, in the order in which their images were taken.

    Args:
        wanted: what.
        images: name of an image -> its seeds, which have the questions that stand beside it.
        ask_and_vote: returns one judged exchange for each probe, in order.
        seed: of the order.
        progress: is told how many items there are.
    """
    order = sorted(images, key=lambda sha: content_id(seed, wanted.name, sha))
    others = [question for question in wanted.questions if wanted.may_fit(question)]
    found: dict[str, list[Judged]] = defaultdict(list)
    count = 0
    for start in range(0, len(order), CHUNK):
        part = order[start : start + CHUNK]
        asking = {sha: _questions(wanted, images[sha], others, sha, seed) for sha in part}
        for turn in range(wanted.tries):
            open_ = [sha for sha in part if len(found[sha]) < wanted.each and turn < len(asking[sha])]
            if not open_:
                break
            rows = ask_and_vote([_probe(images[sha][0], asking[sha][turn], turn) for sha in open_])
            for row, fits in zip(rows, wanted.fits(rows), strict=True):
                if fits:
                    found[row.probe.image_sha].append(row)
                elif not any(answer is not None for answer in row.exchange.reference_answers.values()):
                    asking[row.probe.image_sha] = []  # nobody answers anything about it
        count = sum(map(len, found.values()))
        if progress:
            progress(min(count, wanted.count))
        if count >= wanted.count:
            break
    return [row for sha in order for row in found[sha]][: wanted.count]


def _questions(wanted: Wanted, seeds: Sequence[Seed], others: Sequence[str], sha: str, seed: int) -> list[str]:
    """Return what an image is asked: what stands beside it first, if it may fit, then others by lot."""
    own = [folded(each.question) for each in seeds if each.question and wanted.may_fit(folded(each.question))]
    rng = np.random.default_rng(int(content_id(seed, wanted.name, sha), 16))
    lots = [others[place] for place in rng.permutation(len(others))[: wanted.tries]]
    return list(dict.fromkeys([*own, *lots]))[: wanted.tries]


def _probe(seed: Seed, question: str, turn: int) -> Probe:
    return Probe(
        seed.id, AUDITOR, "question", turn, "", question, "auditor", seed.image_sha, "original", "", seed.image_sha
    )  # fmt: skip


def folded(question: str) -> str:
    """Return a question in one line, as an audit asks it."""
    return " ".join(question.split())
