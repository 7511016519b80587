"""kill -9 in every step of a release: the same command makes one release of it."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hub_server import HubServer, Rule
from publishing.conftest import LICENSES
from publishing.test_hub_release import released

from auditdm_hub.releases.address import parse_address
from auditdm_hub.releases.check import check_release
from auditdm_hub.runs import Run

MAIN = "from auditdm_cli.app import main; main()"
STATED = [part for name, licence in LICENSES.items() for part in ("--model-license", f"{name}={licence}")]
STEPS = {
    "before the repository is made": Rule("/repos/create", delay=60),
    "before the upload": Rule("/preupload/", delay=60),
    "in the upload": Rule("^/(v1/xorbs|lfs/)", plane="data", delay=60),
    "before the commit": Rule("/commit/main", drop="before"),
    "after the commit": Rule("/commit/main", drop="after"),
    "before the tag": Rule("/tag/", method="POST", delay=60),
    "after the tag": Rule("/tag/", method="POST", drop="after"),
}


def start(hub: HubServer, run: Path, home: Path, plane: str) -> "subprocess.Popen[bytes]":
    lfs = {"HF_HUB_DISABLE_XET": "1"} if plane == "lfs" else {}
    environment = {**os.environ, **hub.env(), **lfs, "HF_HOME": str(home)}
    command = [sys.executable, "-c", MAIN, "publish", str(run), "ada/set", "--quiet", *STATED]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)


def finish(process: "subprocess.Popen[bytes]") -> None:
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said.decode()


def killed_when(process: "subprocess.Popen[bytes]", rule: Rule) -> None:
    while rule.done == 0 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert rule.done == 1, "it ended before the step came"


@pytest.mark.parametrize("step", ["in the upload", "after the commit"])
def test_killed(hub: HubServer, run: Run, tmp_path: Path, step: str) -> None:
    kill_and_finish(hub, run, tmp_path, step, "xet")


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_killed_anywhere(hub: HubServer, plane: str, run: Run, tmp_path: Path, step: str) -> None:
    kill_and_finish(hub, run, tmp_path, step, plane)


def kill_and_finish(hub: HubServer, run: Run, tmp_path: Path, step: str, plane: str) -> None:
    copy = Path(shutil.copytree(run.path, tmp_path / "run"))
    rule = hub.inject(Rule(**{**vars(STEPS[step]), "done": 0}))
    killed_when(start(hub, copy, tmp_path / "home", plane), rule)
    hub.faults.clear()
    finish(start(hub, copy, tmp_path / "home", plane))
    assert released(hub) == (["Release v1.0.0"], ["v1.0.0"])
    assert check_release(parse_address("ada/set")).faults == []
