"""One audit with own objects, shared by all tests that read it, or that resume a copy of it."""

import shutil
from pathlib import Path

import pytest
from workflows.own_objects import Objects

from auditdm_hub.runs import Run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An audit that is large enough to name the weaknesses of its target. To be read only."""
    return Objects().audit(tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def copy(finished: Run, tmp_path: Path) -> Path:
    """The folder of a copy of it."""
    return Path(shutil.copytree(finished.path, tmp_path / "copy"))
