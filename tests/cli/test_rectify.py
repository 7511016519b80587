"""`auditdm-hub rectify` with input that cannot be used; what it does is in tests/workflows/test_rectification.py."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from auditdm_hub.config import load_config
from auditdm_hub.runs import Run

Cli = Callable[..., Result]


def test_what_is_no_run_is_one_line(cli: Cli, tmp_path: Path) -> None:
    shown = cli("rectify", str(tmp_path / "nothing"))
    assert shown.exit_code == 1
    assert "is no run" in shown.stderr
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--adapt", "everything", "--adapt: got 'everything', wanted 'language', 'language and projector' or 'all'"),
        ("--replay", "1", "--replay: got 1.0, wanted less than or equal to 0.95"),
        ("--rank", "0", "--rank: got 0, wanted greater than or equal to 1"),
        ("--probes", "-3", "--probes: got -3, wanted greater than or equal to 0"),
        ("--learning-rate", "nan", "--learning-rate: got nan, wanted a finite number"),
    ],
)
def test_an_impossible_option_is_one_line(cli: Cli, tmp_path: Path, option: str, value: str, said: str) -> None:
    path = tmp_path / "run"
    Run.create(path, load_config().model_dump(mode="json")).close()
    shown = cli("rectify", str(path), option, value)
    assert shown.exit_code == 2
    assert said in shown.stderr
    assert "Traceback" not in shown.stderr
    assert not (path / "rectified").exists()
