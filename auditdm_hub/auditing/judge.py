"""Judges: do two answers to a question mean the same? The signal s(Q*, I*) of the paper is a vote over their replies.

- `VQAJudge` compares normal spellings; exact, fast, the default.
- `EmbeddingJudge` also accepts other words for the same ("sofa", "couch"), but never another number or polarity.
- `VLMJudge` asks a model wherever the spellings differ, as the paper does; its reply must be yes or no, anything else
  is a fault (`None`), never a verdict. It gets as many at a time as any model, and a batch that fails is no verdict.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from auditdm_hub.auditing.ask import CHUNK
from auditdm_hub.auditing.normalise import normalise, number
from auditdm_hub.errors import FAULTS, ModelError
from auditdm_hub.protocols import Embedder, Judge, VisionLanguageModel
from auditdm_hub.records import UNANSWERABLE

THRESHOLD = 0.75
# Answers that no likeness of words may merge with anything else.
EXACT = frozenset({"yes", "no", UNANSWERABLE, ""})
PROMPT = (
    'Question: {question} First answer: "{a}". Second answer: "{b}". '
    "Do the two answers mean the same? Reply with yes or no only."
)
# A model that wants an image with every question gets this one.
BLANK_SIDE = 64

Pair = tuple[str, str, str]
"""Question and two normalised answers in order of the alphabet, since meaning the same is symmetric."""


class VQAJudge:
    """Two answers are the same if their normal spellings are."""

    id = "vqa"

    def same(self, questions: Sequence[str], a: Sequence[str], b: Sequence[str]) -> list[bool]:
        """Compare `a[i]` with `b[i]`."""
        return [x == y for _, x, y in _pairs(questions, a, b)]


class EmbeddingJudge:
    """Two answers are the same if their spellings are, or if the embeddings of what differs are near.

    Shared words are left out: "red circle" and "blue circle" are near as wholes, "red" and "blue" are not.
    """

    def __init__(self, embedder: Embedder, threshold: float = THRESHOLD) -> None:
        """Bind an embedder; `threshold` is the least cosine of two answers that mean the same."""
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold must be a cosine in (0, 1], got {threshold}")
        self._embedder = embedder
        self._threshold = threshold
        self.id = f"embedding {embedder.id} {threshold:g}"

    def same(self, questions: Sequence[str], a: Sequence[str], b: Sequence[str]) -> list[bool]:
        """Compare `a[i]` with `b[i]`."""
        pairs = _pairs(questions, a, b)
        rests = {(x, y): _rests(x, y) for _, x, y in pairs if x != y and not _exact(x, y)}
        texts = sorted({text for rest in rests.values() for text in rest})
        rows = dict(zip(texts, self._embedder.embed(texts), strict=True)) if texts else {}
        near = {pair: float(np.dot(rows[x], rows[y])) >= self._threshold for pair, (x, y) in rests.items()}
        return [x == y or near.get((x, y), False) for _, x, y in pairs]


class VLMJudge:
    """Asks a model whether two answers mean the same, once for each distinct pair whose spellings differ."""

    def __init__(self, model: VisionLanguageModel) -> None:
        """Bind a model that follows instructions."""
        self._model = model
        self.id = f"model {model.id}"

    def same(self, questions: Sequence[str], a: Sequence[str], b: Sequence[str]) -> list[bool | None]:
        """Compare `a[i]` with `b[i]`; `None` = the model gave no answer, or neither yes nor no."""
        pairs = _pairs(questions, a, b)
        open_pairs = sorted({pair for pair in pairs if pair[1] != pair[2] and not _plainly_differ(pair[1], pair[2])})
        replies: dict[Pair, bool | None] = {}
        if open_pairs:
            blank = Image.new("RGB", (BLANK_SIDE, BLANK_SIDE), "white")
            prompts = [PROMPT.format(question=question, a=x, b=y) for question, x, y in open_pairs]
            answers = [said for start in range(0, len(prompts), CHUNK)
                       for said in self._replies(blank, prompts[start : start + CHUNK])]  # fmt: skip
            replies = dict(zip(open_pairs, map(_yes_or_no, answers), strict=True))
        return [pair[1] == pair[2] or replies.get(pair, False) for pair in pairs]

    def _replies(self, blank: Image.Image, prompts: Sequence[str]) -> list[str | None]:
        try:
            return self._model.answer([blank] * len(prompts), prompts)
        except FAULTS:
            return [None] * len(prompts)


def load_judge(
    name: str,
    *,
    embedder: Embedder | None = None,
    model: VisionLanguageModel | None = None,
    threshold: float = THRESHOLD,
) -> Judge:
    """Return the judge of that name.

    Args:
        name: "vqa", "embedding", or any other name for a model that is asked.
        embedder: for "embedding".
        model: the loaded model of that other name.
        threshold: for "embedding".

    Raises:
        ModelError: what the judge needs was not given.
    """
    if name == "vqa":
        return VQAJudge()
    if name == "embedding":
        if embedder is None:
            raise ModelError("the judge `embedding` needs an embedder, got none: name one with --embedder")
        return EmbeddingJudge(embedder, threshold)
    if model is None:
        raise ModelError(f"got judge {name!r}, wanted vqa, embedding, or the name of a model that can be loaded")
    return VLMJudge(model)


def _pairs(questions: Sequence[str], a: Sequence[str], b: Sequence[str]) -> list[Pair]:
    pairs = []
    for question, x, y in zip(questions, a, b, strict=True):
        first, second = sorted((normalise(x), normalise(y)))
        pairs.append((question, first, second))
    return pairs


def _rests(x: str, y: str) -> tuple[str, str]:
    """Return what is left of both without their shared words; the wholes if one is part of the other."""
    shared = set(x.split()) & set(y.split())
    rests = tuple(" ".join(word for word in text.split() if word not in shared) for text in (x, y))
    return (rests[0], rests[1]) if all(rests) else (x, y)


def _exact(x: str, y: str) -> bool:
    return x in EXACT or y in EXACT or any(letter.isdigit() for letter in x + y)


def _plainly_differ(x: str, y: str) -> bool:
    """Two numbers, or yes and no, that are spelt differently are different: nobody need be asked."""
    return (number(x) is not None and number(y) is not None) or {x, y} <= EXACT


def _yes_or_no(reply: str | None) -> bool | None:
    return None if reply is None else {"yes": True, "no": False}.get(normalise(reply))
