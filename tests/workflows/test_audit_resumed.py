from pathlib import Path

import pytest
from workflows.own_objects import Model, Objects, embedder, files, tables, timeless

from auditdm_hub.config import AuditConfig
from auditdm_hub.errors import ConfigError, RunError
from auditdm_hub.playground.backends import PlaygroundEditor, PlaygroundGenerator
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows
from auditdm_hub.workflows import Parts, run_audit

RENAME = "rename:\n  telling left from right: mixing up sides\n"


def names(run: Run) -> set[str]:
    return {kind["name"] for kind in run.results()["failure_types"]}


def test_a_finished_run_asks_no_model_and_stays_as_it_is(copy: Path) -> None:
    before, objects = files(copy), Objects()
    assert "telling left from right" in names(objects.audit(copy, resume=True))
    assert objects.calls == 0
    assert files(copy) == before


def test_the_line_of_a_command_is_in_the_results(finished: Run, copy: Path) -> None:
    objects = Objects()
    parts = Parts(
        objects.target, tuple(objects.references), objects.holdout, objects.auditor, embedder=embedder(),
        generator=PlaygroundGenerator(), editor=PlaygroundEditor(),
    )  # fmt: skip
    config = AuditConfig.model_validate({**finished.config, "out": str(copy)})
    first = "auditdm-hub audit --seed 0"
    for line in (first, "auditdm-hub audit --seed 0 --quiet", ""):  # the first one stays
        assert run_audit(config, parts, resume=True, command=line).results()["command"] == first
    assert objects.calls == 0
    assert {**timeless(Run.open(copy)), "command": ""} == timeless(finished)


def test_a_decision_by_hand_changes_types_results_and_report(finished: Run, copy: Path) -> None:
    (copy / "curation.yaml").write_text(RENAME)
    objects = Objects()
    run = objects.audit(copy, resume=True)
    assert objects.calls == 0
    assert names(run) == {"mixing up sides", "counting more than four objects"}
    for name in ("types.json", "results.json", "report.md", "report.html"):
        text = (copy / name).read_text()
        assert "mixing up sides" in text
        assert "telling left from right" not in text
    before, after = tables(finished.path), tables(copy)
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"curation.yaml", "types.json", "failures.parquet"}
    assert list(run.stages) == list(finished.stages)


def test_a_decision_that_is_taken_back_leaves_no_trace(finished: Run, copy: Path) -> None:
    (copy / "curation.yaml").write_text(RENAME)
    Objects().audit(copy, resume=True)
    (copy / "curation.yaml").write_bytes((finished.path / "curation.yaml").read_bytes())
    run = Objects().audit(copy, resume=True)
    assert tables(copy) == tables(finished.path)
    assert timeless(run) == timeless(finished)


def test_a_row_dropped_by_hand_is_in_no_type(finished: Run, copy: Path) -> None:
    dropped = finished.results()["failure_types"][0]["examples"][0]["probe_id"]
    (copy / "curation.yaml").write_text(f"drop_rows:\n  '{dropped}': the references are wrong\n")
    run = Objects().audit(copy, resume=True)
    assert dropped in (finished.path / "types.json").read_text()
    assert dropped not in (copy / "types.json").read_text()
    assert dropped not in {row["id"] for row in read_rows(copy / "failures.parquet")}
    assert run.results()["dropped"]["dropped by hand"] == 1


def test_a_faulty_decision_is_named_and_changes_nothing(copy: Path) -> None:
    (copy / "curation.yaml").write_text("renam: {}\n")
    before = files(copy)
    with pytest.raises(ConfigError, match=r"curation\.yaml: unknown key 'renam'"):
        Objects().audit(copy, resume=True)
    assert files(copy) == before


@pytest.mark.parametrize(
    ("key", "value"),
    [("probes", 101), ("seed", 1), ("quorum", 3), ("actions", ["question"]), ("target", Model("another", "mole"))],
)
def test_another_setting_is_refused_by_its_key(copy: Path, key: str, value: object) -> None:
    before, objects = files(copy), Objects()
    with pytest.raises(RunError, match=rf"another configuration \(differing: {key}\)"):
        objects.audit(copy, resume=True, **{key: value})
    assert objects.calls == 0
    assert files(copy) == before


def test_a_second_audit_in_the_folder_is_refused(copy: Path) -> None:
    before, objects = files(copy), Objects()
    with pytest.raises(RunError, match="already holds a run: add --resume"):
        objects.audit(copy)
    assert objects.calls == 0
    assert files(copy) == before


def test_a_table_that_was_changed_is_refused(copy: Path) -> None:
    table = copy / "exchanges" / "random" / "00000.parquet"
    table.write_bytes(table.read_bytes() + b"x")
    with pytest.raises(RunError, match="was changed after stage 'probe' wrote it"):
        Objects().audit(copy, resume=True)
