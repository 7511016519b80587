"""Pay less for what was found before, so that an auditor does not ask one question for ever.

Search success alone is won by repeating the first question that works: in a trial of 500 steps plain GRPO reached
99.9% with two distinct questions. The paper has no term against it; this one is ours. A success is worth

    1 / duplicates x 1 / (1 + strength x share)

- duplicates: how many successes of its group (same image, same action) have the same words and the same contrast of
  answers, itself included (`duplicate_key`);
- share: which part of the latest successes is of its kind, in an archive that forgets by `decay` per step. A kind
  (`kind_of`) is the frame of the sentences: words of structure stay, words of content become a gap, so that
  "How many cups are there?" and "How many red cars are there?" are one kind. This needs no model, is the same on every
  machine, and knows nothing of the world that is audited; a better notion of kind is one function away.

All weights of a step are computed before the archive learns of it, so the order of rows does not matter.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence

from auditdm_hub.records import Judged

FRAME_WORDS = frozenset(
    """
    a an the this that these those it its there here they them each every any all both either neither none some other
    another same different is are was were be been do does did have has had can could will would should may
    what which who whose whom where when why how many much often long far old tall big
    and or not no nor but if than as so only also too very yes
    of in on at to from with without by for into onto out off up down over under above below between beside behind near
    next inside outside across through around along against left right top bottom middle center centre front back
    first second third last corner row column edge side
    more most less fewer fewest least larger largest smaller smallest bigger biggest taller tallest shorter shortest
    higher highest lower lowest longer longest closer closest further furthest equal
    color colour shape size pattern number amount sum total difference direction position location height width length
    name kind type material time hour digit letter word text count add subtract read compare tell see show shows shown
    look looks point points make makes made turn move remove replace change put place fill draw set swap rotate cover
    """.split()
)
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+")
FORGOTTEN = 1e-6


def frame(text: str) -> str:
    """Return the text's words of structure, "#" for numbers and "_" for each run of other words."""
    kept: list[str] = []
    for word in WORD.findall(text.lower()):
        shown = "#" if word.isdigit() else word if word in FRAME_WORDS else "_"
        if shown != "_" or not kept or kept[-1] != "_":
            kept.append(shown)
    return " ".join(kept)


def kind_of(judged: Judged) -> str:
    """Return the kind of a trial: its action, the frame of its question, and that of its caption or edit."""
    probe = judged.probe
    return " | ".join(filter(None, (probe.action, frame(probe.question), frame(probe.instruction))))


def duplicate_key(judged: Judged) -> Hashable:
    """Return what near duplicates share: the words, whatever their case and punctuation, and the two answers."""
    probe = judged.probe
    words = tuple(WORD.findall(f"{probe.question} {probe.instruction}".lower()))
    return words, judged.verdict.consensus, judged.exchange.target_answer


class Novelty:
    """The archive of kinds, and the weights that follow from it."""

    def __init__(
        self,
        kind: Callable[[Judged], str] = kind_of,
        duplicate: Callable[[Judged], Hashable] = duplicate_key,
        strength: float = 4.0,
        decay: float = 0.95,
    ) -> None:
        """Start with an empty archive.

        Args:
            kind: names the kind of a success.
            duplicate: equal for two successes of a group that are as good as one.
            strength: a kind that is all of the archive is paid 1 / (1 + strength).
            decay: what is left of the archive after a step, in (0, 1]; 0.95 remembers some 20 steps.
        """
        self._kind = kind
        self._duplicate = duplicate
        self._strength = strength
        self._decay = decay
        self._archive: dict[str, float] = {}

    def weights(self, successes: Sequence[Judged], groups: Sequence[Hashable]) -> list[float]:
        """Return the worth of each success in (0, 1]; `groups[i]` is the group that `successes[i]` is of."""
        keys = [(group, self._duplicate(judged)) for judged, group in zip(successes, groups, strict=True)]
        duplicates = Counter(keys)
        total = math.fsum(self._archive.values())
        shares = [self._archive.get(self._kind(judged), 0.0) / total if total else 0.0 for judged in successes]
        return [
            1 / duplicates[key] / (1 + self._strength * share) for key, share in zip(keys, shares, strict=True)
        ]  # fmt: skip

    def kinds(self, successes: Sequence[Judged]) -> list[str]:
        """Return the kind of each success."""
        return [self._kind(judged) for judged in successes]

    def learn(self, kinds: Sequence[str]) -> None:
        """Forget a little, then add the kinds of a step's successes (with several processes: those of all)."""
        self._archive = {kind: weight * self._decay for kind, weight in self._archive.items()}
        for kind, count in sorted(Counter(kinds).items()):
            self._archive[kind] = self._archive.get(kind, 0.0) + count
        self._archive = {kind: weight for kind, weight in self._archive.items() if weight > FORGOTTEN}

    @property
    def effective_kinds(self) -> float:
        """As many equally common kinds would be as diverse as the archive: exp of its entropy; 0 if it is empty."""
        total = math.fsum(self._archive.values())
        shares = [weight / total for weight in self._archive.values()]
        return math.exp(-math.fsum(share * math.log(share) for share in shares)) if shares else 0.0

    def state(self) -> dict[str, float]:
        """Return the archive, as JSON types; JSON keeps every bit of a float."""
        return dict(self._archive)

    def restore(self, state: Mapping[str, float]) -> None:
        """Take over an archive that `state` gave."""
        self._archive = dict(state)
