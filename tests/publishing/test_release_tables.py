"""The tables of a release from a real (small) run."""

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from PIL import Image
from workflows.own_objects import Objects

from auditdm_hub.errors import ReleaseError, RunError
from auditdm_hub.images import image_sha
from auditdm_hub.publishing import shards
from auditdm_hub.publishing.difference import read_index
from auditdm_hub.publishing.run_rows import RunRows
from auditdm_hub.publishing.staging import Tables, write_tables
from auditdm_hub.publishing.union import Union
from auditdm_hub.releases.schema import CONFIGS, INDEX, row_id, split_of
from auditdm_hub.runs import Run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Objects().audit(tmp_path_factory.mktemp("runs") / "run")


def written(run: Run, folder: Path, checked: list[str] | None = None) -> tuple[RunRows, Tables]:
    folder.mkdir()
    rows = RunRows(run, lambda model: "apache-2.0")
    seen = [] if checked is None else checked

    def check(config: str, identity: str, row: object) -> Iterator[object]:
        seen.append(f"{config} {identity}")
        return iter(())

    return rows, write_tables(Union(rows, None, None), folder, "own", check, lambda done: None)


def test_every_failure_and_exchange_of_the_run_is_a_row(run: Run, tmp_path: Path) -> None:
    checked: list[str] = []
    rows, tables = written(run, tmp_path / "set", checked)
    failures = pq.read_table(run.path / "failures.parquet").to_pylist()
    loaded = {config: load_dataset("parquet", data_dir=str(tmp_path / "set" / "data" / config)) for config in CONFIGS}
    assert {
        config: {split: len(part) for split, part in sets.items()} for config, sets in loaded.items()
    } == tables.rows
    assert sum(tables.rows["failures"].values()) == len({(row["image_sha"], row["question"]) for row in failures})
    asked = {(row["image_sha"], row["question"]) for path in (run.path / "exchanges").rglob("*.parquet")
             for row in pq.read_table(path).to_pylist() if not row["fault"]}  # fmt: skip
    assert sum(tables.rows["exchanges"].values()) == len(asked)
    index = read_index(tmp_path / "set" / INDEX)
    assert len(index) == len(checked) == sum(sum(splits.values()) for splits in tables.rows.values())
    assert len(loaded["failure_types"]["train"]) == len(rows.types) > 0


def test_a_row_holds_what_it_names(run: Run, tmp_path: Path) -> None:
    rows, tables = written(run, tmp_path / "set")
    for split in ("train", "test"):
        part = load_dataset("parquet", data_files=str(tmp_path / "set" / "data" / "failures" / f"{split}-*.parquet"))[
            "train"
        ]
        names = part.features["failure_type"].names
        assert names == [*(kind.name for kind in rows.types), "unassigned"]
        for row in part:
            assert image_sha(row["image"]) == row["image_sha256"]
            changed = row["image_source"] != "original"
            assert (row["source_image"] is not None) == (row["source_image_sha256"] != row["image_sha256"]) == changed
            assert row["id"] == row_id(row["image_sha256"], row["question"], "own-target")
            assert split == split_of(row["source_image_sha256"])
            assert row["target_answer"] != row["consensus_answer"]
            assert {answer["model"] for answer in row["reference_answers"]} >= {"own-owl", "own-hawk", "own-lynx"}
            assert row["generator_license"] == ("apache-2.0" if changed else "")
    assert {name for name, samples in tables.samples.items() if samples} <= {*names}
    assert all(Image.open(io.BytesIO(each.image)).size for samples in tables.samples.values() for each in samples)


def test_the_same_run_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        written(run, tmp_path / name)
    one, two = ({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
                for folder in (tmp_path / "one", tmp_path / "two"))  # fmt: skip
    assert one == two


def test_large_tables_are_several_shards_with_small_row_groups(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "GROUP_BYTES", 20_000)
    monkeypatch.setattr(shards, "SHARD_BYTES", 60_000)
    _, tables = written(run, tmp_path / "set")
    files = sorted((tmp_path / "set" / "data" / "exchanges").glob("train-*.parquet"))
    assert len(files) > 2
    assert files[0].name == f"train-00000-of-{len(files):05d}.parquet"
    assert sum(pq.read_metadata(file).num_rows for file in files) == tables.rows["exchanges"]["train"]
    groups = [
        pq.read_metadata(file).row_group(number).total_byte_size
        for file in files
        for number in range(pq.read_metadata(file).num_row_groups)
    ]
    assert max(groups) < 60_000


def test_what_is_left_out_is_counted_once_however_often_it_is_read(run: Run) -> None:
    rows, counts = RunRows(run, lambda model: ""), []
    for _ in range(2):
        list(rows.rows("exchanges"))
        counts.append(dict(rows.dropped))
    assert counts[0] == counts[1] != {}


def test_a_changed_image_or_table_is_not_published(tmp_path: Path) -> None:
    run = Objects().audit(tmp_path / "run", probes=24, pool_size=40)
    rows = RunRows(run, lambda model: "")
    image = next(row["image"] for row in rows.rows("exchanges"))
    Image.new("RGB", (8, 8)).save(run.images.path(image))
    with pytest.raises(RunError, match="was changed"):
        rows.image(image)
    (run.path / "types.json").write_text("{}")
    with pytest.raises(RunError, match="was changed after stage 'curate'"):
        RunRows(run, lambda model: "")


def test_an_unfinished_run_is_not_published(tmp_path: Path) -> None:
    with (
        Run.create(tmp_path / "run", {"target": "x", "auditor": "y"}) as run,
        pytest.raises(ReleaseError, match="finish the audit with --resume"),
    ):
        RunRows(run, lambda model: "")
    with (
        Run.create(tmp_path / "evaluation", {"model": "x"}) as run,
        pytest.raises(ReleaseError, match="is no audit, so it has no failures to publish"),
    ):
        RunRows(run, lambda model: "")
