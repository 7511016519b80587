"""croissant.json, and eval.yaml with its table, as their readers read them."""

import base64
import io
import json
import logging
from pathlib import Path
from typing import Any

import mlcroissant
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_dataset
from hub_server import HubServer
from huggingface_hub import snapshot_download
from PIL import Image
from publishing.conftest import Publish

from auditdm_hub import load_failures
from auditdm_hub.publishing.benchmark import TABLE, write_benchmark
from auditdm_hub.publishing.croissant import LABEL_SET, SPLIT_SET
from auditdm_hub.releases.schema import CONFIGS, SPLITS_OF, Config, features_of, shard_path
from auditdm_hub.runs import Run


@pytest.fixture
def releases(publish: Publish, tmp_path: Path) -> Path:
    publish("", to=tmp_path / "releases")
    return tmp_path / "releases"


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of mlcroissant's own


def test_croissant_is_valid(releases: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        dataset = mlcroissant.Dataset(str(releases / "croissant.json"))
    issues = dataset.metadata.ctx.issues
    assert (issues.errors, issues.warnings) == (set(), set())
    metadata = dataset.metadata
    assert metadata.version == "1.0.0"
    assert {each.id for each in metadata.record_sets} == {*CONFIGS, SPLIT_SET, LABEL_SET}
    assert metadata.machine_annotation_tools
    assert metadata.data_limitations
    assert metadata.personal_sensitive_information


def test_croissant_names_every_column_and_every_file(releases: Path) -> None:
    value = json.loads((releases / "croissant.json").read_text())
    manifest = json.loads((releases / "MANIFEST.json").read_text())
    fields = {each["@id"]: {field["name"] for field in each["field"]} for each in value["recordSet"]}
    for config, columns in manifest["columns"].items():
        assert fields[config] - {"split"} == set(columns)
        assert ("split" in fields[config]) == (len(manifest["rows"][config]) > 1)
    hashes = {each["contentUrl"]: each["sha256"] for each in value["distribution"] if each["@id"].startswith("data/")}
    assert hashes == {path: file["sha256"] for path, file in manifest["files"].items() if path.startswith("data/")}


@pytest.mark.parametrize("config", CONFIGS)
def test_a_reader_of_croissant_reads_what_datasets_reads(releases: Path, config: Config) -> None:
    dataset = mlcroissant.Dataset(str(releases / "croissant.json"))
    found = [plain(config, record) for record in dataset.records(config)]
    wanted = []
    for split in SPLITS_OF[config]:
        for row in load_failures(str(releases), config=config, split=split):
            own = {"split": split} if len(SPLITS_OF[config]) > 1 else {}
            wanted.append({name: comparable(value) for name, value in {**row, **own}.items()})
    assert len(found) == len(wanted) > 0

    def key(row: dict[str, Any]) -> str:
        return str(row.get("id", row.get("name")))

    assert sorted(found, key=key) == sorted(wanted, key=key)


def plain(config: str, record: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(f"{config}/"): comparable(value) for name, value in record.items()}


def comparable(value: Any) -> Any:  # noqa: ANN401 - any value of a row
    """Return a value as both readers give it: text instead of bytes, pixels instead of an image."""
    if isinstance(value, Image.Image):
        return value.convert("RGB").tobytes()
    if isinstance(value, list):
        return [{name.rpartition("/")[2]: comparable(part) for name, part in each.items()} for each in value]
    return value.decode() if isinstance(value, bytes) else value


def test_a_release_of_the_hub_names_its_repository(publish: Publish, hub: HubServer, tmp_path: Path) -> None:
    publish()
    folder = Path(snapshot_download("ada/set", repo_type="dataset", local_dir=tmp_path / "there"))
    value = json.loads((folder / "croissant.json").read_text())
    assert value["url"] == "https://huggingface.co/datasets/ada/set"
    dataset = mlcroissant.Dataset(str(folder / "croissant.json"), mapping={"repo": str(folder)})
    rows = sum(json.loads((folder / "MANIFEST.json").read_text())["rows"]["failures"].values())
    assert len(list(dataset.records("failures"))) == rows


def test_labels_of_croissant_are_those_of_the_data(releases: Path) -> None:
    dataset = mlcroissant.Dataset(str(releases / "croissant.json"))
    names = [plain(LABEL_SET, record)["name"] for record in dataset.records(LABEL_SET)]
    assert names == load_failures(str(releases)).features["failure_type"].names


def test_eval_yaml_names_a_table_with_the_failures_of_the_test_split(releases: Path) -> None:
    value = yaml.safe_load((releases / "eval.yaml").read_text())
    (task,) = value["tasks"]
    table = load_dataset(str(releases), task["config"], split=task["split"])
    assert set(task["field_spec"].values()) == set(table.column_names)
    failures = load_failures(str(releases), config="failures", split="test")
    assert len(table) == len(failures) > 0
    for row, failure in zip(table, failures, strict=True):
        assert (row["id"], row["input"], row["target"]) == (
            failure["id"], failure["question"], failure["consensus_answer"]
        )  # fmt: skip
        head, _, data = row["input_image"].partition(",")
        assert head == "data:image/png;base64"
        shown = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
        assert shown.convert("RGB").tobytes() == failure["image"].convert("RGB").tobytes()


def test_without_failures_in_the_test_split_there_is_no_benchmark(tmp_path: Path) -> None:
    shard = tmp_path / shard_path("failures", "test", 0, 1)
    shard.parent.mkdir(parents=True)
    pq.write_table(features_of("failures", []).arrow_schema.empty_table(), shard)
    write_benchmark(tmp_path)
    assert not (tmp_path / TABLE).exists()


def test_every_text_file_says_nothing_of_this_machine(releases: Path, run: Run) -> None:
    for path in releases.rglob("*"):
        if path.is_file() and path.suffix in (".md", ".json", ".yaml", ".txt", ""):
            assert str(run.path.parent) not in path.read_text()
