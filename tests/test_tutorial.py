"""The tutorial is run as it is printed: its Python blocks, one after the other, in an empty folder."""

import re
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parent.parent / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_tutorial_runs_as_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(TUTORIAL.read_text())
    assert len(blocks) == 5
    exec(compile("\n".join(blocks), str(TUTORIAL), "exec"), {"__name__": "tutorial"})
    assert "trained: " in capsys.readouterr().out
    assert (tmp_path / "runs" / "second" / "results.json").is_file()
