"""An audit whose pictures are drawn and edited by pipelines of diffusers."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_pipelines
from typer.testing import Result

from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.runs import Run


@pytest.mark.parametrize(
    ("generator", "editor"), [("flux", "flux-kontext"), ("stable-diffusion-3", "instruct-pix2pix")]
)
def test_captions_are_drawn_and_edits_made(
    tmp_path: Path, cli: Callable[..., Result], generator: str, editor: str
) -> None:
    drawn, edited = (tiny_pipelines.save(name, tmp_path) for name in (generator, editor))
    config = tmp_path / "audit.yaml"
    how = "{steps: 1, size: 32}"
    config.write_text(f"generator: {drawn}\neditor: {edited}\ndrawing: {how}\nediting: {how}\npool_size: 120\n")
    out = tmp_path / "run"
    line = ("audit", str(config), "--steps", "2", "--probes", "24", "--no-baseline", "--out", str(out))
    done = cli(*line)
    assert done.exit_code == 0, done.output
    assert "truncated" not in done.output
    run = Run.open(out)
    rows = read_trials(out / "exchanges" / "trained")
    sources = {source: [row.probe for row in rows if row.probe.image_source == source and not row.probe.fault]
               for source in ("generated", "edited")}  # fmt: skip
    assert all(sources.values())
    for probe in [*sources["generated"], *sources["edited"]]:
        assert probe.image_sha != probe.source_image_sha
    assert {run.images.get(probe.image_sha).size for probe in sources["generated"]} == {(32, 32)}
    for probe in sources["edited"]:
        assert run.images.get(probe.image_sha).size == run.images.get(probe.source_image_sha).size
    models = json.loads((out / "models.json").read_text())
    assert models["generator"].startswith(f"{generator}@")
    assert models["editor"].endswith("(1 steps, 32 pixels)")
