"""Themes: what an auditor is asked to look at, so that diversity comes from the prompt and not from luck.

Success alone is won by asking one question for ever. A theme is a kind of failure that the audit itself has found so
far, as its own curation sees it; a wish is one request for more of it: words of a failed question and the answer that
the references agreed on there ("how many red answer 6"). Before a question is asked the auditor answers it itself: if
that answer is not of the theme, the image does not admit it, and the auditor passes. It may also write that it does.
Passes are counted, and shown as the auditor's yield; they are no trials, because nothing was asked.

Themes come from failures and consensus answers alone: no ground truth, no list of skills. The idea is ours; it is not
in arXiv 2512.16921, whose auditor is trained on success alone.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.records import UNANSWERABLE, Action, Judged, Probe, Seed
from auditdm_hub.statistics import wilson

HOPELESS, PARTIAL = 0.4, 0.05
"""A theme, an answer or a way to make it is given up once its failure rate is below the first, with 95% confidence.

Not so, as a theme, if it is above the second with the same confidence: a weakness may hang on what a theme cannot see.
"""
PASSED = "passed"
"""The fault of a trial that the auditor did not want to make."""
NO_PICTURE = "no new picture"
"""Why it did not: its caption or edit was well-formed and could not be carried out, or changed nothing."""


@dataclass(frozen=True, slots=True)
class Theme:
    """A kind of failure. `examples`: words of a failed question, and the consensus answer.

    `fits` says of a question whether it is of this kind, whatever its answer; `matches` also looks at the consensus.
    `successes` of `trials` judged trials that match had failed.
    """

    name: str
    examples: tuple[tuple[str, str], ...]
    fits: Callable[[str], bool]
    matches: Callable[[str, str], bool]
    successes: int
    trials: int

    def admits(self, question: str, answer: str | None) -> bool:
        """Whether a question would be of this kind if this answer were right; None = there is no answer.

        One that cannot be answered is of no kind.
        """
        said = normalise(answer or "")
        return said not in ("", UNANSWERABLE) and self.matches(question, said)

    def wish(self, rng: random.Random) -> str:
        """Draw a wish: words and an answer."""
        words, answer = rng.choice(self.examples)
        return f"{words} answer {answer}".strip()

    def change(self, rng: random.Random, seed: Seed, action: Action, sees: "Sees") -> str:
        """Draw a wish for a caption or an edit: an answer that the seed's question is to get.

        An edit is to change what the auditor `sees` now. "" = the question is of another kind, has no answer that could
        be changed, or there is no other answer.
        """
        seen = sees(seed) if action == "edit" else ""
        if not seed.question or seen == UNANSWERABLE or not self.fits(seed.question):
            return ""
        others = [answer for _, answer in self.examples if normalise(answer) != seen]
        return f"answer {rng.choice(others)}" if others else ""


Sees = Callable[[Seed], str]
"""What the untrained auditor answers to a seed's question, normalised; "" = it was not asked."""


def sees_nothing(seed: Seed) -> str:
    """Stand in for an auditor that cannot be asked."""
    del seed
    return ""


Propose = Callable[[Sequence[Judged]], Sequence[Theme]]
"""From all trials so far to themes, the same for the same trials."""


def theme_of(themes: Sequence[Theme], judged: Judged) -> str:
    """Return the name of the first theme that a trial matches, or ""."""
    question, consensus = judged.probe.question, judged.verdict.consensus
    return next((theme.name for theme in themes if theme.matches(question, consensus)), "")


def hopeless(failures: int, trials: int) -> bool:
    """Whether so many failures in so many trials show that more of them would be a waste."""
    return wilson(failures, trials)[1] < HOPELESS


def worthless(failures: int, trials: int) -> bool:
    """Whether so few failures are no sign of a weakness either that holds for a part of the images."""
    low, high = wilson(failures, trials)
    return high < HOPELESS and low < PARTIAL


def passed(probe: Probe) -> bool:
    """Whether the auditor was asked for a theme and made no trial of it; without a wish, "pass" is a fault."""
    return bool(probe.wish) and probe.fault.partition(":")[0] == PASSED


def no_picture(probe: Probe) -> bool:
    """Whether the auditor passed because what it wrote gave no new picture."""
    return probe.fault.startswith(f"{PASSED}: {NO_PICTURE}")
