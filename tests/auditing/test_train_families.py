"""Other architectures than Gemma3 as auditors: what is adapted, and that a step of training and sampling work."""

from dataclasses import replace
from pathlib import Path

import pytest
from auditing.training_case import TINY, Case, log_without_times
from families import ALL
from safetensors.torch import load_file
from tiny_models import write_model

from auditdm_hub.auditing.prompts import PLAYGROUND_PROMPTS
from auditdm_hub.errors import ModelError
from auditdm_hub.models.transformers_auditor import TransformersAuditor

ONE_STEP = replace(TINY, steps=1, save_steps=1)
VISION = ("vision", "visual", "projector", "connector")
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
CHAT = [family for family in ALL if family != "paligemma"]


@pytest.mark.parametrize("family", CHAT)
def test_only_the_language_model_is_adapted(family: str, tmp_path: Path) -> None:
    case = Case(write_model(family, tmp_path / "base"))
    case.train(tmp_path / "out", ONE_STEP)
    tensors = load_file(tmp_path / "out" / "adapter" / "adapter_model.safetensors")
    adapted = {name.split(".lora_")[0] for name in tensors}
    assert sum(name.endswith(PROJECTIONS) for name in adapted) == 14  # two layers of seven; Gemma 4 has more beside
    assert not [name for name in adapted if any(part in name for part in VISION)]
    assert log_without_times(tmp_path / "out")[0]["grad_norm"] > 0


@pytest.mark.parametrize("family", CHAT)
def test_every_family_samples_independently_of_the_batch(family: str, tmp_path: Path) -> None:
    case = Case(write_model(family, tmp_path))
    auditor = TransformersAuditor.load(str(tmp_path), PLAYGROUND_PROMPTS.render, max_new_tokens=5)
    images = [case.images.get(seed.image_sha) for seed in case.seeds]
    count = len(images)
    questions = ["how many ?"] * (count - 1) + ["what is left of the red circle ?"]
    together = auditor.write(images, ["edit"] * count, questions, [None] * count, list(range(count)))
    alone = [auditor.write([images[i]], ["edit"], [questions[i]], [None], [i])[0] for i in range(count)]
    assert alone == together
    assert len(set(together)) > 1


def test_paligemma_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    case = Case(write_model("paligemma", tmp_path / "base"))
    with pytest.raises(ModelError, match="has no chat template"):
        case.train(tmp_path / "out", ONE_STEP)
    assert not (tmp_path / "out").exists()
