import subprocess
import sys
from pathlib import Path

import pytest
from strict_skips import read_allowed_skips

TESTS = """
import pytest

def test_passes(): pass

@pytest.mark.skip(reason="no")
def test_skipped(): pass
"""


def run_pytest(folder: Path, allowed: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(Path(__file__).with_name("strict_skips.py").read_text())
    (folder / "allowed_skips.txt").write_text(allowed)
    (folder / "test_it.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_an_unlisted_skip_fails_the_session(tmp_path: Path, workers: tuple[str, ...]) -> None:
    result = run_pytest(tmp_path, "", "--strict-skips", *workers)
    assert result.returncode == 1, result.stdout
    assert "SKIPPED BUT NOT ALLOWED test_it.py::test_skipped" in result.stdout


def test_a_listed_skip_passes(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, "test_it.py::test_skipped  # why\n", "--strict-skips").returncode == 0


def test_without_the_option_skips_are_free(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, "").returncode == 0


def test_a_listed_skip_needs_a_reason() -> None:
    with pytest.raises(pytest.UsageError, match="has no reason"):
        read_allowed_skips("tests/test_x.py::test_y\n")
