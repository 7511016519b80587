"""A target of the playground is repaired from its own audit: what is written, resumed, refused and published."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from evaluating.rows import MAKERS, write_rows
from noisy_adapter import write_noise
from typer.testing import Result

from auditdm_hub.atomic import file_sha256
from auditdm_hub.auditing.exchanges import SCHEMA, to_row
from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.errors import ModelError, ReleaseError, RunError
from auditdm_hub.models import load_vlm
from auditdm_hub.playground.models import TARGET, model_folder
from auditdm_hub.provenance import hardware
from auditdm_hub.publishing.adapter import AdapterWish
from auditdm_hub.rectifying.examples import Mixture
from auditdm_hub.rectifying.train import TuningSettings
from auditdm_hub.rectifying.watch import TuningWatch
from auditdm_hub.releases.address import parse_address
from auditdm_hub.releases.download import download
from auditdm_hub.releases.schema import split_of
from auditdm_hub.runs import Run
from auditdm_hub.tables import chunk_path, read_rows, write_table
from auditdm_hub.workflows import audit
from auditdm_hub.workflows.adapter_facts import adapter_facts
from auditdm_hub.workflows.evaluation import Evaluation, run_evaluation
from auditdm_hub.workflows.rectification import ADAPTER, FOLDER, MERGED, TUNED, Rectification, rectify_run

SMALL = Rectification(
    Mixture(size=400), TuningSettings(steps=16, batch_size=16, learning_rate=2e-3, eval_steps=4, device="cpu")
)

Cli = Callable[..., Result]
WISH = AdapterWish("org/repaired", True)


@pytest.fixture(scope="module")
def rectified(audited: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(shutil.copytree(audited, tmp_path_factory.mktemp("rectified") / "run"))
    rectify_run(path, Rectification(SMALL.mixture, SMALL.tuning, merge=True))
    return path


def test_it_learns_from_failures_and_says_what_changed(rectified: Path) -> None:
    found = json.loads((rectified / "evaluation.json").read_text())
    names = [each["name"] for each in found["comparisons"]]
    assert "controls" in names
    assert len(names) > 2
    assert all(each["better"] == "lower" for each in found["comparisons"])
    steps = [json.loads(line) for line in (rectified / FOLDER / TUNED / "log.jsonl").read_text().splitlines()]
    losses = [step["eval_loss"] for step in steps if "eval_loss" in step]
    assert losses[-1] < losses[0]
    report = (rectified / "report.md").read_text()
    assert "## Repair" in report
    assert "| controls" in report
    verified = Run.open(rectified).stages["report"].outputs
    assert verified["report.md"] == file_sha256(rectified / "report.md")


def test_what_it_was_trained_on_is_kept_and_holds_nothing_of_a_test_split(rectified: Path) -> None:
    rows = list(read_rows(rectified / FOLDER / "training.parquet"))
    assert {bool(row["held_out"]) for row in rows} == {False, True}
    assert all(split_of(str(row["source_image_sha"])) == "train" for row in rows)
    run = Run.open(rectified)
    assert all(run.images.path(str(row["image_sha"])).is_file() for row in rows)
    run.verify("rectify data")


def test_the_merged_model_answers_as_the_adapter_does(rectified: Path) -> None:
    run = Run.open(rectified)
    rows = list(read_rows(rectified / FOLDER / "training.parquet"))[:40]
    images = [run.images.get(str(row["image_sha"])) for row in rows]
    questions = [str(row["question"]) for row in rows]
    adapted = load_vlm(str(model_folder(TARGET)), adapter=str(rectified / ADAPTER), device="cpu")
    merged = load_vlm(str(rectified / MERGED), device="cpu")
    assert adapted.answer(images, questions) == merged.answer(images, questions)


def test_its_card_says_what_it_was_trained_with(rectified: Path) -> None:
    run = Run.open(rectified)
    source, facts = adapter_facts(run, WISH, rectified, "org/base", lambda model: "apache-2.0")
    assert (source, facts.purpose) == (rectified / ADAPTER, "rectified")
    rows = list(read_rows(rectified / FOLDER / "training.parquet"))
    assert facts.training["rows"] + facts.training["rows held out"] == len(rows)
    assert 0 < facts.training["steps"] <= 16
    assert facts.hyperparameters["learning_rate"] == "0.002"
    assert facts.seconds > 0
    assert facts.hardware == run.manifest["hardware"] == hardware()
    assert facts.comparisons
    assert facts.rows is None


def test_what_it_was_trained_on_goes_along(rectified: Path, tmp_path: Path, cli: Cli) -> None:
    shelf = tmp_path / "shelf"
    done = cli("publish", str(rectified), "--adapter", str(rectified), "--base", "org/base", "--to", str(shelf),
               "--training-rows")  # fmt: skip
    assert done.exit_code == 0, done.output
    published = download(parse_address(str(shelf)), repo_type="model")
    assert list(read_rows(published / "training.parquet")) == list(read_rows(rectified / FOLDER / "training.parquet"))
    assert "`training.parquet`" in (published / "README.md").read_text()
    table = published / "training.parquet"
    table.write_bytes(table.read_bytes()[:-9] + b"x" + table.read_bytes()[-8:])
    assert cli("verify", str(shelf)).exit_code == 1


def test_its_card_takes_evaluations_of_the_same_weights(rectified: Path, tmp_path: Path) -> None:
    data = str(write_rows(tmp_path / "data", "pope", [MAKERS["pope"](n) for n in range(6)]))
    wanted = Evaluation(
        str(model_folder(TARGET)), str(rectified / ADAPTER), benchmarks=("pope",), data=data, device="cpu"
    )
    evaluated = run_evaluation(wanted, tmp_path / "evaluated")
    run = Run.open(rectified)
    _, facts = adapter_facts(run, WISH, rectified, "org/base", lambda model: "mit", [evaluated.path])
    (benchmark,) = [each for each in facts.comparisons if each.dataset_id]
    assert (benchmark.name, benchmark.after.trials) == ("pope", 6)
    assert len(facts.comparisons) == len(json.loads((rectified / "evaluation.json").read_text())["comparisons"]) + 1
    other = write_noise(str(model_folder(TARGET)), tmp_path / "other", 0.01)
    with pytest.raises(ReleaseError, match="that is none of this adapter"):
        adapter_facts(run, WISH, other, "org/base", lambda model: "mit", [evaluated.path])
    with pytest.raises(ReleaseError, match="wanted the folder of an evaluation"):
        adapter_facts(run, WISH, rectified, "org/base", lambda model: "mit", [tmp_path])


class Killed(Exception):
    pass


def test_after_a_kill_it_ends_with_the_same_adapter(
    path: Path, rectified: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = TuningWatch.on_step_end

    def dying(self: TuningWatch, args: object, state: object, control: object, **more: object) -> None:
        real(self, args, state, control, **more)  # type: ignore[arg-type]
        if state.global_step == 10:  # type: ignore[attr-defined]
            raise Killed

    monkeypatch.setattr(TuningWatch, "on_step_end", dying)
    wanted = Rectification(SMALL.mixture, SMALL.tuning, merge=True)
    with pytest.raises(Killed):
        rectify_run(path, wanted)
    assert not (path / ADAPTER).exists()
    monkeypatch.setattr(TuningWatch, "on_step_end", real)
    rectify_run(path, wanted, resume=True)
    name = ADAPTER / "adapter_model.safetensors"
    assert (path / name).read_bytes() == (rectified / name).read_bytes()


def test_a_second_time_needs_resume_and_the_same_settings(rectified: Path) -> None:
    before = (rectified / ADAPTER / "adapter_model.safetensors").read_bytes()
    with pytest.raises(RunError, match="holds a rectification: add --resume"):
        rectify_run(rectified, Rectification(SMALL.mixture, SMALL.tuning, merge=True))
    other = Rectification(Mixture(size=300), SMALL.tuning, merge=True)
    with pytest.raises(RunError, match=r"with other settings \(differing: mixture.size\)"):
        rectify_run(rectified, other, resume=True)
    rectify_run(rectified, Rectification(SMALL.mixture, SMALL.tuning, merge=True), resume=True)
    assert (rectified / ADAPTER / "adapter_model.safetensors").read_bytes() == before


def test_the_audit_of_a_repaired_target_can_be_resumed_and_its_repair_stays_in_the_report(
    rectified: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(rectified, tmp_path / "run"))
    settings = {"target": "playground", "steps": 0, "probes": 150, "pool_size": 150, "out": str(copy), "device": "cpu"}
    stages = list(Run.open(copy).stages)
    (copy / "report.html").unlink()
    run = audit(resume=True, **settings)
    assert list(run.stages) == stages
    assert '<h2 id="repair">' in (copy / "report.html").read_text()
    name = run.results()["failure_types"][0]["name"]
    (copy / "curation.yaml").write_text(json.dumps({"rename": {name: "what a person calls it"}}))
    run = audit(resume=True, **settings)
    assert not run.stage_done("rectify evaluate")
    assert '<h2 id="repair">' not in (copy / "report.html").read_text()


def test_the_merged_model_can_be_asked_for_later(path: Path, rectified: Path) -> None:
    rectify_run(path, SMALL)
    assert not (path / MERGED).exists()
    rectify_run(path, Rectification(SMALL.mixture, SMALL.tuning, merge=True), resume=True)
    name = MERGED / "model.safetensors"
    assert (path / name).read_bytes() == (rectified / name).read_bytes()


def test_a_loss_that_is_no_number_stops_it_and_another_rate_goes_on(path: Path, rectified: Path) -> None:
    wild = TuningSettings(steps=16, batch_size=16, learning_rate=1e30, eval_steps=4, warmup_ratio=0, device="cpu")
    with pytest.raises(ModelError, match="fine-tuning stopped at step"):
        rectify_run(path, Rectification(SMALL.mixture, wild))
    assert not (path / ADAPTER).exists()
    assert not (path / "evaluation.json").exists()
    with pytest.raises(RunError, match=r"differing: mixture.size"):
        rectify_run(path, Rectification(Mixture(size=200), SMALL.tuning), resume=True)
    rectify_run(path, Rectification(SMALL.mixture, SMALL.tuning, merge=True), resume=True)  # with the same lessons
    name = ADAPTER / "adapter_model.safetensors"
    assert (path / name).read_bytes() == (rectified / name).read_bytes()


def test_an_audit_without_failures_is_refused(path: Path) -> None:
    for arm in ("prompt_only", "random"):
        folder = path / "exchanges" / arm
        kept = [row for row in read_trials(folder) if not row.failed]
        for file in folder.iterdir():
            file.unlink()
        write_table(chunk_path(folder, 0), [to_row(row) for row in kept], SCHEMA)
    with pytest.raises(RunError, match="nothing to rectify"):
        rectify_run(path, SMALL)
    assert not (path / ADAPTER).exists()
    with pytest.raises(RunError, match="nothing to rectify"):  # and no word of other settings
        rectify_run(path, Rectification(Mixture(size=300), SMALL.tuning))


def test_an_audit_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    Run.create(tmp_path / "run", {"target": "playground", "auditor": "playground"}).close()
    with pytest.raises(RunError, match="is no finished audit"):
        rectify_run(tmp_path / "run", SMALL)
