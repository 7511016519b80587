"""`auditdm-hub rectify` with input that cannot be used; what it does is in tests/workflows/test_rectification.py."""

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Cli = Callable[..., Result]


def test_bad_input_is_one_line(cli: Cli, tmp_path: Path) -> None:
    for words, code, said in (
        (["rectify", str(tmp_path / "nothing")], 1, "is no run"),
        (["rectify", str(tmp_path), "--adapt", "everything"], 2, "--adapt: got 'everything', wanted one of language"),
        (["rectify", str(tmp_path), "--replay", "1"], 2, ""),
    ):
        shown = cli(*words)
        assert shown.exit_code == code, shown.stderr
        assert said in shown.stderr
        assert "Traceback" not in shown.stderr
    assert not any(tmp_path.iterdir())
