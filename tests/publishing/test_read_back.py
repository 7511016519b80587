"""After publishing, a release is read back as its users will read it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hub_server import HubServer, Rule
from publishing.conftest import Publish
from publishing.test_hub_release import released

from auditdm_hub.errors import HubError, ReleaseError
from auditdm_hub.publishing.read_back import read_back
from auditdm_hub.releases.manifest import FILE_NAME, File, open_manifest
from auditdm_hub.runs import Run


@pytest.fixture
def releases(publish: Publish, tmp_path: Path) -> Path:
    publish("", to=tmp_path / "releases", check=True)
    return tmp_path / "releases"


def test_what_is_sound_passes(releases: Path) -> None:
    read_back(releases, open_manifest(releases))


def test_another_release_is_told(releases: Path) -> None:
    manifest = open_manifest(releases)
    other = replace(manifest, files={**manifest.files, "NOTICE": File(1, "0" * 64)})
    with pytest.raises(ReleaseError, match=f"{manifest.digest[:12]}, wanted {other.digest[:12]}"):
        read_back(releases, other)


def test_a_flipped_byte_is_told(publish: Publish, tmp_path: Path) -> None:
    """A folder is read back as well, every time that the command is given."""
    publish("", to=tmp_path / "releases", check=True)
    shard = next((tmp_path / "releases/versions/v1.0.0/data/failures").glob("*.parquet"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.unlink()
    shard.write_bytes(data)
    with pytest.raises(ReleaseError, match=rf"could not be read back: .*{shard.name} is not what"):
        publish("", to=tmp_path / "releases", check=True)


def test_a_card_that_counts_wrong_is_told(releases: Path) -> None:
    """The bytes are those of the manifest, but `load_dataset` refuses what the card says of them."""
    card = (releases / "README.md").read_text()
    rows = open_manifest(releases).rows["failures"]["train"]
    assert f"num_examples: {rows}\n" in card
    rewrite(releases, "README.md", card.replace(f"num_examples: {rows}\n", f"num_examples: {rows + 1}\n").encode())
    with pytest.raises(ReleaseError, match=f"reads in the card of {{'train': {rows + 1}, .* rows of failures"):
        read_back(releases, open_manifest(releases))


def test_a_manifest_that_counts_wrong_is_told(releases: Path) -> None:
    manifest = open_manifest(releases)
    rows = {**manifest.rows, "exchanges": {**manifest.rows["exchanges"], "train": 1}}
    with pytest.raises(ReleaseError, match="load_dataset finds .* rows of exchanges, wanted .*'train': 1"):
        read_back(releases, replace(manifest, rows=rows))


def test_a_column_too_few_is_told(releases: Path) -> None:
    manifest = open_manifest(releases)
    columns = {**manifest.columns, "exchanges": {**manifest.columns["exchanges"], "more": "Value('string')"}}
    with pytest.raises(ReleaseError, match="other columns in exchanges, train: more"):
        read_back(releases, replace(manifest, columns=columns))


def test_a_table_that_is_no_table_is_told(releases: Path) -> None:
    path = next((releases / "data" / "failure_types").glob("*.parquet")).relative_to(releases).as_posix()
    assert pq.read_table(releases / path).num_rows
    rewrite(releases, path, b"PAR1 and no more")
    with pytest.raises(ReleaseError, match="load_dataset cannot load failure_types"):
        read_back(releases, open_manifest(releases))


def rewrite(folder: Path, path: str, data: bytes) -> None:
    """Change a file of a release, and its manifest with it."""
    manifest = open_manifest(folder)
    for name in (path, FILE_NAME):
        (folder / name).unlink()
    (folder / path).write_bytes(data)
    changed = replace(manifest, files={**manifest.files, path: File.of(folder / path)})
    (folder / FILE_NAME).write_bytes(changed.as_bytes())


def test_publishing_reads_back_from_the_hub(hub: HubServer, publish: Publish, run: Run) -> None:
    publish(check=True)
    assert hub.asked("/resolve/", "GET")
    assert not list(run.path.glob(".back-*"))


def test_a_release_that_comes_back_damaged_is_told(hub: HubServer, publish: Publish, tmp_path: Path, run: Run) -> None:
    copy = Path(shutil.copytree(run.path, tmp_path / "copy"))
    hub.inject(Rule("/NOTICE$", method="GET", flip=3, times=0))
    with pytest.raises(ReleaseError, match=r"v1.0.0 is at .*, but it could not be read back: .*NOTICE is not what"):
        publish(path=copy, check=True)
    assert released(hub) == (["Release v1.0.0"], ["v1.0.0"])
    assert not list(copy.glob(".back-*"))
    hub.faults.clear()
    assert publish(path=copy, check=True).fresh is False


def test_a_hub_that_goes_away_after_the_tag_is_told(hub: HubServer, publish: Publish) -> None:
    hub.inject(Rule("/NOTICE$", method="GET", status=503, times=0))
    with pytest.raises(HubError, match="could not be read back"):
        publish(check=True)
