"""croissant.json and eval.yaml, as their readers read them."""

import json
import logging
from pathlib import Path

import mlcroissant
import pytest
import yaml
from publishing.conftest import Publish

from auditdm_hub import load_failures
from auditdm_hub.runs import Run


@pytest.fixture
def releases(publish: Publish, tmp_path: Path) -> Path:
    publish("", to=tmp_path / "releases")
    return tmp_path / "releases"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib, which mlcroissant uses
def test_croissant_is_valid(releases: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset(str(releases / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert (issues.errors, issues.warnings) == (set(), set())
    metadata = dataset.metadata
    assert metadata.version == "1.0.0"
    assert {each.id for each in metadata.record_sets} == {"failures", "failure_types", "exchanges"}
    assert metadata.machine_annotation_tools
    assert metadata.data_limitations
    assert metadata.personal_sensitive_information


def test_croissant_names_every_column_and_every_file(releases: Path) -> None:
    value = json.loads((releases / "croissant.json").read_text())
    manifest = json.loads((releases / "MANIFEST.json").read_text())
    fields = {each["@id"]: {field["name"] for field in each["field"]} for each in value["recordSet"]}
    assert fields == {config: set(columns) for config, columns in manifest["columns"].items()}
    hashes = {each["contentUrl"]: each["sha256"] for each in value["distribution"] if each["@id"].startswith("data/")}
    assert hashes == {path: file["sha256"] for path, file in manifest["files"].items() if path.startswith("data/")}


def test_eval_yaml_names_what_there_is(releases: Path) -> None:
    value = yaml.safe_load((releases / "eval.yaml").read_text())
    (task,) = value["tasks"]
    rows = load_failures(str(releases), config=task["config"], split=task["split"])
    assert set(task["field_spec"].values()) <= set(rows.column_names)


def test_every_text_file_says_nothing_of_this_machine(releases: Path, run: Run) -> None:
    for path in releases.rglob("*"):
        if path.is_file() and path.suffix in (".md", ".json", ".yaml", ".txt", ""):
            assert str(run.path.parent) not in path.read_text()
