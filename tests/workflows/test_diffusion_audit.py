"""An audit whose pictures are drawn and edited by pipelines of diffusers."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_pipelines
from PIL.Image import Image
from typer.testing import Result

from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.images import image_sha
from auditdm_hub.models.diffusion import DiffusersEditor, Drawing, Stage
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows


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
    _each_picture_is_on_record(run, edited)
    placed = (out / "placement.log").read_text()
    for name in (models["generator"], models["editor"]):
        assert f" {name} to the memory of the host" in placed  # there is no other device
    for name in (models["target"]["id"], models["auditor"], *(each["id"] for each in models["references"])):
        assert f" {name} on cpu, 0.0 GiB" in placed


def _each_picture_is_on_record(run: Run, editor: Path) -> None:
    """And is made again from what is on record."""
    rows = list(read_rows(run.path / "pictures.parquet"))
    probes = [row.probe for row in read_trials(run.path / "exchanges" / "trained")]
    changed = {probe.image_sha for probe in probes if probe.image_sha != probe.source_image_sha}
    assert {row["image_sha"] for row in rows} == changed
    edits = [row for row in rows if row["action"] == "edit"]
    assert 0 < len(edits) < len(rows)
    maker = DiffusersEditor.load(str(editor), Drawing(steps=1, size=32), Stage("cpu"))
    for row in edits:
        before, after = (run.images.get(str(row[name])) for name in ("source_image_sha", "image_sha"))
        (again,) = maker.edit([before], [str(row["instruction"])], [int(str(row["seed"]))])
        assert isinstance(again, Image) and image_sha(again) == row["image_sha"]
        difference = np.asarray(run.images.get(str(row["difference_sha"])), np.int64)
        assert (difference == abs(np.asarray(after, np.int64) - np.asarray(before, np.int64))).all()
        assert float(str(row["change"])) == pytest.approx(difference.mean() / 255)
        assert row["maker"] == maker.id
        assert not row["checked"]
    assert all(row["difference_sha"] is None for row in rows if row["action"] == "caption")
