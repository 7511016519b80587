from collections.abc import Sequence

import pytest
from PIL import Image

from auditdm_hub.auditing.ask import AskFault, ask
from auditdm_hub.errors import ModelError
from auditdm_hub.records import Probe

COLOURS = {"r": "red", "g": "green"}


class Echo:
    """Repeats the question with its own name; falls over when it reads a word it cannot stand."""

    family = "fake"

    def __init__(self, name: str, **errors: Exception) -> None:
        self.id = name
        self.errors = errors
        self.batches: list[list[str]] = []

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str | None]:
        self.batches.append(list(questions))
        for question in questions:
            if question in self.errors:
                raise self.errors[question]
        return [f"{self.id} {text} {image.getpixel((0, 0))}" for image, text in zip(images, questions, strict=True)]


class Short(Echo):
    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str | None]:
        return super().answer(images, questions)[1:]


def probe(question: str, sha: str = "r", attempt: int = 0, fault: str = "") -> Probe:
    return Probe("s", "auditor", "question", attempt, "text", question, "auditor", sha, "original", "", sha, fault)


def picture(sha: str) -> Image.Image:
    return Image.new("RGB", (2, 2), COLOURS[sha])


def test_every_probe_gets_every_answer_and_equal_questions_are_asked_once() -> None:
    target, reference = Echo("t"), Echo("r")
    probes = [probe("a"), probe("b"), probe("a", "g"), probe("a", attempt=1), probe(" a\n")]
    exchanges = ask(probes, picture, target, [reference])
    assert [exchange.probe for exchange in exchanges] == probes
    red, green = "(255, 0, 0)", "(0, 128, 0)"
    assert [e.target_answer for e in exchanges] == [
        f"t a {red}",
        f"t b {red}",
        f"t a {green}",
        f"t a {red}",
        f"t a {red}",
    ]
    assert exchanges[1].reference_answers == {"r": f"r b {red}"}
    assert target.batches == reference.batches == [["a", "b", "a"]]


def test_faulty_probes_are_not_asked() -> None:
    target = Echo("t")
    exchanges = ask([probe("a", fault="unparsed: x"), probe("b")], picture, target, [Echo("r")])
    assert target.batches == [["b"]]
    assert (exchanges[0].target_answer, exchanges[0].reference_answers) == (None, {"r": None})
    assert exchanges[1].target_answer is not None
    # Its image need not exist either.
    assert ask([probe("a", "missing", fault="edit not understood")], picture, target, [Echo("r")])[0].probe.fault


def test_fixed_chunks_and_progress() -> None:
    target, reference = Echo("t"), Echo("r")
    seen: list[tuple[int, int]] = []
    ask([probe(str(k)) for k in range(5)], picture, target, [reference], chunk=2, progress=lambda *p: seen.append(p))
    assert target.batches == [["0", "1"], ["2", "3"], ["4"]]
    assert seen == [(2, 10), (4, 10), (5, 10), (7, 10), (9, 10), (10, 10)]


@pytest.mark.parametrize(
    "error", [RuntimeError("out of memory"), ValueError("bad"), OSError("gone"), TimeoutError("late")]
)
def test_a_model_that_fails_leaves_a_gap_and_a_line(error: Exception) -> None:
    faults: list[AskFault] = []
    target, reference = Echo("t"), Echo("r", b=error)
    probes = [probe(text) for text in "abcd"]
    exchanges = ask(probes, picture, target, [reference], chunk=2, on_fault=faults.append)
    assert [e.reference_answers["r"] is None for e in exchanges] == [True, True, False, False]
    assert all(e.target_answer is not None for e in exchanges)
    assert faults == [AskFault("r", 2, f"{type(error).__name__}: {error}")]


def test_answers_that_do_not_match_the_questions_are_a_fault() -> None:
    faults: list[AskFault] = []
    exchanges = ask([probe("a"), probe("b")], picture, Short("t"), [Echo("r")], on_fault=faults.append)
    assert [e.target_answer for e in exchanges] == [None, None]
    assert faults == [AskFault("t", 2, "ValueError: t gave 1 answers to 2 questions")]


@pytest.mark.parametrize("error", [ModelError("wrong key"), KeyError("bug")])
def test_other_errors_are_not_hidden(error: Exception) -> None:
    with pytest.raises(type(error)):
        ask([probe("a")], picture, Echo("t", a=error), [])


def test_models_must_differ() -> None:
    with pytest.raises(ValueError, match="got t more than once"):
        ask([probe("a")], picture, Echo("t"), [Echo("r"), Echo("t")])


def test_nothing_to_ask() -> None:
    assert ask([], picture, Echo("t"), [Echo("r")]) == []
