"""`audit --plan`: what would be loaded, from folders and from a Hub, without loading it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hub_server.fixtures import hub
from hub_server.server import HubServer
from huggingface_hub import HfApi
from typer.testing import Result

from auditdm_hub.config import load_config
from auditdm_hub.playground.models import model_folder
from auditdm_hub.workflows import preview as module
from auditdm_hub.workflows.preview import preview

__all__ = ["hub"]


def plan_of(cli: Callable[..., Result], *more: str) -> dict[str, Any]:
    done = cli("audit", "--plan", "--json", *more)
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def test_the_playground_needs_no_network_and_nothing_is_started(
    cli: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = plan_of(cli)
    roles = {model["name"]: model["roles"] for model in plan["models"]}
    assert roles["target"] == ["target"]
    assert roles["auditor"] == ["auditor"]
    assert roles["playground"] == ["generator", "editor"]
    target = next(model for model in plan["models"] if model["name"] == "target")
    assert (target["parameters"], target["licence"], target["download"]) == (807_264, "apache-2.0", 0)
    assert target["stored"] == pytest.approx(2, rel=0.2)  # the weights that are shipped are in half precision
    assert plan["questions"] == [5760, 1500]
    assert not list(tmp_path.iterdir())
    without = plan_of(cli, "--holdout", "none")
    assert {model["name"] for model in plan["models"]} - {model["name"] for model in without["models"]} == {"holdout"}
    shown = cli("audit", "--plan")
    assert "807,264" in shown.output
    assert max(map(len, shown.output.splitlines())) <= 80


def upload(name: str, files: dict[str, bytes]) -> None:
    api = HfApi()
    api.create_repo(name)
    for path, content in files.items():
        api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=name)


def test_models_of_a_hub(hub: HubServer, cli: Callable[..., Result], tmp_path: Path) -> None:
    weights = (model_folder("holdout") / "model.safetensors").read_bytes()
    upload("ada/vlm", {"README.md": b"---\nlicense: gemma\n---\n", "model.safetensors": weights, "config.json": b"{}"})
    upload("ada/gated", {"model.safetensors": b"12345678"})
    HfApi().update_repo_settings("ada/gated", gated="auto")
    parts = {
        f"{part}/model.safetensors": b"0" * size for part, size in (("vae", 40), ("transformer", 400), ("clip", 60))
    }
    twice = {"transformer/model.fp16.safetensors": b"0" * 200, "transformer/model.non_ema.safetensors": b"0" * 400}
    upload("ada/flux", {"model_index.json": b"{}", "flux.safetensors": b"0" * 99, **parts, **twice})
    upload("ada/pickle", {"pytorch_model.bin": b"1"})
    config = tmp_path / "audit.yaml"
    config.write_text(
        "target: ada/vlm\nreferences: [ada/gated, 'http://127.0.0.1:9/v1#served', ada/pickle]\nauditor: ada/vlm\n"
        f"pool: {tmp_path}\ngenerator: ada/flux\nactions: [question, caption]\n"
    )
    plan = plan_of(cli, str(config))
    models = {model["name"]: model for model in plan["models"]}
    vlm = models["ada/vlm"]
    assert vlm["roles"] == ["target", "auditor"]
    assert vlm["licence"] == "gemma"
    assert vlm["revision"] == (HfApi().model_info("ada/vlm").sha or "")[:12]
    assert vlm["download"] == len(weights) + 2
    assert models["ada/gated"]["note"].startswith("gated: accept its terms")
    assert models["ada/flux"]["download"] == 502
    assert (models["ada/flux"]["parameters"], models["ada/flux"]["largest"]) == (250, 200)
    base = plan["memory"]["probe"]
    for offload, saved in (("model", 50), ("sequential", 250)):
        config.write_text(f"{config.read_text().partition('drawing')[0]}drawing: {{offload: {offload}}}\n")
        assert base - plan_of(cli, str(config))["memory"]["probe"] == 4 * saved  # bytes of a parameter on a CPU
    assert "refused" in models["ada/pickle"]["note"]
    assert models["http://127.0.0.1:9/v1#served"]["where"] == "endpoint"
    config.write_text(config.read_text().replace("target: ada/vlm", "target: ada/nobody"))
    missing = cli("audit", "--plan", str(config))
    assert missing.exit_code == 1
    assert "ada/nobody (target)" in missing.output
    assert len(missing.output.strip().splitlines()) == 1


def test_what_does_not_fit_is_told_what_would_help(monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(overrides={"drawing": {"size": 64}})
    assert preview(config).fits
    monkeypatch.setattr(module, "_gpu", lambda: ("Tiny 1", 1_000_000))
    found = preview(config)
    assert not found.fits
    assert found.memory["train"] > found.memory["probe"]
    assert any("offload: model" in line for line in found.advice)
    assert any("URL#MODEL" in line for line in found.advice)
    monkeypatch.setattr(module, "_gpu", lambda: ("Large 1", 80 * 2**30))
    assert preview(config).fits
