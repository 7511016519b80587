"""Shared by all tests: a quiet, offline environment; and no test is skipped without a reason on record."""

import os
from collections.abc import Callable

import pytest
from strict_skips import pytest_addoption, pytest_configure  # noqa: F401
from typer.testing import CliRunner, Result

# Before any test imports torch: one thread per process, and nothing that leaves the machine.
os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")


@pytest.fixture
def cli() -> Callable[..., Result]:
    """Run the command line in this process."""
    from auditdm_cli.app import app

    return lambda *arguments: CliRunner().invoke(app, arguments)
