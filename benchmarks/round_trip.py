"""Whether a run comes back as it was published: every file and every row, over a Hub on this machine, by LFS and Xet.

    python -m benchmarks.round_trip RUN [--json]

The run is published twice (which has to make one release), downloaded at its tag and verified, and every config is
loaded by `load_dataset` from the Hub and from the plan beside the run: all columns and pixels have to be equal.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAIN = "from auditdm_cli.app import main; main()"
COMPARE = """
import json, sys
from datasets import load_dataset
counts = {}
for config in ("failures", "failure_types", "exchanges"):
    there = load_dataset(sys.argv[1], config, revision="v1.0.0")
    here = load_dataset(sys.argv[2], config)
    for split in there:
        for one, other in zip(there[split], here[split], strict=True):
            for name, value in one.items():
                pixels = getattr(value, "tobytes", None)
                assert (pixels() if pixels else value) == (other[name].tobytes() if pixels else other[name]), name
        counts[f"{config}/{split}"] = len(there[split])
print(json.dumps(counts))
"""
NAME = "ada/failures"


def trip(run: Path, plane: str, scratch: Path) -> dict[str, object]:
    """Publish a run over one plane and compare what comes back; raise SystemExit if anything differs."""
    from hub_server import HubServer  # type: ignore[import-not-found]

    with HubServer(scratch / f"hub-{plane}") as hub:
        lfs = {"HF_HUB_DISABLE_XET": "1"} if plane == "lfs" else {}
        environment = {**os.environ, **hub.env(), **lfs, "HF_HOME": str(scratch / f"home-{plane}")}

        def call(*words: str) -> str:
            done = subprocess.run(
                [sys.executable, *words], env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(f"{plane}: {' '.join(words[-4:])}: {done.stderr[-1000:]}")
            return done.stdout

        first = json.loads(call("-c", MAIN, "publish", str(run), NAME, "--json"))
        again = json.loads(call("-c", MAIN, "publish", str(run), NAME, "--json"))
        call("-c", MAIN, "download", f"{NAME}@v1.0.0", "--to", str(scratch / plane))
        call("-c", MAIN, "verify", f"{NAME}@v1.0.0")
        rows = json.loads(call("-c", COMPARE, NAME, str(run / "release")).splitlines()[-1])
    here, there = _files(run / "release"), _files(scratch / plane)
    there.pop(".auditdm-lock.json")
    if here != there or not first["published"] or again["published"]:
        raise SystemExit(f"{plane}: what came back is not what was published")
    return {"plane": plane, "files": len(there), "rows": rows}


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main() -> None:
    """Print what came back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "tests"))
    with tempfile.TemporaryDirectory() as scratch:
        found = [trip(options.run.resolve(), plane, Path(scratch)) for plane in ("xet", "lfs")]
    if options.json:
        print(json.dumps(found))
        return
    for each in found:
        rows = ", ".join(f"{name} {count:,}" for name, count in each["rows"].items())  # type: ignore[attr-defined]
        print(f"{each['plane']}: {each['files']} files and all rows are equal ({rows})")


if __name__ == "__main__":
    main()
