"""The judged exchanges as arrays: which phrases each question has, which answer was the consensus, what failed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from auditdm_hub.curate.language import AnswerClass, answer_class, normalise, number, words
from auditdm_hub.curate.predicates import Bound, Condition, Conjunction, IsClass, Phrases, Values, contains
from auditdm_hub.records import Judged

Mask = NDArray[np.bool_]

MIN_TRIALS = 4
MAX_PHRASES = 2000
MAX_WORDS = 3
# Words that say nothing of a skill by themselves; a phrase neither starts nor ends with one.
FUNCTION_WORDS = frozenset(
    "a an the is are was were be of in on at to by for from with there here it its this that these those and or do "
    "does did you see can could will would what which who whom please have has i we they he she than as s me my your "
    "show shown image picture photo tell name describe give say find".split()
)


@dataclass(frozen=True)
class Table:
    """`n` trials with a consensus; every array has one entry per trial, but `presence`, which has one per question."""

    judged: tuple[Judged, ...]
    failed: Mask  # (n,)
    question: NDArray[np.int64]  # (n,) index into `questions`
    questions: tuple[str, ...]  # distinct, as folded words
    phrases: tuple[str, ...]  # (m,)
    presence: Mask  # (questions, m)
    answer: NDArray[np.int64]  # (n,) index into `answers`
    answers: tuple[str, ...]  # distinct and normalised: numbers by value, then texts by alphabet

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """The value of each distinct answer; NaN for a text."""
        values = (number(answer) for answer in self.answers)
        return np.array([np.nan if value is None else value for value in values], np.float64)

    @cached_property
    def classes(self) -> tuple[AnswerClass, ...]:
        """The class of each distinct answer."""
        return tuple(answer_class(answer) for answer in self.answers)

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each phrase is in `phrases`."""
        return {phrase: place for place, phrase in enumerate(self.phrases)}

    def has(self, phrase: str) -> Mask:
        """Return which trials' questions have the phrase."""
        place = self.places.get(" ".join(words(phrase)))
        if place is not None:
            return np.asarray(self.presence[self.question, place])
        wanted = words(phrase)
        found = np.array([contains(question.split(), wanted) for question in self.questions], bool)
        return found[self.question]

    def holds(self, rule: Conjunction) -> Mask:
        """Return which trials satisfy the rule; the same as asking each condition, for all trials at once."""
        mask = np.ones(len(self.judged), bool)
        for condition in rule:
            mask &= self._holds(condition)
        return mask

    def _holds(self, condition: Condition) -> Mask:
        if isinstance(condition, Phrases) and condition.field == "question":
            found = np.array([self.has(phrase) for phrase in condition.phrases])
            if condition.mode == "has all":
                return np.asarray(found.all(axis=0))
            return np.asarray(found.any(axis=0) == (condition.mode == "has any"))
        if isinstance(condition, (Values, IsClass, Bound)):
            return np.array([condition.holds("", answer, "") for answer in self.answers], bool)[self.answer]
        return np.array([condition.holds("", "", row.probe.instruction) for row in self.judged], bool)


def tabulate(judged: Sequence[Judged]) -> Table:
    """Return the table of the exchanges, each a failure or an agreement."""
    texts = [" ".join(words(row.probe.question)) for row in judged]
    questions = sorted(set(texts))
    places = {text: place for place, text in enumerate(questions)}
    question = np.array([places[text] for text in texts], np.int64)
    answers = sorted({normalise(row.verdict.consensus) for row in judged}, key=_order)
    ranks = {answer: rank for rank, answer in enumerate(answers)}
    phrases, presence = _phrases(questions, np.bincount(question, minlength=len(questions)))
    return Table(
        judged=tuple(judged),
        failed=np.array([row.failed for row in judged], bool),
        question=question,
        questions=tuple(questions),
        phrases=phrases,
        presence=presence,
        answer=np.array([ranks[normalise(row.verdict.consensus)] for row in judged], np.int64),
        answers=tuple(answers),
    )


def phrases_of(text: str) -> set[str]:
    """Return the phrases of a folded text: up to `MAX_WORDS` words, the first and the last not function words."""
    parts = text.split()
    return {
        " ".join(parts[start:end])
        for start in range(len(parts))
        for end in range(start + 1, min(start + MAX_WORDS, len(parts)) + 1)
        if parts[start] not in FUNCTION_WORDS and parts[end - 1] not in FUNCTION_WORDS
    }


def _phrases(questions: Sequence[str], trials: NDArray[np.int64]) -> tuple[tuple[str, ...], Mask]:
    found = [phrases_of(text) for text in questions]
    heard: Counter[str] = Counter()
    for phrases, count in zip(found, trials.tolist(), strict=True):
        for phrase in phrases:
            heard[phrase] += count
    kept = sorted((phrase for phrase, count in heard.items() if count >= MIN_TRIALS), key=lambda p: (-heard[p], p))
    kept = kept[:MAX_PHRASES]
    places = {phrase: place for place, phrase in enumerate(kept)}
    presence = np.zeros((len(questions), len(kept)), bool)
    for row, phrases in enumerate(found):
        presence[row, [places[phrase] for phrase in phrases if phrase in places]] = True
    return tuple(kept), presence


def _order(answer: str) -> tuple[bool, float, str]:
    value = number(answer)
    return (value is None, value or 0.0, answer)
