"""A model that fails on everything ends the audit; one that fails now and then does not."""

from collections.abc import Sequence

import pytest
from PIL import Image

from auditdm_hub.errors import ModelError
from auditdm_hub.models.watched import WatchedVLM

PICTURES = [Image.new("RGB", (8, 8))]


class Fails:
    """Fails on "fail"."""

    id, family = "fails@1", "fake"

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str | None]:
        if "fail" in questions:
            raise RuntimeError("shapes do not fit\nmore of it")
        return ["yes"] * len(questions)


def test_failures_in_a_row_end_it_and_an_answer_starts_the_count_anew() -> None:
    model = WatchedVLM(Fails(), patience=3)
    for _ in range(3):
        for _ in range(2):
            with pytest.raises(RuntimeError):
                model.answer(PICTURES, ["fail"])
        assert model.answer(PICTURES, ["what?"]) == ["yes"]
    for kind in (RuntimeError, RuntimeError, ModelError):
        with pytest.raises(kind) as caught:
            model.answer(PICTURES, ["fail"])
    assert str(caught.value).startswith("fails@1 failed on 3 batches in a row (shapes do not fit): see why")
    assert "\n" not in str(caught.value)
