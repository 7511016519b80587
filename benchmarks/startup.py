"""Time to `--help` and `--version`: auditdm-hub, a bare Typer app, and two command lines of the same world.

Each program is started anew, in turn, so that a machine that grows busy slows all alike; the median of the runs counts.
The claim is a ratio of at most 1.3 between the slower of the first two and the bare app.

    python benchmarks/startup.py [--runs N] [--json]
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from auditdm_cli.app import COMMANDS

CLAIM = 1.3
VERSION = "auditdm-hub --version"
BARE = """
import typer

app = typer.Typer()


def empty() -> None:
    pass


for name in {names!r}:
    app.command(name)(empty)
app()
"""


def seconds_to_end(command: list[str]) -> float:
    """Return the wall-clock seconds of one run of a command."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def measure(runs: int) -> dict[str, float | None]:
    """Return the median seconds of each program; None where it is not installed."""
    scripts = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE.format(names=list(COMMANDS)))
        programs = {"bare typer": [sys.executable, str(bare), "--help"]}
        for name in ("auditdm-hub", "trl", "hf"):
            path = shutil.which(name, path=str(scripts))
            programs |= {name: [path, "--help"]} if path else {}
            programs |= {VERSION: [path, "--version"]} if path and name == "auditdm-hub" else {}
        times: dict[str, list[float]] = {name: [] for name in programs}
        for turn in range(runs + 1):
            for name, command in programs.items():
                seconds = seconds_to_end(command)
                if turn:  # the first turn fills the caches of disk and bytecode
                    times[name].append(seconds)
    order = ("auditdm-hub", VERSION, "bare typer", "trl", "hf")
    return {name: statistics.median(times[name]) if name in times else None for name in order}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seconds = measure(options.runs)
    ours, version, bare = seconds["auditdm-hub"], seconds[VERSION], seconds["bare typer"]
    if ours is None or version is None or bare is None:
        sys.exit("auditdm-hub is not installed beside this Python: make install")
    ratio = max(ours, version) / bare
    if options.json:
        figures = {"commands": len(COMMANDS), "runs": options.runs, "seconds": seconds, "ratio": ratio, "claim": CLAIM}
        print(json.dumps(figures, indent=2))
        return
    print(f"--help (and --version), median of {options.runs} runs, {len(COMMANDS)} commands")
    for name, value in seconds.items():
        print(f"  {name:22} " + ("not installed" if value is None else f"{value:.3f} s"))
    print(f"  ratio to bare typer: {ratio:.2f} (claim: at most {CLAIM})")


if __name__ == "__main__":
    main()
