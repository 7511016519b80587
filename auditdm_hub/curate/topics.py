"""What each question is about: the groups within which failure types are searched.

A rule that is searched over everything joins unlike gaps ("answer > 4" on counts, dice and clocks alike), so questions
are first parted into topics:
1. by the taxonomy: the first entry with a cue in the question;
2. what no entry claims, by clustering: words weighted by how well they predict the answer (KL-words), average linkage.
Each topic is then described by a few phrases that most of its questions have and few others have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from auditdm_hub.curate.cluster import grow
from auditdm_hub.curate.embed import unit
from auditdm_hub.curate.features import weighted_questions, word_weights
from auditdm_hub.curate.language import words
from auditdm_hub.curate.predicates import Conjunction, Phrases, contains
from auditdm_hub.curate.table import Mask, Table
from auditdm_hub.protocols import Embedder

TAXONOMY = Path(__file__).with_name("taxonomy.yaml")
UNLIKE = 0.45
"""Average cosine distance at which clusters of questions stay apart."""
LEAST_SCORE = 0.5
PHRASE_COST = 0.01
"""What a phrase more must add to the F1 of a description."""


@dataclass(frozen=True, slots=True)
class Capability:
    """An entry of the taxonomy. The templates, where given, phrase a narrower type; see taxonomy.yaml."""

    phrase: str
    cues: tuple[str, ...]
    above: str = ""
    below: str = ""
    between: str = ""
    values: str = ""
    words: str = ""

    def claims(self, question: Sequence[str]) -> bool:
        """Return whether a cue is in the folded words of a question."""
        return any(all(contains(question, part) for part in _parts(cue)) for cue in self.cues)


@cache
def _parts(cue: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of each part of a cue."""
    return tuple(tuple(words(part)) for part in cue.split(" & "))


@lru_cache(maxsize=1)
def load_taxonomy() -> tuple[Capability, ...]:
    """Return the shipped taxonomy, the specific entries first."""
    entries = yaml.safe_load(TAXONOMY.read_text(encoding="utf-8"))
    return tuple(Capability(**{**entry, "cues": tuple(entry["cues"])}) for entry in entries)


def find_capability(text: str, taxonomy: Sequence[Capability]) -> int | None:
    """Return the index of the first entry that claims the question."""
    folded = words(text)
    return next((index for index, entry in enumerate(taxonomy) if entry.claims(folded)), None)


def find_topics(table: Table, embedder: Embedder, taxonomy: Sequence[Capability], seed: int = 0) -> NDArray[np.int64]:
    """Return the topic of each trial: an index into the taxonomy, or a number beyond its end."""
    claimed = [find_capability(text, taxonomy) for text in table.questions]
    topics = np.array([-1 if index is None else index for index in claimed], np.int64)
    free = np.flatnonzero(topics < 0)
    if len(free):
        topics[free] = len(taxonomy) + _cluster(table, free, embedder, seed)
    return topics[table.question]


def describe_topic(table: Table, inside: Mask, entry: Capability | None = None) -> Conjunction | None:
    """Return phrases that tell the topic's questions from the others, or None where there are none.

    Greedy: "has any" of the phrases that cover most of the topic and little else, then "lacks any" of what the others
    still have. Tried strictly (a trial of the others outweighs three of the topic), then loosely; the best F1 stands.
    Words among the cues of the topic's `entry` win where others do as well: "many", not "behind".
    """
    trials = np.bincount(table.question, minlength=len(table.questions)).astype(np.float64)
    member = np.zeros(len(table.questions), bool)
    member[table.question[inside]] = True
    good, bad = np.where(member, trials, 0), np.where(member, 0, trials)
    known = {word for cue in (entry.cues if entry else ()) for word in words(cue)}
    liking = np.array([1.1 if set(phrase.split()) <= known else 1.0 for phrase in table.phrases])
    best: tuple[float, Conjunction | None] = (LEAST_SCORE, None)
    for cost in (3.0, 0.3, 0.03):
        rule: list[Phrases] = []
        chosen, covered = _cover(table, good, bad, liking, cost=cost, most=8)
        if chosen:
            rule.append(Phrases("question", "has any", tuple(chosen)))
            rest = np.where(covered, bad, 0), np.where(covered, good, 0)
            lacking, removed = _cover(table, *rest, np.ones_like(liking), cost=5.0, most=6)
            if lacking:
                rule.append(Phrases("question", "lacks any", tuple(lacking)))
                covered &= ~removed
        score = 2 * float(good[covered].sum()) / max(1.0, float((good + bad)[covered].sum() + good.sum()))
        score -= PHRASE_COST * sum(len(part.phrases) for part in rule)
        if rule and score > best[0]:
            best = (score, tuple(rule))
    return best[1]


def _cover(
    table: Table,
    good: NDArray[np.float64],
    bad: NDArray[np.float64],
    liking: NDArray[np.float64],
    cost: float,
    most: int,
) -> tuple[list[str], Mask]:
    """Choose phrases that cover much good and little bad weight of the questions."""
    covered = np.zeros(len(table.questions), bool)
    chosen: list[str] = []
    least = max(2.0, 0.02 * float(good.sum()))
    lengths = np.array([len(phrase.split()) for phrase in table.phrases], np.float64)
    while len(chosen) < most and len(table.phrases):
        weight = np.where(covered, 0, good - cost * bad)
        gains = liking * (weight @ table.presence) - 0.01 * lengths
        best = int(np.argmax(gains))
        if gains[best] < least:
            break
        chosen.append(table.phrases[best])
        covered |= table.presence[:, best]
    return chosen, covered


def _cluster(table: Table, free: NDArray[np.int64], embedder: Embedder, seed: int) -> NDArray[np.int64]:
    """Return a cluster for each of the distinct questions `free`."""
    place = np.full(len(table.questions), -1)
    place[free] = np.arange(len(free))
    rows = np.flatnonzero(place[table.question] >= 0)
    kinds = table.answer[rows]
    texts = [table.questions[index] for index in table.question[rows]]
    weights = word_weights(texts, kinds.tolist(), smoothing=5.0)
    asked = weighted_questions([table.questions[index] for index in free], weights, embedder)
    return grow(unit(asked), seed).cut_at(UNLIKE)
