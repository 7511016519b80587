"""What failures are clustered on: the question, reweighted, beside the contrast of the answers.

1. Contrast c = embedding of "expected T but answered C", T the consensus, C the target's answer, and the class of T.
2. KL-words: cluster c into at most 30 classes; weight each word of the questions by
   KL(P(class | word) || P(class)), priors smoothed, so that nouns and places drop out without any label.
3. X = unit([weighted sum of the word embeddings, .5 c]).
A plain embedding of the question finds topics, not failure types; the image vector hurts (docs/curation.md).

`contrast_entropy` tells whether wrong answers are wrong in a way: H(C | T) of the failures, over the same after the
wrong answers were shuffled within their topic. Near 1 = as good as random.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auditdm_hub.curate.cluster import grow
from auditdm_hub.curate.embed import unit
from auditdm_hub.curate.language import ANSWER_CLASSES, answer_class, normalise, words
from auditdm_hub.protocols import Embedder
from auditdm_hub.records import Judged

CLASSES = 30
CONTRAST_WEIGHT = 0.5
SHUFFLES = 20


def contrasts(failures: Sequence[Judged], embedder: Embedder) -> NDArray[np.float32]:
    """Return one unit-length row per failure: the contrast's embedding and the answer's class, of shape (n, d + 7)."""
    texts = [
        f"expected {normalise(row.verdict.consensus)} but answered {normalise(row.exchange.target_answer or '')}"
        for row in failures
    ]
    kinds = np.zeros((len(failures), len(ANSWER_CLASSES)), np.float32)
    for index, row in enumerate(failures):
        kinds[index, ANSWER_CLASSES.index(answer_class(row.verdict.consensus))] = 1
    return unit(np.hstack([_embed(embedder, texts), kinds]))


def word_weights(questions: Sequence[str], classes: Sequence[int], smoothing: float = 1.0) -> dict[str, float]:
    """Return KL(P(class | word) || P(class)) of each word, in nats; rare words are drawn to 0 by the smoothing."""
    prior = Counter(classes)
    total = len(classes)
    seen: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for question, kind in zip(questions, classes, strict=True):
        for word in set(words(question)):
            seen[word][kind] += 1
    weights = {}
    for word, counts in seen.items():
        heard = counts.total() + smoothing
        divergence = 0.0
        for kind, share in prior.items():
            p = share / total
            q = (counts[kind] + smoothing * p) / heard
            divergence += q * math.log(q / p)
        weights[word] = max(0.0, divergence)
    return weights


def weighted_questions(questions: Sequence[str], weights: dict[str, float], embedder: Embedder) -> NDArray[np.float32]:
    """Return unit-length weighted sums of word embeddings, of shape (n, d)."""
    vocabulary = sorted(weights)
    vectors = _embed(embedder, vocabulary)
    places = {word: place for place, word in enumerate(vocabulary)}
    rows = np.zeros((len(questions), vectors.shape[1] if vocabulary else 1), np.float32)
    for index, question in enumerate(questions):
        for word in dict.fromkeys(words(question)):
            if word in places:
                rows[index] += weights[word] * vectors[places[word]]
    return unit(rows)


def failure_features(failures: Sequence[Judged], embedder: Embedder, seed: int = 0) -> NDArray[np.float32]:
    """Return X, one unit-length row per failure, of shape (n, 2 d + 7)."""
    contrast = contrasts(failures, embedder)
    questions = [row.probe.question for row in failures]
    classes = grow(contrast, seed).cut(CLASSES).tolist()
    asked = weighted_questions(questions, word_weights(questions, classes), embedder)
    return unit(np.hstack([asked, CONTRAST_WEIGHT * contrast]))


def contrast_entropy(failures: Sequence[Judged], topics: Sequence[int], seed: int = 0) -> float:
    """Return how random the wrong answers are: near 0 = one wrong answer per right one, 1 = as good as shuffled.

    Args:
        failures: failed exchanges.
        topics: the topic of each; answers are shuffled within topics, so that "5 for 4" does not become "red for 4".
        seed: of the shuffles.

    Yes-or-no questions say nothing here (the wrong answer is the other one) and are left out; 0 when none is left.
    """
    blocks: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    for row, topic in zip(failures, topics, strict=True):
        expected = normalise(row.verdict.consensus)
        if answer_class(expected) != "yes or no":
            blocks[topic].append((expected, normalise(row.exchange.target_answer or "")))
    kept = [pair for block in blocks.values() for pair in block]
    observed = _conditional_entropy(kept)
    if observed == 0:
        return 0.0
    rng = np.random.default_rng(seed)
    shuffled = []
    for _ in range(SHUFFLES):
        mixed = []
        for block in blocks.values():
            order = rng.permutation(len(block))
            pairs = [(expected, block[place][1]) for (expected, _), place in zip(block, order, strict=True)]
            mixed += [(expected, said) for expected, said in pairs if expected != said]
        shuffled.append(_conditional_entropy(mixed))
    return min(1.0, observed / max(observed, float(np.mean(shuffled))))


def _conditional_entropy(pairs: Sequence[tuple[str, str]]) -> float:
    given = Counter(expected for expected, _ in pairs)
    return -sum(count * math.log(count / given[pair[0]]) for pair, count in Counter(pairs).items()) / max(1, len(pairs))


def _embed(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Embed each distinct text once: failures repeat few contrasts and few words."""
    distinct = sorted(set(texts))
    if not distinct:
        return np.zeros((0, 1), np.float32)
    places = {text: place for place, text in enumerate(distinct)}
    return embedder.embed(distinct)[[places[text] for text in texts]]
