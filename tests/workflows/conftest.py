"""Audits that tests share: they read them, or work on a copy."""

import shutil
from pathlib import Path

import pytest
from workflows.own_objects import Objects

from auditdm_hub.runs import Run
from auditdm_hub.workflows import audit


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An audit that is large enough to name the weaknesses of its target. To be read only."""
    return Objects().audit(tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def copy(finished: Run, tmp_path: Path) -> Path:
    """The folder of a copy of it."""
    return Path(shutil.copytree(finished.path, tmp_path / "copy"))


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an audit of the playground's target by its untrained auditor. To be read only."""
    out = tmp_path_factory.mktemp("audited") / "run"
    audit(target="playground", steps=0, probes=150, pool_size=150, out=str(out), device="cpu")
    return out


@pytest.fixture
def path(audited: Path, tmp_path: Path) -> Path:
    """The folder of a copy of it."""
    return Path(shutil.copytree(audited, tmp_path / "run"))
