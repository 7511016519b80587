"""What an audit prints at its end, and `auditdm-hub report`."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from report.fake_run import facts, run
from rich.console import Console
from typer.testing import Result

from auditdm_cli.summary import show
from auditdm_hub.report import Results, build_results, write_report
from auditdm_hub.runs import Run

Cli = Callable[..., Result]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    rows, found, _ = run(tmp_path_factory.mktemp("run"))
    return build_results(rows, found, facts())


def printed(results: Results, encoding: str = "utf-8", path: str = "runs/x") -> str:
    stream = io.BytesIO()
    file = io.TextIOWrapper(stream, encoding=encoding, newline="")
    show(results, Path(path), Console(file=file, width=80, highlight=False))
    file.flush()
    return stream.getvalue().decode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_it_fits_80_columns_without_colour(results: Results, encoding: str) -> None:
    text = printed(results, encoding)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "…" not in text


def test_it_fits_with_large_figures(results: Results) -> None:
    large: Results = json.loads(json.dumps(results))
    for arm in large["search_success"].values():
        assert arm is not None
        for part in (arm, *arm["by_pairing"].values()):
            part.update({"rate": 1.0, "low": 0.96, "high": 1.0, "valid": 123456, "trials": 123456})
    large["failure_types"][0]["name"] = "counting " + "very " * 30 + "many objects"
    text = printed(large)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("100% 96–100%") == 12


def test_it_says_what_was_found(results: Results) -> None:
    text = printed(results)
    for kind in results["failure_types"]:
        line = next(line for line in text.splitlines() if line.startswith(kind["name"]))
        assert kind["status"] in line
        assert f"{kind['failures']} / {kind['trials']}" in line
    trained = results["search_success"]["trained"]
    assert trained is not None
    line = next(line for line in text.splitlines() if line.startswith("trained"))
    assert line.rstrip().endswith(f"{trained['effective_types']:.1f}")
    assert "4 min 11 s" in text
    assert "answers of the target 843" in text


def test_a_long_path_stays_on_one_line(results: Results) -> None:
    path = "/a very long folder/" * 6
    assert f"Report: {Path(path)}/report.html\n" in printed(results, path=path)


def test_what_models_wrote_is_no_markup_and_steers_no_terminal(results: Results) -> None:
    changed: Results = json.loads(json.dumps(results))
    changed["failure_types"][0]["name"] = "[red]a[/red] \x1b[2Jb\u202e\nc"
    text = printed(changed)
    assert "[red]a[/red]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]a[/red]  [2Jb  c" in text
    changed["failure_types"][0]["name"] = "löwen"
    assert "l?wen" in printed(changed, "ascii")


def test_without_types_it_says_why(results: Results) -> None:
    refused: Results = {**results, "failure_types": [], "refusal": "the wrong answers are as good as random"}
    text = printed(refused)
    assert "no failure type could be named" in text.replace("\n", " ")
    assert "the wrong answers are as good as random" in text


def test_without_a_baseline_there_is_one_row(results: Results) -> None:
    alone: Results = {**results, "search_success": {**results["search_success"], "prompt_only": None, "random": None}}
    text = printed(alone)
    assert "prompt-only" not in text
    assert "before training" not in text


def test_report_writes_the_pages_again(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    Run.create(folder, {}).close()
    rows, found, _ = run(folder, 12)
    (folder / "results.json").write_text(json.dumps(build_results(rows, found, facts())))
    result = cli("report", str(folder))
    assert result.exit_code == 0, result.stderr
    assert "Search success" in result.stdout
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert (folder / "report.md").exists()
    assert cli("report", str(folder), "--quiet").stdout == ""


def test_report_of_an_unfinished_run_says_what_to_do(cli: Cli, tmp_path: Path) -> None:
    Run.create(tmp_path / "run", {}).close()
    result = cli("report", str(tmp_path / "run"))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "run again with --resume" in result.stderr
    assert "is no run" in cli("report", str(tmp_path)).stderr


def test_a_report_that_was_written_again_is_what_its_run_expects(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with Run.create(folder, {}) as opened:
        rows, found, _ = run(folder, 12)
        results = folder / "results.json"
        results.write_text(json.dumps(build_results(rows, found, facts())))
        write_report(folder, json.loads(results.read_text()), opened.images)
        opened.finish_stage("report", ["results.json", "report.md", "report.html"], 1.0)
    (folder / "report.html").write_text("an older version's")
    assert cli("report", str(folder), "--quiet").exit_code == 0
    Run.open(folder).verify("report")
    results.write_text(results.read_text().replace('"seed": 0', '"seed": 1'))
    refused = cli("report", str(folder))
    assert refused.exit_code == 1
    assert "results.json was changed after stage 'report' wrote it" in refused.stderr
