"""Drops trials that say again what another said: the same question on the same source image with the same answers.

Per block (source image), greedy star, the lowest id first: a trial is dropped when a kept one of its block
1. has the same target answer and the same consensus, normalised, and
2. asks the same: cosine of the question embeddings >= .8, and the same colours, numbers and sides are named in both
   (a static embedding puts "red circles" at .96 of "blue circles").
Question text alone must not decide: the same question on another image is another trial. Agreements are treated like
failures, so that the failure rate of what is kept is not biased.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditdm_hub.curate.language import COLORS, NUMBER_WORDS, SIDES, normalise, words
from auditdm_hub.records import Judged

THRESHOLD = 0.8


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Why a trial was dropped: it repeats the kept trial `of`."""

    of: str
    reason: str


@dataclass(frozen=True, slots=True)
class Deduplication:
    """`kept`: indices of the kept trials, in the order given; `dropped`: probe id -> what it repeats."""

    kept: tuple[int, ...]
    dropped: Mapping[str, Duplicate]


def deduplicate(
    judged: Sequence[Judged], questions: NDArray[np.float32], threshold: float = THRESHOLD
) -> Deduplication:
    """Return which trials to keep.

    Args:
        judged: trials with a consensus.
        questions: one unit-length row per trial, the embedding of its question.  # (n, d)
        threshold: the least cosine of two questions that ask the same.
    """
    if questions.shape[:1] != (len(judged),):
        raise ValueError(f"questions must have one row per trial ({len(judged)}), got shape {questions.shape}")
    blocks: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    ids = [row.probe.id for row in judged]
    for index in sorted(range(len(judged)), key=lambda i: ids[i]):
        blocks[_block(judged[index])].append(index)
    dropped: dict[str, Duplicate] = {}
    kept: list[int] = []
    for block in blocks.values():
        rows = questions[block]
        cosines = rows @ rows.T  # (block, block)
        stars: list[int] = []
        for place, index in enumerate(block):
            centre = next((star for star in stars if cosines[place, star] >= threshold), None)
            if centre is None:
                stars.append(place)
                kept.append(index)
            elif ids[index] != ids[block[centre]]:
                dropped[ids[index]] = _reason(judged[index], judged[block[centre]], float(cosines[place, centre]))
    return Deduplication(tuple(sorted(kept)), dropped)


def _block(row: Judged) -> tuple[object, ...]:
    """Return what two trials must share before their questions are compared."""
    named = frozenset(NUMBER_WORDS.get(word, word) for word in words(row.probe.question) if _is_named(word))
    return (
        row.probe.source_image_sha or row.probe.image_sha,
        normalise(row.exchange.target_answer or ""),
        normalise(row.verdict.consensus),
        named,
    )


def _is_named(word: str) -> bool:
    return word in COLORS or word in SIDES or word in NUMBER_WORDS or word.isdecimal()


def _reason(row: Judged, other: Judged, cosine: float) -> Duplicate:
    if row.probe.image_sha == other.probe.image_sha and words(row.probe.question) == words(other.probe.question):
        return Duplicate(other.probe.id, "exact: same image, question and answers")
    return Duplicate(other.probe.id, f"same source image and answers, questions alike (cosine {cosine:.2f})")
