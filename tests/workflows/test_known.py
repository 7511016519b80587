"""Failure types of earlier runs, which an auditor is not to find again."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from workflows.own_objects import Objects

from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.errors import ConfigError, RunError
from auditdm_hub.records import Judged
from auditdm_hub.runs import Run
from auditdm_hub.workflows.themes import known_types


def test_a_failure_of_a_type_that_an_earlier_run_found_is_known(finished: Run) -> None:
    types = json.loads((finished.path / "types.json").read_text())["types"]
    members = {member for kind in types for member in kind["members"]}
    rows = [row for arm in (finished.path / "exchanges").iterdir() for row in read_trials(arm)]
    known = known_types([str(finished.path)])
    assert known is not None
    assert members
    assert all(known(row) for row in rows if row.probe.id in members)
    strange = replace(rows[0].probe, question="who painted this?")
    assert not known(Judged(replace(rows[0].exchange, probe=strange), replace(rows[0].verdict, consensus="nobody")))
    assert known_types([]) is None


def test_a_folder_that_is_no_run_or_has_no_types_is_refused(finished: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError):
        known_types([str(tmp_path)])
    (tmp_path / "run.json").write_bytes((finished.path / "run.json").read_bytes())
    with pytest.raises(ConfigError, match="has no failure types"):
        known_types([str(tmp_path)])


def test_an_audit_that_is_told_of_a_wrong_run_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="gone"):
        Objects().audit(tmp_path / "run", known=[str(tmp_path / "gone")])
