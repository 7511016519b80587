"""An adapter is trained beside weights of 4 bits, and fits the model as it was."""

import json
from pathlib import Path

import pytest
from PIL.Image import Image

from auditdm_hub.errors import BackendUnavailableError
from auditdm_hub.models import load_vlm
from auditdm_hub.models.loading import Loading, load_parts
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.playground.backends import pictures
from auditdm_hub.playground.models import TARGET, model_folder
from auditdm_hub.rectifying.examples import Example
from auditdm_hub.rectifying.train import TuningSettings, tune

BASE = str(model_folder(TARGET))
SETTINGS = TuningSettings(steps=30, batch_size=16, learning_rate=5e-3, lora_rank=8, lora_alpha=16, four_bit=True,
                          device="cpu")  # fmt: skip


def lessons() -> tuple[list[Example], dict[str, Image]]:
    pool = list(pictures(64, 21))
    rows = [Example(str(number), question, "purple", "", "") for number, (_, _, question) in enumerate(pool)]
    return rows, {str(number): image for number, (image, _, _) in enumerate(pool)}


def test_linear_layers_are_held_in_four_bits() -> None:
    model, _, _ = load_parts(BASE, Loading("cpu", bits=4))
    whole, _, _ = load_parts(BASE, Loading("cpu"))
    layers = [name for name, layer in model.named_modules() if type(layer).__name__ == "Linear4bit"]
    assert len(layers) > 20
    assert model.get_memory_footprint() < 0.7 * whole.get_memory_footprint()


def test_what_is_trained_so_fits_the_model_as_it_was(tmp_path: Path) -> None:
    rows, images = lessons()
    adapter = tune(ModelSpec(BASE), (rows, []), images.__getitem__, SETTINGS, tmp_path)
    losses = [json.loads(line)["loss"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert losses[-1] < 0.5 * losses[0]
    answers = load_vlm(BASE, adapter=str(adapter), device="cpu").answer(
        [images[row.image_sha] for row in rows], [row.question for row in rows]
    )
    assert answers.count("purple") > 0.8 * len(rows)


def test_without_the_library_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditdm_hub.models.loading.find_spec", lambda name: None)
    with pytest.raises(BackendUnavailableError, match="four-bit"):
        load_parts(BASE, Loading("cpu", bits=4))
