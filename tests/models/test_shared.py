"""One set of weights is the auditor with its adapter, and the model without it."""

from pathlib import Path

import pytest
from noisy_adapter import write_noise
from PIL import Image

from auditdm_hub.auditing.prompts import DEFAULT_PROMPTS
from auditdm_hub.models.loading import Loading
from auditdm_hub.models.shared import SharedBase
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.models.transformers_auditor import TransformersAuditor
from auditdm_hub.playground.backends import pictures as drawn
from auditdm_hub.playground.models import AUDITOR, model_folder

FOLDER = str(model_folder(AUDITOR))
SPEC = ModelSpec(FOLDER, Loading("cpu"), max_new_tokens=6)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise on the weights."""
    return write_noise(FOLDER, tmp_path_factory.mktemp("noise") / "adapter", 0.5)


@pytest.fixture(scope="module")
def asked() -> tuple[list[Image.Image], list[str]]:
    rows = list(drawn(12, 31))
    return [image for image, _, _ in rows], [question for _, _, question in rows]


def written(auditor: TransformersAuditor, images: list[Image.Image]) -> list[str]:
    count = len(images)
    return auditor.write(images, ["question"] * count, [""] * count, [None] * count, list(range(count)))


def test_each_part_gets_the_model_as_it_shall_be(adapter: Path, asked: tuple[list[Image.Image], list[str]]) -> None:
    images, questions = asked

    def auditor(base: str | SharedBase, folder: Path | None) -> TransformersAuditor:
        return TransformersAuditor.load(base, DEFAULT_PROMPTS.render, folder, max_new_tokens=8)

    alone = SPEC.load().answer(images, questions)
    plain, adapted = written(auditor(FOLDER, None), images), written(auditor(FOLDER, adapter), images)
    assert plain != adapted

    base = SharedBase(FOLDER, Loading("cpu"))
    assert base.serves(SPEC)
    model, before, after = SPEC.load(shared=base), auditor(base, None), auditor(base, adapter)
    for _ in range(2):  # whoever was asked last
        assert model.answer(images, questions) == alone
        assert written(after, images) == adapted
        assert written(before, images) == plain
    again = auditor(base, adapter)  # in the place of the first
    assert written(again, images) == adapted
    base.strip()
    assert model.answer(images, questions) == alone
    assert not any("lora" in name for name, _ in base.parts[0].named_parameters())


def test_a_model_that_is_loaded_otherwise_has_its_own_weights() -> None:
    base = SharedBase(FOLDER, Loading("cpu"))
    assert not base.serves(ModelSpec(FOLDER, Loading("cpu", "bfloat16")))
    assert not base.serves(ModelSpec(FOLDER, Loading("cpu", bits=4)))
    assert not base.serves(ModelSpec("other", Loading("cpu")))
