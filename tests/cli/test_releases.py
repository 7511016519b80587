"""`publish`, `list`, `download`, `verify` as people type them: on a folder, and through a real process on a Hub."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import HubServer
from hub_server.fixtures import hub  # noqa: F401
from publishing.conftest import LICENSES, run  # noqa: F401
from typer.testing import Result

from auditdm_hub.runs import Run

Cli = Callable[..., Result]
STATED = [part for name, licence in LICENSES.items() for part in ("--model-license", f"{name}={licence}")]
MAIN = "from auditdm_cli.app import main; main()"


@pytest.fixture
def releases(cli: Cli, run: Run, tmp_path: Path) -> Path:  # noqa: F811
    assert cli("publish", str(run.path), "--to", str(tmp_path / "releases"), "--quiet", *STATED).exit_code == 0
    return tmp_path / "releases"


def test_a_dry_run_writes_nothing_but_the_plan(cli: Cli, run: Run, tmp_path: Path) -> None:  # noqa: F811
    shown = cli("publish", str(run.path), "--to", str(tmp_path / "releases"), "--dry-run", *STATED)
    assert shown.exit_code == 0
    for words in (
        "releases v1.0.0, cc0-1.0",
        "First release.",
        "21 columns of failures: id string, image Image,",
        "Gates passed:",
    ):
        assert words in shown.stdout
    assert max(map(len, shown.stdout.split("Gates passed")[0].splitlines()[2:])) < 80
    assert not (tmp_path / "releases").exists()
    assert (run.path / "release" / "README.md").is_file()


def test_a_plan_as_json(cli: Cli, run: Run, releases: Path) -> None:  # noqa: F811
    plan = json.loads(cli("publish", str(run.path), "--to", str(releases), "--dry-run", "--json", *STATED).stdout)
    assert (plan["published"], plan["version"], plan["bump"], plan["changes"]) == (False, "v1.0.0", None, [])
    again = json.loads(cli("publish", str(run.path), "--to", str(releases), "--json", *STATED).stdout)
    assert (again["published"], again["version"]) == (False, "v1.0.0")


def test_list_download_verify(cli: Cli, releases: Path, tmp_path: Path) -> None:
    assert "v1.0.0" in cli("list", str(releases)).stdout
    assert json.loads(cli("list", str(releases), "--json").stdout)[0]["version"] == "v1.0.0"
    to = tmp_path / "here"
    assert cli("download", f"{releases}@v1.0.0", "--to", str(to)).stdout.strip() == str(to)
    assert json.loads(cli("download", str(releases), "--json").stdout)["version"] == "v1.0.0"
    checked = cli("verify", str(to))
    assert checked.exit_code == 0
    assert ": ok (" in checked.stdout
    (to / "NOTICE").chmod(0o644)
    (to / "NOTICE").write_text("x")
    broken = cli("verify", str(to))
    assert broken.exit_code == 1
    assert "\nNOTICE: has 1 bytes, wanted" in broken.stderr
    assert json.loads(cli("verify", str(to), "--json").stdout)["ok"] is False


def test_withdraw(cli: Cli, releases: Path) -> None:
    assert cli("publish", str(releases), "--withdraw", "v1.0.0").exit_code == 2
    assert cli("publish", str(releases), "--withdraw", "v1.0.0", "--why", "wrong \x1b[31mpool").exit_code == 0
    listed = cli("list", str(releases)).stdout
    assert "v1.0.0 was withdrawn: wrong" in listed
    assert "\x1b" not in listed


def test_the_shipped_example(cli: Cli) -> None:
    assert "v1.0.0" in cli("list", "playground").stdout
    checked = cli("verify", "playground")
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("publish", "nowhere", "--to", "x"), 1, "is no run"),
        (("publish", "RUN"), 2, "wanted ORG/NAME on the Hub, or --to FOLDER"),
        (("publish", "RUN", "a/b", "--append", "--replace"), 2, "say one of them"),
        (("publish", "RUN", "a/b", "--gated", "yes"), 2, "wanted auto or manual"),
        (("publish", "RUN", "--to", "x", "--private"), 2, "leave them out with --to"),
        (("publish", "RUN", "--to", "x", "--version", "one"), 1, "wanted three numbers such as v1.0.0"),
        (("publish", "RUN", "--to", "x", "--model-license", "a"), 2, "wanted two names with = between them"),
        (
            ("publish", "RUN", "--to", "x", "--license-file", "gemma=nowhere.txt"),
            1,
            "cannot read nowhere.txt (No such file",
        ),
        (
            ("publish", "RUN", "--to", "x", "--adapter", "nowhere"),
            1,
            "nowhere is no adapter: it has no",
        ),
        (("publish", "RUN", "--to", "x", "--adapter", "RUN"), 1, "holds no adapter"),
        (("download", "nowhere"), 2, "neither a folder nor a name on the Hub"),
        (("download", "playground", "--type", "telling left from right"), 2, "add --to DIR"),
        (("download", "playground@v7.0.0"), 1, "has no version v7.0.0; there are: v1.0.0"),
        (("download", "a/b@1"), 1, "wanted three numbers"),
        (("list", "nowhere"), 2, "neither a folder nor a name"),
        (("list", "a/b", "--repo-type", "space"), 2, "wanted dataset or model"),
        (("verify", "."), 2, "a folder without releases"),
    ],
)
def test_bad_input_is_one_line(
    cli: Cli,
    run: Run,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    stated = STATED if "RUN" in arguments else ()
    result = cli(*(str(run.path) if each == "RUN" else each for each in arguments), *stated)
    assert result.exit_code == code, result.output
    assert result.stderr.count("\n") == 1, result.stderr
    assert words in result.stderr
    assert not (tmp_path / "x").exists()


def test_every_command_on_a_hub(hub: HubServer, run: Run, tmp_path: Path) -> None:  # noqa: F811
    """As a user: real processes, tokens and caches from the environment."""
    environment = {**os.environ, **hub.env(), "HF_HOME": str(tmp_path / "user")}

    def ask(*arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-c", MAIN, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    assert "Published v1.0.0 at" in ask("publish", str(run.path), "lab/set", "--private", *STATED)
    assert "Already published" in ask("publish", str(run.path), "lab/set", *STATED)
    assert "lab/set (private)" in ask("list")
    assert "ok (" in ask("verify", "lab/set")
    environment["HF_TOKEN"] = hub.token("eve")
    assert "not found; if it is private, log in" in ask("download", "lab/set", code=1)
    environment["HF_TOKEN"] = hub.token("reader")
    assert "may not do that" in ask("publish", str(run.path), "lab/other", *STATED, code=1)
    done = subprocess.run(
        [Path(sys.executable).with_name("hf"), "cache", "verify", "lab/set", "--repo-type", "dataset"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
