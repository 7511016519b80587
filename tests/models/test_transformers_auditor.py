import json
from pathlib import Path

import numpy as np
import pytest
import torch
from auditing.tiny_auditor import build_auditor
from PIL import Image

from auditdm_hub.auditing.prompts import PLAYGROUND_PROMPTS
from auditdm_hub.errors import ModelError
from auditdm_hub.models.loading import Loading
from auditdm_hub.models.quiet import quiet_libraries
from auditdm_hub.models.transformers_auditor import RowSampler, TransformersAuditor, image_token_ids
from auditdm_hub.records import Action

ACTIONS: list[Action] = ["question", "edit", "question", "caption", "question", "edit"]
QUESTIONS = ["", "how many red circle ?", "", "what color is the star ?", "", "is there a circle ?"]
SEEDS = [1, 2, 3, 4, 5, 6]
IMAGES = [Image.new("RGB", (40, 20), color) for color in ("red", "green", "blue", "white", "black", "gray")]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_auditor(tmp_path_factory.mktemp("auditor"))


def load(
    base: Path, batch_size: int = 64, temperature: float = 1.0, adapter: Path | None = None
) -> TransformersAuditor:
    render = PLAYGROUND_PROMPTS.render
    return TransformersAuditor.load(str(base), render, adapter, Loading("cpu"), batch_size, 8, temperature)


def write(auditor: TransformersAuditor, rows: list[int], seeds: list[int] = SEEDS) -> list[str]:
    return auditor.write(
        [IMAGES[i] for i in rows], [ACTIONS[i] for i in rows], [QUESTIONS[i] for i in rows], [None] * len(rows),
        [seeds[i] for i in rows],
    )  # fmt: skip


def test_a_text_does_not_depend_on_its_batch(base: Path) -> None:
    rows = list(range(6))
    texts = write(load(base), rows)
    assert len(set(texts)) == 6
    assert write(load(base, batch_size=2), rows) == texts
    assert write(load(base), rows[::-1]) == texts[::-1]
    assert [write(load(base), [i])[0] for i in rows] == texts


def test_a_batch_that_does_not_fit_is_halved(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, sizes = list(range(6)), list[int]()
    whole, texts = TransformersAuditor._sample, write(load(base), list(range(6)))

    def small(self: TransformersAuditor, images: list[Image.Image], prompts: list[str], seeds: list[int]) -> list[str]:
        sizes.append(len(images))
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(self, images, prompts, seeds)

    monkeypatch.setattr(TransformersAuditor, "_sample", small)
    assert write(load(base), rows) == texts
    assert sizes == [6, 3, 2, 2, 2]


def test_a_text_depends_on_image_prompt_and_seed(base: Path) -> None:
    auditor = load(base)
    texts = auditor.write([IMAGES[0]] * 20, ["question"] * 20, [""] * 20, [None] * 20, [7] * 10 + list(range(10)))
    assert len(set(texts[:10])) == 1
    assert len(set(texts[10:])) > 5


def test_a_cold_auditor_repeats_itself(base: Path) -> None:
    auditor = load(base, temperature=1e-4)
    texts = auditor.write([IMAGES[0]] * 5, ["question"] * 5, [""] * 5, [None] * 5, list(range(5)))
    assert len(set(texts)) == 1
    with pytest.raises(ValueError, match="temperature must be above 0"):
        load(base, temperature=0)


def test_tokens_are_drawn_with_their_probability() -> None:
    logits = torch.log(torch.tensor([0.1, 0.6, 0.05, 0.25])).repeat(8000, 1)
    uniforms = torch.from_numpy(np.random.default_rng(0).random((8000, 1)))
    sampler = RowSampler(uniforms, 1.0, [2], prompt=3)
    drawn = sampler(torch.zeros(8000, 3, dtype=torch.long), logits).argmax(-1)  # type: ignore[arg-type]
    shares = torch.bincount(drawn, minlength=4) / 8000
    assert shares.tolist() == pytest.approx([0.1 / 0.95, 0.6 / 0.95, 0, 0.25 / 0.95], abs=0.015)


def test_image_tokens_are_never_sampled(base: Path) -> None:
    auditor = load(base)
    suppressed = image_token_ids(auditor._model, auditor._processor)
    assert suppressed == [4, 5, 6]
    head = auditor._model.get_output_embeddings()
    assert head.weight.shape[0] > 6
    sampler = RowSampler(torch.full((1, 1), 0.5), 1.0, suppressed, prompt=1)
    logits = torch.zeros(1, 8)
    logits[0, 4:7] = 50.0
    assert int(sampler(torch.zeros(1, 1, dtype=torch.long), logits).argmax()) not in suppressed  # type: ignore[arg-type]


def test_an_adapter_changes_texts_and_name(base: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    plain = load(base)
    config = LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
    with quiet_libraries():
        get_peft_model(load(base)._model, config).save_pretrained(tmp_path)
    adapted = load(base, adapter=tmp_path)
    assert adapted.id.startswith(f"{plain.id}+")
    assert write(adapted, list(range(6))) != write(plain, list(range(6)))
    (tmp_path / "adapter_config.json").unlink()
    with pytest.raises(ModelError, match="is no LoRA adapter"):
        load(base, adapter=tmp_path)


def test_a_model_without_a_chat_template_is_refused(base: Path, tmp_path: Path) -> None:
    for file in base.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "chat_template.jinja").unlink()
    settings = json.loads((tmp_path / "processor_config.json").read_text())
    assert "chat_template" not in settings
    with pytest.raises(ModelError, match="has no chat template"):
        load(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no config.json"):
        load(tmp_path)
