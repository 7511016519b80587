"""Downloads over HTTP: every byte is checked, whatever goes wrong."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_server import HubServer, Rule
from huggingface_hub import constants
from publishing.conftest import Publish

from auditdm_hub import load_failures
from auditdm_hub.errors import ConfigError, HubError, ReleaseError
from auditdm_hub.releases.address import parse_address
from auditdm_hub.releases.check import check_release
from auditdm_hub.releases.download import download
from auditdm_hub.releases.listing import list_hub, list_versions
from auditdm_hub.runs import Run

SET = parse_address("ada/set")
LARGE = r"^/(xorbs|lfs)/"
MAIN = "from auditdm_cli.app import main; main()"


@pytest.fixture
def released(hub: HubServer, publish: Publish) -> Iterator[HubServer]:
    """A Hub with one release, whose requests so far are forgotten."""
    publish()
    hub.clear()
    yield hub


def test_what_was_published_comes_back(released: HubServer, plane: str, run: Run, tmp_path: Path) -> None:
    folder = download(SET, tmp_path / "here")
    mine = {
        path.relative_to(run.path / "release"): path.read_bytes()
        for path in (run.path / "release").rglob("*")
        if path.is_file()
    }
    theirs = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    theirs.pop(Path(".auditdm-lock.json"))
    assert mine == theirs
    assert bool(released.asked("/v2/reconstructions/")) == (plane == "xet")
    assert download(SET, tmp_path / "here") == folder


def test_a_download_that_breaks_off_goes_on(released: HubServer, plane: str, tmp_path: Path) -> None:
    rule = released.inject(Rule(LARGE, method="GET", plane="data", cut=100))
    try:
        download(SET, tmp_path / "here")
    except HubError as error:
        assert "give the same command again" in str(error)
        assert not (tmp_path / "here" / "MANIFEST.json").exists()
        download(SET, tmp_path / "here")
    assert rule.done == 1
    assert check_release(parse_address(str(tmp_path / "here"))).ok


def test_a_flipped_byte_is_fetched_again(released: HubServer, plane: str, tmp_path: Path) -> None:
    rule = released.inject(Rule(LARGE, method="GET", plane="data", flip=300))
    download(SET, tmp_path / "here")
    assert rule.done == 1
    assert check_release(parse_address(str(tmp_path / "here"))).ok


def test_a_byte_that_is_always_flipped_is_refused(released: HubServer, tmp_path: Path) -> None:
    released.inject(Rule(r"/resolve/.*/README.md", method="GET", flip=200, times=0))
    with pytest.raises(
        ReleaseError, match="README.md is not what MANIFEST.json says, and was no better the second time"
    ):
        download(SET, tmp_path / "here")
    assert not (tmp_path / "here" / "README.md").exists()
    released.faults.clear()
    download(SET, tmp_path / "here")


def test_a_damaged_file_in_the_cache_is_found_and_mended(released: HubServer) -> None:
    folder = download(SET)
    file = (folder / "NOTICE").resolve()
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert "mine" not in (download(SET) / "NOTICE").read_text()
    assert check_release(SET).ok


def test_without_a_connection_the_version_is_the_one_that_was_asked_for(
    released: HubServer, publish: Publish, other_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_failures("ada/set", "v1.0.0")
    second = publish(path=other_run.path, replace=True)
    assert {row["id"] for row in load_failures("ada/set")} != {row["id"] for row in first}
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert load_failures("ada/set", "v1.0.0")["id"] == first["id"]
    assert load_failures("ada/set")["id"] == load_failures("ada/set", str(second.version))["id"]
    with pytest.raises(HubError, match="not in the local cache, and the Hub cannot be reached"):
        load_failures("ada/set", "v9.0.0")
    with pytest.raises(HubError, match="not in the local cache"):
        load_failures("ada/never-seen")


def test_without_a_connection_a_folder_is_what_it_was_or_is_refused(
    released: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del released
    whole, part = tmp_path / "whole", tmp_path / "part"
    name = "telling left from right"
    download(SET, whole)
    download(SET, part, [name])
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert download(SET, whole) == whole
    assert download(SET, part, [name]) == part
    with pytest.raises(HubError, match="the Hub cannot be reached"):
        download(SET, part, ["counting more than four objects"])
    (whole / "NOTICE").write_text("mine")
    with pytest.raises(ReleaseError, match="is not any more what was downloaded"):
        download(SET, whole)


def test_a_tag_that_moved_is_noticed(released: HubServer, tmp_path: Path) -> None:
    download(SET, tmp_path / "here")
    download(SET)
    head = released.foreign_commit("ada/set", "README.md", b"---\nlicense: mit\n---\n")
    released.move_tag("ada/set", "v1.0.0", head)
    for place in (None, tmp_path / "here"):
        with pytest.raises(ReleaseError, match=r"the tag v1\.0\.0 of ada/set moved"):
            download(SET, place)


def test_too_many_requests(released: HubServer, tmp_path: Path) -> None:
    released.inject(Rule("/(revision|tree)/", status=429, headers={"Retry-After": "1"}, times=0))
    with pytest.raises(HubError, match="too many requests: try again in 1 seconds"):
        download(SET, tmp_path / "here")


def test_names_that_lead_nowhere(released: HubServer, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"has no version v9\.9\.9; there are: v1\.0\.0"):
        download(parse_address("ada/set@v9.9.9"))
    with pytest.raises(HubError, match="not found; if it is private"):
        download(parse_address("ada/none"))
    with pytest.raises(ReleaseError, match="did you mean"):
        download(SET, tmp_path / "here", ["counting more than for objects"])
    with pytest.raises(ConfigError, match="add --to DIR"):
        download(SET, types=["counting more than four objects"])
    with pytest.raises(ConfigError, match="neither a folder nor a name on the Hub"):
        parse_address("no/such/thing")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(ReleaseError, match="is not empty and holds no download"):
        download(SET, tmp_path / "full")


def test_lists(released: HubServer) -> None:
    assert [(found.repo, found.type) for found in list_hub()] == [("ada/set", "dataset")]
    (listed,) = list_versions(SET)
    assert (listed.version, listed.types, listed.withdrawn) == (
        "v1.0.0",
        len(load_failures("ada/set", config="failure_types")),
        "",
    )
    assert listed.rows == len(load_failures("ada/set"))


def test_a_download_that_is_killed_goes_on(released: HubServer, plane: str, tmp_path: Path) -> None:
    rule = released.inject(Rule(LARGE, method="GET", plane="data", delay=30, after=1))
    lfs = {"HF_HUB_DISABLE_XET": "1"} if plane == "lfs" else {}
    environment = {**os.environ, **released.env(), **lfs, "HF_HOME": str(tmp_path / "other")}
    here = str(tmp_path / "here")
    command = [sys.executable, "-c", MAIN, "download", "ada/set", "--to", here]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while rule.done == 0 and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert rule.done
    assert not (tmp_path / "here" / "MANIFEST.json").exists()
    released.faults.clear()
    download(SET, tmp_path / "here")
    assert check_release(parse_address(here)).ok
