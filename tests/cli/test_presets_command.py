import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from auditdm_hub.config import load_config

Cli = Callable[..., Result]


def test_it_lists_each_with_its_description(cli: Cli) -> None:
    lines = cli("presets").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["gemma3-4b", "paper", "playground"]
    assert lines[2].endswith("The embedded playground: offline, some minutes on two CPU cores.")
    assert list(json.loads(cli("presets", "--json").stdout)) == ["gemma3-4b", "paper", "playground"]


def test_what_it_prints_is_a_configuration(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(cli("presets", "playground").stdout)
    assert load_config(tmp_path / "mine.yaml") == load_config(preset="playground")
    assert json.loads(cli("presets", "paper", "--json").stdout)["steps"] == 1000
