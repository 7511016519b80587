"""What changed decides how large the step of the version is."""

from dataclasses import replace

import pytest

from auditdm_hub.publishing.difference import difference
from auditdm_hub.publishing.plan import changelog
from auditdm_hub.releases.manifest import Change, File, Manifest
from auditdm_hub.releases.version import Bump, Version

OLD = Manifest(
    kind="dataset",
    name="org/set",
    version=Version(1, 0, 0),
    previous=None,
    license="cc0-1.0",
    date="2026-01-01",
    tool="test",
    models=("target@1",),
    rows={"failures": {"train": 2, "test": 1}, "failure_types": {"train": 2}},
    types={"counting": "answer > 4", "sides": "answer in {left}"},
    files={"README.md": File(1, "a" * 64)},
    content="old",
    columns={"failures": {"id": "text", "question": "text"}},
)
ROWS = {
    ("failures", "1" * 16): "train a",
    ("failures", "2" * 16): "test b",
    ("failure_types", "counting"): "train c",
    ("failure_types", "a type of 16 let"): "train e",
}


def tightened(before: str, after: str) -> bool:
    return after == "cc-by-nc-4.0"


def bump(new: Manifest = OLD, rows: dict[tuple[str, str], str] = ROWS) -> tuple[Bump | None, list[str]]:
    found = difference(OLD, new, ROWS, rows, tightened)
    return found.bump, [line for _, line in found.changes]


def test_nothing_changed() -> None:
    assert bump() == (None, [])


@pytest.mark.parametrize(
    ("change", "step", "line"),
    [
        ({"models": ("target@2",)}, "major", "target: target@2 instead of target@1"),
        ({"columns": {"failures": {"id": "text"}}}, "major", "column question of failures removed"),
        (
            {"columns": {"failures": {"id": "int", "question": "text"}}},
            "major",
            "column id of failures retyped: int instead of text",
        ),
        ({"columns": {}}, "major", "config failures removed"),
        (
            {"columns": {"failures": {"id": "text", "question": "text", "why": "text"}}},
            "minor",
            "column why of failures added",
        ),
        ({"columns": {**OLD.columns, "exchanges": {"id": "text"}}}, "minor", "config exchanges added"),
        (
            {"rows": {"failures": {"train": 3}, "failure_types": {"train": 2}}},
            "major",
            "split test of failures removed",
        ),
        ({"types": {"counting": "answer > 4"}}, "major", "failure type removed: sides"),
        (
            {"types": {"counting": "answer > 5", "sides": "answer in {left}"}},
            "major",
            "failure type defined anew: counting",
        ),
        (
            {"types": {"sides": "answer in {left}", "counting": "answer > 4"}},
            "major",
            "labels of failure types renumbered",
        ),
        ({"types": {**OLD.types, "clocks": "any question"}}, "minor", "failure type added: clocks"),
        ({"types": {"clocks": "any question", **OLD.types}}, "major", "labels of failure types renumbered"),
        ({"license": "cc-by-nc-4.0"}, "major", "licence: cc-by-nc-4.0 instead of cc0-1.0"),
        ({"license": "mit"}, "patch", "licence: mit instead of cc0-1.0"),
        ({"content": "new", "files": {"README.md": File(2, "b" * 64)}}, "patch", "wording or metadata: README.md"),
    ],
)
def test_a_changed_manifest_requires_a_step(change: dict[str, object], step: Bump, line: str) -> None:
    found, lines = bump(replace(OLD, **change))  # type: ignore[arg-type]
    assert found == step
    assert line in lines


@pytest.mark.parametrize(
    ("change", "step", "line"),
    [
        ({("failures", "3" * 16): "train d"}, "minor", "1 row of failures added"),
        ({("failures", "1" * 16): "train z"}, "minor", "1 row of failures corrected"),
        ({("failures", "1" * 16): "test a"}, "minor", f"corrected: {'1' * 16}"),
        ({("failures", "1" * 16): None}, "major", "1 row of failures removed"),
        ({("failure_types", "counting"): "train z"}, "minor", "figures of 1 failure type changed"),
    ],
)
def test_changed_rows_require_a_step(change: dict[tuple[str, str], str | None], step: Bump, line: str) -> None:
    rows = {key: kept for key, kept in {**ROWS, **change}.items() if kept is not None}
    found, lines = bump(OLD, rows)
    assert found == step
    assert line in lines


def test_figures_of_a_type_are_no_erratum_of_a_row() -> None:
    rows = {**ROWS, ("failure_types", "a type of 16 let"): "train z"}
    assert not any(line.startswith("corrected") for line in bump(OLD, rows)[1])


def test_a_long_erratum_is_counted() -> None:
    old = {("failures", f"{number:016x}"): "train a" for number in range(50)}
    new = dict.fromkeys(old, "train b")
    lines = [line for _, line in difference(OLD, OLD, old, new, tightened).changes]
    assert lines[1].endswith("and 30 more (compare index.parquet)")


def test_rows_are_counted_by_config() -> None:
    rows = {("failures", "1" * 16): "train z", ("failures", "3" * 16): "train d"}
    counts = difference(OLD, OLD, ROWS, rows, tightened).rows
    assert counts["failures"] == {"added": 1, "removed": 1, "changed": 1, "unchanged": 0}
    assert counts["failure_types"] == {"added": 0, "removed": 2, "changed": 0, "unchanged": 0}


def test_a_changelog_says_names_and_does_nothing_with_them() -> None:
    text = changelog("org/set", [Change("v1.0.0", "2026-01-01", ("type added: reading <img src=x> [here](http://x)",))])
    assert b"<img" not in text
    assert b"](http://" not in text
