"""A folder as a Hub: immutable versions, a root that mirrors the newest, and nothing that a kill can break."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from publishing.conftest import Publish

from auditdm_hub import load_failures
from auditdm_hub.errors import ConfigError, ReleaseError
from auditdm_hub.publishing import folder as folders
from auditdm_hub.releases.address import parse_address
from auditdm_hub.releases.check import check_release
from auditdm_hub.releases.download import download
from auditdm_hub.runs import Run
from auditdm_hub.workflows.publication import Options, withdraw_version


@pytest.fixture
def releases(publish: Publish, tmp_path: Path) -> Path:
    publish("", to=tmp_path / "releases")
    return tmp_path / "releases"


def faults(folder: Path) -> list[str]:
    return check_release(parse_address(str(folder))).faults


def test_the_same_run_makes_one_release(releases: Path, publish: Publish) -> None:
    before = {path: path.read_bytes() for path in releases.rglob("*") if path.is_file()}
    assert publish("", to=releases).fresh is False
    assert {path: path.read_bytes() for path in releases.rglob("*") if path.is_file()} == before
    assert faults(releases) == []


def test_it_loads_as_any_data_set(releases: Path) -> None:
    rows = load_dataset(str(releases))
    assert {split: part["id"] for split, part in rows.items()} == {
        split: load_failures(str(releases), split=split)["id"] for split in ("train", "test")
    }
    assert len(load_dataset(str(releases), "failure_types", split="train")) > 0


def test_the_root_is_the_newest_version(releases: Path, publish: Publish, other_run: Run) -> None:
    second = publish("", path=other_run.path, to=releases, replace=True)
    assert str(second.version) == "v2.0.0"
    newest = {
        path.relative_to(releases / "versions" / "v2.0.0") for path in (releases / "versions" / "v2.0.0").rglob("*")
    }
    root = {path.relative_to(releases) for path in releases.rglob("*") if "versions" not in path.parts[-4:]}
    assert newest <= root | newest
    assert (releases / "README.md").read_bytes() == (releases / "versions" / "v2.0.0" / "README.md").read_bytes()
    assert len(load_dataset(str(releases), split="train")) == len(load_failures(str(releases), "v2.0.0", split="train"))
    assert faults(releases) == []
    assert json.loads((releases / "MANIFEST.json").read_text())["previous"] == "v1.0.0"


def test_what_no_version_put_there_stays(releases: Path, publish: Publish, other_run: Run) -> None:
    for name in (".git/config", "notes.md", "data/mine.csv"):
        (releases / name).parent.mkdir(exist_ok=True)
        (releases / name).write_text("mine")
    stale = {path.name for path in (releases / "audits").iterdir()}
    publish("", path=other_run.path, to=releases, replace=True)
    assert all((releases / name).read_text() == "mine" for name in (".git/config", "notes.md", "data/mine.csv"))
    assert not stale & {path.name for path in (releases / "audits").iterdir()}


def test_a_version_is_never_changed(releases: Path, publish: Publish, other_run: Run) -> None:
    with pytest.raises(ReleaseError, match="wanted one after v1.0.0"):
        publish("", path=other_run.path, to=releases, replace=True, version="v1.0.0")
    with pytest.raises(ReleaseError, match=r"wanted at least v2\.0\.0, for these are major changes"):
        publish("", path=other_run.path, to=releases, replace=True, version="v1.1.0")
    with pytest.raises(ReleaseError, match="the same release under a second number"):
        publish("", to=releases, version="v1.0.1")


@pytest.mark.parametrize("step", ["_copy", "_mirror", "_replace"])
def test_a_kill_in_any_step_is_mended_by_the_same_command(
    publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    whole = getattr(folders, step)

    def killed(*arguments: object) -> None:
        if step != "_mirror":
            whole(*arguments)  # half of the work is done
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(folders, step, killed)
        with pytest.raises(KeyboardInterrupt):
            publish("", to=tmp_path / "releases")
    publish("", to=tmp_path / "releases")
    assert faults(tmp_path / "releases") == []


def test_a_foreign_folder_is_left_alone(publish: Publish, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ReleaseError, match="is not empty and holds no releases"):
        publish("", to=tmp_path / "mine")
    with pytest.raises(ConfigError, match="wanted ORG/NAME on the Hub, or --to FOLDER"):
        publish("")


def flip(path: Path, place: int) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    "name", ["README.md", "index.parquet", "data/failures/train-00000-of-00001.parquet", "LICENSES/cc0-1.0.txt"]
)
def test_a_flipped_byte_is_found(releases: Path, name: str) -> None:
    flip(releases / "versions" / "v1.0.0" / name, 100)
    assert any(fault.startswith(name) for fault in faults(releases))
    with pytest.raises(ReleaseError, match="is not what MANIFEST.json says"):
        download(parse_address(str(releases)))


def test_missing_and_extra_files_are_found(releases: Path) -> None:
    version = releases / "versions" / "v1.0.0"
    (version / "NOTICE").unlink()
    (version / "extra.bin").write_bytes(b"x")
    assert {"NOTICE: is missing", "extra.bin: is not in MANIFEST.json"} <= set(faults(releases))


def test_a_row_that_was_changed_with_its_manifest_is_found(releases: Path, tmp_path: Path) -> None:
    """Whoever changes a table can write a manifest that fits; rows still have to be what the index says."""
    lone = tmp_path / "lone"
    shutil.copytree(releases / "versions" / "v1.0.0", lone)
    path = lone / "data" / "failures" / "train-00000-of-00001.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[0]["consensus_answer"] = "something else"
    rows[1]["question"] = "another one?"
    rows[2]["image"] = rows[-1]["image"]
    path.chmod(0o644)
    pq.write_table(type(table).from_pylist(rows, schema=table.schema), path)
    manifest = json.loads((lone / "MANIFEST.json").read_text())
    from auditdm_hub.releases.manifest import File, digest_of, open_manifest

    name = path.relative_to(lone).as_posix()
    entry = File.of(path)
    manifest["files"][name] = {"size": entry.size, "sha256": entry.sha256}
    manifest["digest"] = digest_of({**open_manifest(lone).files, name: entry})
    (lone / "MANIFEST.json").chmod(0o644)
    (lone / "MANIFEST.json").write_text(json.dumps(manifest))
    found = faults(lone)
    assert any("row 0: is not what index.parquet says" in fault for fault in found)
    assert any("row 1: its id is not that of its image, question and target" in fault for fault in found)
    assert any("its pixels are not what its name says" in fault for fault in found)


def test_a_manifest_of_a_stranger_reaches_nothing_outside(releases: Path) -> None:
    file = releases / "versions" / "v1.0.0" / "MANIFEST.json"
    file.chmod(0o644)
    manifest = json.loads(file.read_text())
    manifest["files"]["../../outside"] = manifest["files"].pop("NOTICE")
    file.write_text(json.dumps(manifest))
    with pytest.raises(ReleaseError, match="which is outside of the release"):
        check_release(parse_address(str(releases)))


def test_withdrawn_versions_are_passed_over(releases: Path, publish: Publish, other_run: Run) -> None:
    publish("", path=other_run.path, to=releases, replace=True)
    withdraw_version(str(releases), "v2.0.0", "wrong pool", Options())
    assert download(parse_address(str(releases))).name == "v1.0.0"
    said: list[str] = []
    assert download(parse_address(f"{releases}@v2.0.0"), say=said.append).name == "v2.0.0"
    assert said == [f"Warning: {releases} v2.0.0 was withdrawn: wrong pool"]
    with pytest.raises(ReleaseError, match="has no version v3.0.0; there are: v1.0.0, v2.0.0"):
        withdraw_version(str(releases), "v3.0.0", "?", Options())


def test_one_type_can_be_downloaded(releases: Path, tmp_path: Path) -> None:
    name = load_failures(str(releases), config="failure_types")["name"][0]
    folder = download(parse_address(str(releases)), tmp_path / "part", [name])
    kept = load_dataset("parquet", data_dir=str(folder / "data" / "failures"))
    assert sum(len(part) for part in kept.values()) == len(load_failures(str(releases), type=name)) > 0
    assert name in (folder / "README.md").read_text()
    assert (folder / "LICENSES" / "cc0-1.0.txt").is_file()


def test_the_name_stays_that_of_the_first_release(publish: Publish, tmp_path: Path) -> None:
    publish("mine", to=tmp_path / "releases")
    again = publish("", to=tmp_path / "releases")
    assert (again.fresh, str(again.version)) == (False, "v1.0.0")
