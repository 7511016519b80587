import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from auditdm_hub.config import load_config

Cli = Callable[..., Result]
PRESETS = ["gemma3-4b", "paligemma2-3b", "paper", "playground", "qwen3-vl-4b", "smolvlm-256m"]


def test_it_lists_each_with_its_description(cli: Cli) -> None:
    lines = cli("presets").stdout.splitlines()
    assert [line.split()[0] for line in lines] == PRESETS
    assert lines[3].endswith("The embedded playground: offline, some minutes on two CPU cores.")
    assert list(json.loads(cli("presets", "--json").stdout)) == PRESETS


def test_what_it_prints_is_a_configuration(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(cli("presets", "playground").stdout)
    assert load_config(tmp_path / "mine.yaml") == load_config(preset="playground")
    assert json.loads(cli("presets", "paper", "--json").stdout)["steps"] == 1000
