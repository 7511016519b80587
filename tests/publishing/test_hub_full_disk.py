"""A disk that is full, on this side and on the Hub's: one line, nothing half-finished, and the same command goes on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hub_server import HubServer
from publishing.conftest import LICENSES, Publish
from publishing.test_hub_release import released

from auditdm_hub.errors import HubError
from auditdm_hub.publishing import hub as protocol
from auditdm_hub.releases.address import parse_address
from auditdm_hub.releases.check import check_release
from auditdm_hub.runs import Run

resource = pytest.importorskip("resource")
MAIN = "from auditdm_cli.app import main; main()"
STATED = [part for name, licence in LICENSES.items() for part in ("--model-license", f"{name}={licence}")]
FULL = "the disk is full: free some space"
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(hub: HubServer, tmp_path: Path) -> Command:
    """Run a command in a process that can write files of so many bytes at most (0 = of any size)."""
    home = tmp_path / "home of the command"

    def run(*words: str, limit: int = 0) -> "subprocess.CompletedProcess[str]":
        def restrict() -> None:
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

        return subprocess.run(
            [sys.executable, "-c", MAIN, *words, "--quiet"],
            env={**os.environ, **hub.env(), "HF_HOME": str(home)},
            capture_output=True, text=True, timeout=300, check=False, preexec_fn=restrict,
        )  # fmt: skip

    return run


def is_told(done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether a command ended with the one line that the disk is full."""
    (line,) = done.stderr.splitlines()
    return done.returncode == 1 and FULL in line


@pytest.mark.parametrize("limit", [100, 5_000, 40_000])
def test_publishing_from_a_full_disk(command: Command, hub: HubServer, run: Run, tmp_path: Path, limit: int) -> None:
    copy = str(shutil.copytree(run.path, tmp_path / "run"))
    assert is_told(command("publish", copy, "ada/set", *STATED, limit=limit))
    assert command("publish", copy, "ada/set", *STATED).returncode == 0
    assert released(hub) == (["Release v1.0.0"], ["v1.0.0"])
    assert not list(Path(copy).glob(".back-*"))


@pytest.mark.parametrize("limit", [5_000, 40_000])
def test_publishing_to_a_full_disk(command: Command, run: Run, tmp_path: Path, limit: int) -> None:
    copy = str(shutil.copytree(run.path, tmp_path / "run"))
    to = str(tmp_path / "releases")
    assert is_told(command("publish", copy, "--to", to, *STATED, limit=limit))
    assert command("publish", copy, "--to", to, *STATED).returncode == 0
    assert check_release(parse_address(to)).faults == []


@pytest.mark.parametrize("limit", [100, 5_000, 40_000])
def test_downloading_to_a_full_disk(command: Command, publish: Publish, tmp_path: Path, limit: int) -> None:
    publish()
    to = tmp_path / "here"
    assert is_told(command("download", "ada/set", "--to", str(to), limit=limit))
    assert not (to / "MANIFEST.json").exists()
    assert command("download", "ada/set", "--to", str(to)).returncode == 0
    assert check_release(parse_address(str(to))).faults == []


@pytest.mark.parametrize("plane", ["lfs"], indirect=True)
def test_the_hub_loses_what_it_took(
    hub: HubServer, plane: str, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was uploaded is gone when the commit comes: it is told, and the same command uploads it again."""
    del plane
    real, blobs = protocol.upload, hub.storage.folder / "blobs"

    def lossy(*arguments: object) -> None:
        before = set(blobs.iterdir())
        real(*arguments)  # type: ignore[arg-type]
        lost = set(blobs.iterdir()) - before
        assert lost
        for path in lost:
            path.unlink()

    monkeypatch.setattr(protocol, "upload", lossy)
    with pytest.raises(HubError, match="does not exist"):
        publish()
    monkeypatch.setattr(protocol, "upload", real)
    publish()
    assert released(hub) == (["Release v1.0.0"], ["v1.0.0"])
    assert check_release(parse_address("ada/set")).faults == []
