from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL.Image import Image

from auditdm_hub.auditing.ask import CHUNK
from auditdm_hub.auditing.judge import EmbeddingJudge, VLMJudge, VQAJudge, load_judge
from auditdm_hub.errors import ModelError
from auditdm_hub.protocols import Judge

VECTORS = {
    "sofa": (1, 0),
    "big sofa": (1, 0.1),
    "couch": (0.9, 0.44),
    "chair": (0, 1),
    "red": (0.6, 0.8),
    "blue": (-0.8, 0.6),
}


class Table:
    """Embeds the words of a table; remembers what it was asked."""

    id = "table"

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        rows = np.array([VECTORS.get(text, (0, 0)) for text in texts], np.float32).reshape(len(texts), 2)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


class Oracle:
    """Thinks that sofa and couch are the same; mumbles about chairs, and says nothing about tables."""

    id = "oracle@1"
    family = "fake"

    def __init__(self) -> None:
        self.questions: list[str] = []

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        self.questions += questions
        return [self.reply(text) for text in questions]

    def reply(self, text: str) -> str | None:
        if '"table"' in text:
            return None
        return "Well..." if '"chair"' in text else "Yes." if '"sofa"' in text else "no"


class Failing(Oracle):
    """Fails on its first batch."""

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        first = not self.questions
        answers = super().answer(images, questions)
        if first:
            raise TimeoutError
        assert len(questions) <= CHUNK
        return answers


def test_a_batch_that_a_judge_fails_on_is_no_verdict_and_the_rest_is_judged() -> None:
    pairs = [("sofa", f"couch {letter}{other}") for letter in "abcdefghij" for other in "abcdefghijklmnopqrstuvwxyzäöü"]
    assert len(pairs) > CHUNK
    said = compare(VLMJudge(Failing()), *pairs)
    assert (said.count(None), said.count(True)) == (CHUNK, len(pairs) - CHUNK)


def compare(judge: Judge, *pairs: tuple[str, str]) -> list[bool | None]:
    return list(judge.same(["?"] * len(pairs), [a for a, _ in pairs], [b for _, b in pairs]))


def test_vqa_judge() -> None:
    pairs = [("4", "four"), ("4.0", "4"), ("The dog", "dog."), ("yes", "Yes, it is"), ("4", "5"), ("sofa", "couch")]
    assert compare(VQAJudge(), *pairs) == [True] * 4 + [False] * 2
    assert compare(VQAJudge()) == []


def test_embedding_judge_is_exact_about_numbers_and_polarity() -> None:
    table = Table()
    judge = EmbeddingJudge(table, 0.8)
    pairs = [("sofa", "the couch"), ("sofa", "chair"), ("4", "5"), ("yes", "no"), ("Sofa", "sofa"), ("couch", "sofa")]
    assert compare(judge, *pairs) == [True, False, False, False, True, True]
    assert sorted(table.texts) == ["chair", "couch", "sofa"]
    assert compare(judge, ("unanswerable", "sofa"), ("word", "other")) == [False, False]


def test_embedding_judge_looks_at_what_differs() -> None:
    judge = EmbeddingJudge(Table(), 0.8)
    assert compare(judge, ("red sofa", "red couch"), ("red sofa", "blue sofa")) == [True, False]
    assert compare(judge, ("big sofa", "sofa"), ("blue sofa", "sofa")) == [True, False]


def test_embedding_judge_wants_a_cosine() -> None:
    with pytest.raises(ValueError, match=r"cosine in \(0, 1\], got 75"):
        EmbeddingJudge(Table(), 75)


def test_vlm_judge_asks_once_for_what_is_open() -> None:
    oracle = Oracle()
    pairs = [("sofa", "couch"), ("Couch", "a sofa"), ("red", "blue"), ("red", "red."), ("4", "5"), ("yes", "no")]
    assert compare(VLMJudge(oracle), *pairs) == [True, True, False, True, False, False]
    assert len(oracle.questions) == 2


def test_vlm_judge_gives_no_judgement_without_yes_or_no() -> None:
    assert compare(VLMJudge(Oracle()), ("sofa", "chair"), ("sofa", "table"), ("table", "table")) == [None, None, True]


def test_load_judge() -> None:
    assert load_judge("vqa").id == "vqa"
    assert load_judge("embedding", embedder=Table(), threshold=0.9).id == "embedding table 0.9"
    assert load_judge("some/model", model=Oracle()).id == "model oracle@1"
    with pytest.raises(ModelError, match="needs an embedder"):
        load_judge("embedding")
    with pytest.raises(ModelError, match="got judge 'vqq'"):
        load_judge("vqq")
