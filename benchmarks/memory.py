"""Peak memory of an audit whose number of trials grows tenfold.

    python -m benchmarks.memory [--probes 300 3000]

The auditor is used as it is; images, answers and tables go to disk, so memory should hardly grow.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("auditdm-hub"))


def peak(probes: int) -> tuple[float, float]:
    """Audit with so many trials of each auditor; return peak resident memory in MiB, and seconds."""
    folder = Path(tempfile.mkdtemp(prefix="memory-"))
    (folder / "audit.yaml").write_text(f"steps: 0\nprobes: {probes}\n")
    command = [PROGRAM, "audit", str(folder / "audit.yaml"), "--out", str(folder / "run"), "--quiet", "--yes"]
    begun = time.monotonic()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    shutil.rmtree(folder)
    if process.returncode:
        sys.exit(f"the audit ended with {process.returncode}")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    return usage.ru_maxrss / unit, time.monotonic() - begun


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the peak memory for each number of trials."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--probes", nargs="+", type=int, default=[300, 3000])
    for probes in parser.parse_args(arguments).probes:
        memory, seconds = peak(probes)
        sys.stdout.write(f"{probes:,} trials of each of two auditors: {memory:,.0f} MiB in {seconds:.0f} s\n")


if __name__ == "__main__":
    main()
