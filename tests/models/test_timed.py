"""A limit on the time of a batch."""

import threading
from collections.abc import Sequence

import pytest
from PIL import Image

from auditdm_hub.errors import ModelError
from auditdm_hub.models.timed import TimedVLM

PICTURES = [Image.new("RGB", (8, 8))]


class Sleeper:
    """Hangs on some questions, until it is let go."""

    id, family = "sleeper", "seal"

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str | None]:
        if "sleep" in questions:
            self.let_go.wait(60)
        if "fail" in questions:
            raise RuntimeError("out of memory")
        return [f"{question}!" for question in questions]


def test_who_answers_in_time_is_as_without_a_limit() -> None:
    model = TimedVLM(Sleeper(), 30)
    assert (model.id, model.family) == ("sleeper", "seal")
    assert model.answer(PICTURES * 2, ["one", "two"]) == ["one!", "two!"]
    with pytest.raises(RuntimeError, match="out of memory"):
        model.answer(PICTURES, ["fail"])


def test_a_late_batch_is_an_error_and_a_model_that_stays_late_ends_the_audit() -> None:
    sleeper = Sleeper()
    model = TimedVLM(sleeper, 0.05, patience=2)
    with pytest.raises(TimeoutError, match=r"no answer to 1 questions in 0\.05 s"):
        model.answer(PICTURES, ["sleep"])
    slow = TimedVLM(sleeper, 30, patience=2)
    assert slow.answer(PICTURES, ["quick"]) == ["quick!"]
    with pytest.raises(ModelError, match="sleeper did not answer 2 times in a row, 0.05 s each.*--resume"):
        model.answer(PICTURES, ["sleep"])
    sleeper.let_go.set()


def test_an_answer_in_time_starts_the_count_anew() -> None:
    sleeper = Sleeper()
    model = TimedVLM(sleeper, 0.2, patience=2)
    for _ in range(3):
        with pytest.raises(TimeoutError):
            model.answer(PICTURES, ["sleep"])
        assert model.answer(PICTURES, ["quick"]) == ["quick!"]
    sleeper.let_go.set()


def test_one_that_shares_its_weights_may_not_be_late_once() -> None:
    sleeper = Sleeper()
    with pytest.raises(ModelError, match=r"sleeper did not answer in 0\.05 s: see whether it runs.*--resume"):
        TimedVLM(sleeper, 0.05, patience=1).answer(PICTURES, ["sleep"])
    sleeper.let_go.set()
