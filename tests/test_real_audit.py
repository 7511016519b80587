"""The command as a user runs it: real models, real training, in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SMALL = """
pool_size: 80
probes: 12
steps: 4
training:
  prompts_per_step: 2
  num_generations: 4
  save_steps: 1
"""


def command(folder: Path, *options: str) -> list[str]:
    (folder / "small.yaml").write_text(SMALL)
    program = str(Path(sys.executable).with_name("auditdm-hub"))
    return [program, "audit", str(folder / "small.yaml"), *options]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def tables(run: Path) -> dict[str, bytes]:
    kept = [*run.rglob("*.parquet"), *run.glob("auditor/adapter/*"), run / "types.json"]
    return {file.relative_to(run).as_posix(): file.read_bytes() for file in kept}


@pytest.mark.timeout(900)
def test_interrupted_and_resumed_it_ends_with_the_same_tables(tmp_path: Path) -> None:
    whole = subprocess.run(
        command(tmp_path, "--out", str(tmp_path / "whole"), "--json"),
        capture_output=True, text=True, env=environment(), check=True,
    )  # fmt: skip
    results = json.loads(whole.stdout)  # nothing else on standard output
    assert results["search_success"]["trained"]["trials"] >= 12
    cut = command(tmp_path, "--out", str(tmp_path / "cut"))
    process = subprocess.Popen(cut, stderr=subprocess.PIPE, text=True, env=environment())
    log = tmp_path / "cut" / "auditor" / "log.jsonl"
    while not log.exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130, said
    assert said.splitlines()[-1].startswith("Interrupted; to continue: auditdm-hub audit")
    assert said.splitlines()[-1].endswith("--resume")
    subprocess.run([*cut, "--resume"], check=True, env=environment(), capture_output=True)
    assert tables(tmp_path / "cut") == tables(tmp_path / "whole")
