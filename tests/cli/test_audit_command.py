import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from report import fake_run
from typer.testing import Result

from auditdm_cli.options import columns_of, refuse_idle, resume_line
from auditdm_hub.config import AuditConfig, load_config
from auditdm_hub.errors import ConfigError
from auditdm_hub.report import build_results
from auditdm_hub.runs import Run
from auditdm_hub.workflows.watching import Watcher

Cli = Callable[..., Result]


class Workflows(ModuleType):
    """Takes the place of `auditdm_hub.workflows`: remembers how it was called and writes a real result."""

    def __init__(self) -> None:
        super().__init__("auditdm_hub.workflows")
        self.config: AuditConfig | None = None
        self.options: dict[str, object] = {}
        self.error: BaseException | None = None
        self.Watcher = Watcher

    def run_audit(self, config: AuditConfig, watcher: Watcher, **options: object) -> Run:
        self.config, self.options = config, options
        watcher.say("auditing")
        watcher.stage("probe")(10, 10)
        if self.error is not None:
            raise self.error
        with Run.create(Path(config.out), config.model_dump(mode="json")) as run:
            rows, curation, _ = fake_run.run(run.path, count=6)
            (run.path / "results.json").write_text(json.dumps(build_results(rows, curation, fake_run.facts())))
        return run


@pytest.fixture
def workflows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workflows:
    monkeypatch.setattr(sys, "argv", ["auditdm-hub", "audit"])
    fake = Workflows()
    monkeypatch.setitem(sys.modules, "auditdm_hub.workflows", fake)
    monkeypatch.chdir(tmp_path)
    return fake


def test_without_options_it_audits_the_playground_in_a_new_folder(cli: Cli, workflows: Workflows) -> None:
    for name in ("playground", "playground-2"):
        assert cli("audit").exit_code == 0
        assert workflows.config == load_config(overrides={"out": f"runs/{name}"})
    line = "auditdm-hub audit --out runs/playground-2"
    assert workflows.options == {"resume": False, "yes": False, "command": line}


def test_the_line_to_reproduce_it_has_no_resume(
    cli: Cli, workflows: Workflows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["auditdm-hub", "audit", "--resume", "--seed", "3"])
    assert cli("audit", "--resume", "--seed", "3").exit_code == 0
    assert workflows.options["command"] == "auditdm-hub audit --seed 3 --out runs/playground"


def test_every_option_reaches_the_configuration(cli: Cli, workflows: Workflows) -> None:
    line = (
        "audit --preset gemma3-4b --target a/t --reference b/r --reference c/r --holdout d/h --auditor e/a --pool f/p "
        "--columns image=photo --columns question=q --pool-license cc0-1.0 --probes 7 --steps 0 --judge vqa "
        "--embedder g/e --no-baseline --seed 5 --device cuda:1 --report-to trackio --out there --resume --yes --quiet "
        "--known k/one --known k/two"
    )
    result = cli(*line.split())
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    config = workflows.config
    assert config is not None
    assert (config.target, config.references, config.holdout, config.auditor) == ("a/t", ("b/r", "c/r"), "d/h", "e/a")
    assert (config.pool, config.columns, config.pool_license) == ("f/p", {"image": "photo", "question": "q"}, "cc0-1.0")
    assert (config.probes, config.steps, config.judge, config.embedder) == (7, 0, "vqa", "g/e")
    assert (config.baseline, config.seed, config.device, config.report_to) == (False, 5, "cuda:1", "trackio")
    assert (config.out, config.known) == ("there", ("k/one", "k/two"))
    assert (workflows.options["resume"], workflows.options["yes"]) == (True, True)


def test_json_prints_the_results_and_nothing_else(cli: Cli, workflows: Workflows) -> None:
    result = cli("audit", "--json")
    assert (json.loads(result.stdout)["version"], result.stderr) == ("0.1.0", "")


def test_progress_goes_to_standard_error(cli: Cli, workflows: Workflows) -> None:
    result = cli("audit")
    assert result.stderr == "auditing\nprobe: 10 of 10 in 0 s\n"
    assert "Failure types" in result.stdout
    assert result.stdout.endswith("Report: runs/playground/report.html\n")


def test_a_file_is_read_and_its_errors_are_usage_errors(cli: Cli, workflows: Workflows, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("probes: 9\n")
    assert cli("audit", "c.yaml").exit_code == 0
    assert workflows.config is not None
    assert workflows.config.probes == 9
    (tmp_path / "c.yaml").write_text("prob: 9\n")
    result = cli("audit", "c.yaml")
    assert (result.exit_code, result.stderr) == (2, "Error: c.yaml:1: prob: unknown key, did you mean probes?\n")


def test_ctrl_c_says_how_to_go_on(cli: Cli, workflows: Workflows, monkeypatch: pytest.MonkeyPatch) -> None:
    workflows.error = KeyboardInterrupt()
    monkeypatch.setattr(sys, "argv", ["auditdm-hub", "audit", "--seed", "1"])
    result = cli("audit", "--seed", "1")
    assert result.exit_code == 130
    expected = "Interrupted; to continue: auditdm-hub audit --seed 1 --out runs/playground --resume"
    assert result.stderr.splitlines()[-1] == expected


def test_the_line_to_go_on_repeats_nothing() -> None:
    assert resume_line(["audit", "--out=a b", "--resume"], "a b") == "auditdm-hub audit '--out=a b' --resume"


def test_columns_are_pairs() -> None:
    assert columns_of(["image=photo", "question=q=1"]) == {"image": "photo", "question": "q=1"}
    assert columns_of(None) == {}
    with pytest.raises(ConfigError, match="got 'photo', wanted ROLE=COLUMN"):
        columns_of(["photo"])


def test_an_option_that_would_do_nothing_is_refused() -> None:
    refuse_idle("--columns", None, "--labelled", "")
    refuse_idle("--columns", ["a=b"], "--labelled", "data")
    with pytest.raises(ConfigError, match="--columns does nothing without --labelled"):
        refuse_idle("--columns", ["a=b"], "--labelled", "")
