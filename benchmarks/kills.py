"""Kills an audit of the playground at random moments and resumes it; the tables must be those of an audit left alone.

    python -m benchmarks.kills [--audits 4] [--seed 0]

Each audit is killed once in every stage, with SIGKILL, so that nothing of it can tidy up.
"""

import argparse
import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

STAGES = ("pool", "train", "probe", "curate", "report")
CONFIG = """pool_size: 200
probes: 150
steps: 30
training: {save_steps: 5, rounds: 3}
"""
# What a run computes; not when, how long, or with which command.
LASTING = ("*.parquet", "auditor/adapter/*", "types.json", "left_out.json", "pool.json", "curation.yaml")


def command(config: Path, out: Path) -> list[str]:
    """Return the audit's command; a run that is there goes on."""
    program = [str(Path(sys.executable).with_name("auditdm-hub")), "audit", str(config), "--out", str(out), "--quiet"]
    return program + (["--resume"] if (out / "run.json").is_file() else [])


def stages(out: Path) -> dict[str, float]:
    """Return the seconds of each finished stage."""
    manifest = out / "run.json"
    done = json.loads(manifest.read_text())["stages"] if manifest.is_file() else {}
    return {name: stage["seconds"] for name, stage in done.items()}


def kill_in(stage: str, moment: float, config: Path, out: Path) -> bool:
    """Run the audit and kill it so many seconds into a stage; return False if it had left the stage by then."""
    process = subprocess.Popen(command(config, out))
    before = STAGES[: STAGES.index(stage)]
    while process.poll() is None and not (out.exists() and set(before) <= stages(out).keys()):
        time.sleep(0.01)
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    if process.wait() not in (0, -signal.SIGKILL):
        sys.exit(f"the audit failed with {process.returncode}")
    return stage not in stages(out)


def digests(out: Path) -> dict[str, str]:
    """Return the digest of every file that an audit leaves, and its results but for times."""
    found = {
        file.relative_to(out).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for pattern in LASTING
        for file in sorted(out.rglob(pattern))
    }
    results = json.loads((out / "results.json").read_text())
    for key in ("seconds", "date", "command"):
        results.pop(key)
    return {**found, "results.json but for times": json.dumps(results, sort_keys=True)}


def compare(alone: Path, killed: Path) -> int:
    """Return how many files are the same; end with an error where two runs differ."""
    one, other = digests(alone), digests(killed)
    wrong = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    if wrong:
        sys.exit(f"differ: {', '.join(wrong)}")
    return len(one)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run an audit undisturbed and others that are killed in each stage, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=4, help="each is killed once in each of its five stages")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/kills"))
    chosen = parser.parse_args(arguments)
    rng, out = random.Random(chosen.seed), chosen.out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    config, alone = out / "kills.yaml", out / "alone"
    config.write_text(CONFIG)
    subprocess.run(command(config, alone), check=True)
    usual = stages(alone)
    print("undisturbed:", ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in usual.items()), flush=True)
    hits: Counter[str] = Counter()
    for number in range(chosen.audits):
        killed = out / f"killed-{number}"
        for stage in STAGES:
            inside = kill_in(stage, rng.uniform(0, usual[stage]), config, killed)
            hits[stage if inside else "between two"] += 1
        subprocess.run(command(config, killed), check=True)
        print(f"audit {number}: {compare(alone, killed)} files are the same, byte for byte", flush=True)
    print(f"{hits.total()} kills: " + ", ".join(f"{stage} {count}" for stage, count in hits.items()))


if __name__ == "__main__":
    main()
