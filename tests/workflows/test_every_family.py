"""A random model of each family goes the whole way: audited with new pictures, repaired, measured, published.

Random weights answer nonsense, so that nearly every trial is a failure: there is enough to repair and to publish.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_pipelines
import tiny_torchvision
import torch
from families import ALL
from peft import PeftModel
from tiny_models import BUILDERS, write_model
from transformers import AutoModelForImageTextToText
from typer.testing import Result

from auditdm_hub.models.loading import load_parts
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.playground.models import REFERENCES, model_folder
from auditdm_hub.tables import read_rows
from auditdm_hub.workflows.rectification import ADAPTER

CARD = "---\nlicense: apache-2.0\n---\n"
PIPELINES = {
    **dict.fromkeys(BUILDERS | tiny_torchvision.BUILDERS, ("stable-diffusion-3", "instruct-pix2pix")),
    **dict.fromkeys(("llava", "paligemma", "internvl"), ("flux", "flux-kontext")),
    "qwen3_vl": ("flux", "qwen-image-edit"),
}
"""family -> what draws and what edits: every pipeline goes the whole way with some family."""


def pipelines_for(family: str, folder: Path) -> list[Path]:
    made = [tiny_pipelines.save(name, folder) for name in PIPELINES[family]]
    for each in made:
        (each / "README.md").write_text(CARD)
    return made


@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
@pytest.mark.parametrize("family", ALL)
def test_from_an_audit_to_a_published_repair(family: str, tmp_path: Path, cli: Callable[..., Result]) -> None:
    target = write_model(family, tmp_path / family, prompt_template=None)
    (target / "README.md").write_text(CARD)
    generator, editor = pipelines_for(family, tmp_path)
    config, run = tmp_path / "audit.yaml", tmp_path / "run"
    how = "{steps: 1, size: 32}"
    config.write_text(
        f"target: {target}\nreferences: [{', '.join(str(model_folder(name)) for name in REFERENCES)}]\n"
        f"generator: {generator}\neditor: {editor}\ndrawing: {how}\nediting: {how}\n"
        "answer_prompt: '{question} one star'\npool_size: 100\n"
    )

    def done(*line: str) -> Result:
        result = cli(*line)
        assert result.exit_code == 0, result.output
        return result

    done("audit", str(config), "--steps", "0", "--probes", "60", "--no-baseline", "--device", "cpu", "--out", str(run))
    assert {row["action"] for row in read_rows(run / "pictures.parquet")} == {"caption", "edit"}
    small = ("--probes", "0", "--pool-questions", "20", "--refusals", "20", "--second-look", "20", "--agreement", "0.6",
             "--rows", "40")  # fmt: skip
    done("rectify", str(run), *small, "--steps", "2", "--batch-size", "4", "--rank", "2", "--margin", "1",
         "--repair", "1", "--device", "cpu", "--merge")  # fmt: skip
    folder = run / ADAPTER
    adapted = PeftModel.from_pretrained(AutoModelForImageTextToText.from_pretrained(target), str(folder))
    changed = [name for name, weight in adapted.named_parameters() if "lora_B" in name and weight.abs().max() > 0]
    assert changed
    assert not [name for name in changed if "vision" in name or "visual" in name]

    done("evaluate", str(target), "--adapter", str(folder), "--suite", "playground", "--limit", "1", "--device", "cpu",
         "--answer-prompt", "{question} one star", "--out", str(tmp_path / "measured"))  # fmt: skip
    scores = json.loads((tmp_path / "measured" / "evaluation.json").read_text())["scores"]
    assert set(scores) == {"before", "after"}

    held, merged = (ModelSpec(str(path)).on("cpu") for path in (target, run / "rectified" / "merged"))
    weights = [load_parts(each.name, each.how, adapter=adapter)[0].state_dict()
               for each, adapter in ((held, None), (held, str(folder)), (merged, None))]  # fmt: skip
    for name, weight in weights[1].items():
        torch.testing.assert_close(weight, weights[2][name])
    assert any(not torch.equal(weight, weights[0][name]) for name, weight in weights[1].items())

    shelf = tmp_path / "shelf"
    done("publish", str(run), "ada/failures", "--to", str(shelf / "set"))
    done("publish", str(run), "ada/repair", "--adapter", str(run), "--base", f"ada/{family}", "--to",
         str(shelf / "adapter"))  # fmt: skip
    done("verify", str(shelf / "set"))
    done("verify", str(shelf / "adapter"))
    shutil.rmtree(run)
