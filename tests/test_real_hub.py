"""The round trip on a real Hub, with your token: `make test-hub HUB_REPO=ORG/NAME`, which is deleted at the end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = "from auditdm_cli.app import main; main()"


@pytest.mark.hub
def test_round_trip(tmp_path: Path) -> None:
    repo = os.environ.get("AUDITDM_HUB_REPO", "")
    assert repo.count("/") == 1, "say where with HUB_REPO=ORG/NAME: a private repository that is deleted at the end"
    environment = {**os.environ, "HF_HUB_OFFLINE": "0"}

    def ask(*arguments: str) -> str:
        command = [sys.executable, "-c", MAIN, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run = tmp_path / "run"
    ask("audit", "--out", str(run), "--quiet")
    try:
        assert "Published v1.0.0" in ask("publish", str(run), repo, "--private")
        assert "Already published" in ask("publish", str(run), repo)
        ask("download", f"{repo}@v1.0.0", "--to", str(tmp_path / "here"))
        assert ": ok (" in ask("verify", str(tmp_path / "here"))
        assert ": ok (" in ask("verify", repo)
    finally:
        hf = Path(sys.executable).with_name("hf")
        subprocess.run([hf, "repo", "delete", repo, "--repo-type", "dataset"], env=environment, check=False)
