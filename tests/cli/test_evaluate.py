"""`auditdm-hub evaluate` as people type it, with the playground's models."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from auditdm_hub.playground.models import HOLDOUT, TARGET, model_folder

Cli = Callable[..., Result]


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA adapter for the target that was not trained, but for one layer that is spoilt."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_pretrained(model_folder(TARGET))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of transformers, about peft
        adapted = get_peft_model(model, LoraConfig(r=2, target_modules=r".*language_model.*\.q_proj"))
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.5)
    folder = tmp_path_factory.mktemp("adapter")
    adapted.save_pretrained(folder)
    return folder


def test_a_model_on_suite_and_failures(cli: Cli, tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    shown = cli(
        "evaluate", "playground", "--suite", "playground", "--failures", "playground", "--limit", "3", "--out", out
    )  # fmt: skip
    assert shown.exit_code == 0, shown.stderr
    assert "telling left from right" in shown.stdout
    found = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    (score,) = found["scores"]["model"]
    assert score["items"] == 90
    assert score["parts"]["left or right"] == 0
    assert all(kind["error"] == 1 for kind in found["failures"]["model"]["types"])
    assert found["failures"]["model"]["controls"]["error"] == 0
    again = cli("evaluate", "playground", "--suite", "playground", "--failures", "playground", "--limit", "3", "--out",
                out, "--resume", "--json")  # fmt: skip
    assert json.loads(again.stdout) == found


def test_before_and_after_an_adapter(cli: Cli, adapter: Path, tmp_path: Path) -> None:
    shown = cli("evaluate", "playground", "--adapter", str(adapter), "--suite", "playground", "--failures",
                "playground", "--limit", "12", "--out", str(tmp_path / "run"))  # fmt: skip
    assert shown.exit_code == 0, shown.stderr
    found = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert set(found["scores"]) == {"before", "after"}
    before, after = (found["scores"][side][0]["value"] for side in ("before", "after"))
    assert after < before
    regressed = [each for each in found["comparisons"] if each["high"] < 0 and each["better"] == "higher"]
    assert regressed
    assert found["comparisons"][0]["name"].startswith("skill: ")
    assert "regression" in shown.stdout.splitlines()[0]
    assert "(worse)" in shown.stdout
    assert {each["dataset_id"] for each in found["comparisons"]} == {""}  # no benchmark of the Hub


def test_an_adapter_for_another_model_is_told(cli: Cli, adapter: Path, tmp_path: Path) -> None:
    shown = cli("evaluate", str(model_folder(HOLDOUT)), "--adapter", str(adapter), "--suite", "playground", "--limit",
                "1", "--out", str(tmp_path / "run"))  # fmt: skip
    assert shown.exit_code == 1
    assert "cannot put adapter" in shown.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()  # it was told before anything was asked


def test_bad_input_is_one_line(cli: Cli, tmp_path: Path) -> None:
    for words, code in (
        (["evaluate", "playground"], 2),
        (["evaluate", "playground", "--suite", "playground", "--revision", "x"], 2),
        (["evaluate", str(tmp_path), "--suite", "playground", "--out", str(tmp_path / "run")], 1),
        (["evaluate", "http://127.0.0.1:9/v1#m", "--suite", "playground", "--price", "1"], 2),
        (["evaluate", "http://127.0.0.1:9/v1#m", "--suite", "playground", "--price", "1,x"], 2),
        (["evaluate", "playground", "--failures", str(tmp_path / "nothing"), "--out", str(tmp_path / "run")], 2),
    ):
        shown = cli(*words)
        assert shown.exit_code == code, shown.stderr
        assert len(shown.stderr.splitlines()) == 1
        assert not (tmp_path / "run").exists()
