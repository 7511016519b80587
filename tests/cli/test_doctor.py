import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Cli = Callable[..., Result]


def test_it_names_what_an_audit_depends_on(cli: Cli) -> None:
    result = cli("doctor", "--json")
    assert result.exit_code == 0, result.stdout
    checks = {check["name"]: check for check in json.loads(result.stdout)}
    assert {"auditdm-hub", "torch", "datasets", "device", "memory", "hub", "token", "disk"} <= checks.keys()
    assert all(check["remedy"] for check in checks.values() if check["status"] != "ok")


def test_a_finding_that_must_be_mended_exits_with_1(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("auditdm_hub.diagnosis.ENOUGH_DISK", 1 << 80)
    result = cli("doctor", "--out", str(tmp_path / "not" / "yet"))
    assert result.exit_code == 1
    line = next(line for line in result.stdout.splitlines() if line.startswith("wrong"))
    assert f"free in {tmp_path}" in line
    assert "-> free" in line
