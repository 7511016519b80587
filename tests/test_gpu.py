"""On an accelerator: the playground answers as on the CPU, and an audit runs from the command to its report."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_pipelines
from PIL.Image import Image
from typer.testing import Result

from auditdm_hub.models import load_vlm
from auditdm_hub.models.diffusion import DiffusersGenerator, Drawing, Stage
from auditdm_hub.playground.backends import pictures
from auditdm_hub.playground.models import REFERENCES, TARGET, model_folder
from auditdm_hub.runs import Run

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def accelerator() -> None:
    """Fail, and do not skip, where there is none: who runs these tests wants to know."""
    import torch

    assert torch.cuda.is_available(), "these tests need CUDA"


@pytest.mark.parametrize("name", (TARGET, *REFERENCES))
def test_a_model_answers_as_on_the_cpu(name: str) -> None:
    drawn = [(image, question) for image, _, question in pictures(200, 5)]
    images, questions = [image for image, _ in drawn], [question for _, question in drawn]
    there, here = (
        load_vlm(str(model_folder(name)), device=device, batch_size=32, max_new_tokens=4).answer(images, questions)
        for device in ("cuda", "cpu")
    )
    same = sum(a == b for a, b in zip(there, here, strict=True))
    assert same >= 196, f"{same} of 200 answers are the same"


@pytest.mark.timeout(900)
def test_an_audit_on_the_accelerator(tmp_path: Path, cli: Callable[..., Result]) -> None:
    out = tmp_path / "run"
    done = cli("audit", "--device", "cuda", "--steps", "6", "--probes", "60", "--out", str(out))
    assert done.exit_code == 0, done.output
    results = Run.open(out).results()
    assert results["search_success"]["trained"]["trials"] >= 60


@pytest.mark.timeout(900)
@pytest.mark.parametrize("bits", ((), ("--four-bit",)))
def test_a_repair_on_the_accelerator(bits: tuple[str, ...], tmp_path: Path, cli: Callable[..., Result]) -> None:
    out = tmp_path / "run"
    done = cli("audit", "--device", "cuda", "--steps", "0", "--probes", "150", "--out", str(out))
    assert done.exit_code == 0, done.output
    done = cli("rectify", str(out), "--device", "cuda", "--probes", "0", "--pool-questions", "0", "--refusals", "100",
               "--second-look", "200", "--rows", "400", "--steps", "60", *bits)  # fmt: skip
    assert done.exit_code == 0, done.output
    losses = [json.loads(line) for line in (out / "rectified" / "tuned" / "log.jsonl").read_text().splitlines()]
    told = [each["loss"] for each in losses if "loss" in each]
    assert sum(told[-10:]) < sum(told[:10])
    load_vlm(str(model_folder(TARGET)), device="cuda", adapter=str(out / "rectified" / "adapter"))


@pytest.mark.parametrize("offload", ("none", "model", "sequential"))
def test_a_pipeline_draws_the_same_wherever_its_parts_lie(offload: str, tmp_path: Path) -> None:
    saved = tiny_pipelines.save("stable-diffusion-3", tmp_path)
    how = Drawing(steps=2, size=32, dtype="float32")
    (plain,) = DiffusersGenerator.load(str(saved), how, Stage("cuda")).generate(["a cup"], [1])
    moved = DiffusersGenerator.load(str(saved), replace(how, offload=offload), Stage("cuda"))  # type: ignore[arg-type]
    (made,) = moved.generate(["a cup"], [1])
    assert isinstance(plain, Image) and isinstance(made, Image)
    assert abs(np.asarray(plain, np.int64) - np.asarray(made, np.int64)).max() <= 2
