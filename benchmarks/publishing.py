"""How long publishing and downloading take, beside the plain clients, on a Hub on this machine.

    python -m benchmarks.publishing [--rows 20000] [--times 3] [--json]

A run with so many exchanges, each with its own image of about 64 KiB, and an eighth of them failures. `publish` (rows,
gates, images decoded, upload, commit, tag) is timed beside what a user would write without it: a `Dataset` made from
the same rows and images, `push_to_hub` for each config, `snapshot_download`. `download` (every file checked) beside
`snapshot_download`. Each in a process of its own, with fresh caches; the median of several times, and the most memory
that a process held.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from auditdm_hub.auditing.exchanges import SCHEMA, to_row
from auditdm_hub.curate import Curation
from auditdm_hub.images import image_sha
from auditdm_hub.records import Exchange, FailureType, Judged, Predicate, Probe, Seed, Verdict
from auditdm_hub.report import ModelFacts, PoolFacts, RunFacts, RunModels, build_results
from auditdm_hub.runs import Run
from auditdm_hub.statistics import wilson
from auditdm_hub.tables import chunk_path, write_table
from auditdm_hub.workflows.stages import FAILURES

ROOT = Path(__file__).parent.parent
SIDE = 147  # noise of that many pixels squared is a PNG of about 64 KiB
CHUNK = 500
SHARE = 8
KIND = "counting"
STATED = [part for name in "abt" for part in ("--model-license", f"{name}=apache-2.0")]


def make_run(folder: Path, rows: int) -> Run:
    """Write a run with that many exchanges; its images are noise."""
    rng = np.random.default_rng(0)
    run = Run.create(folder, {"target": "t", "pool": "noise"})
    seeds, judged = [], []
    for number in range(rows):
        pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        image = Image.fromarray(pixels)
        sha = image_sha(image)
        path = run.images.path(sha)
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, "PNG", compress_level=1)
        seeds.append(vars_of(Seed(f"s{number}", sha, "", "", "", f"noise#{number}", "cc0-1.0", "discovery")))
        judged.append(_judged(number, sha, number % SHARE == 0))
    write_table(folder / "seeds.parquet", seeds)
    for place in range(0, rows, CHUNK):
        write_table(
            chunk_path(folder / "exchanges" / "random", place // CHUNK),
            [to_row(row) for row in judged[place : place + CHUNK]],
            SCHEMA,
        )
    failed = [row for row in judged if row.failed]
    write_table(folder / "failures.parquet", [{**to_row(row), "failure_type": KIND} for row in failed], FAILURES)
    low, high = wilson(len(failed), len(failed))
    kind = FailureType(
        KIND, Predicate("Questions.", "any question"), tuple(row.probe.id for row in failed), len(failed), len(failed),
        len(failed), 1.0, low, high,
    )  # fmt: skip
    (folder / "types.json").write_text(json.dumps({"types": [_type(kind)]}))
    curation = Curation((kind,), dict.fromkeys(kind.members, KIND), {}, len(failed), 0.0, 0.5, {})
    models = RunModels(ModelFacts("t", "t"), (ModelFacts("a", "a"), ModelFacts("b", "b")), "a", "", "vqa", "default")
    seconds = {"train": 0.0, "probe": 0.0, "curate": 0.0, "total": 0.0}
    facts = RunFacts("0", 0, "2026-01-01", models, PoolFacts("noise", rows, licence="cc0-1.0"), (True, ""), seconds)
    (folder / "results.json").write_text(json.dumps(build_results(judged, curation, facts)))
    run.finish_stage("pool", ["seeds.parquet"], 0.0)
    run.finish_stage("probe", ["exchanges/random"], 0.0)
    run.finish_stage("curate", ["failures.parquet", "types.json"], 0.0)
    run.finish_stage("report", ["results.json"], 0.0)
    run.close()
    return run


def vars_of(seed: Seed) -> dict[str, object]:
    """Return the fields of a seed."""
    return {name: getattr(seed, name) for name in Seed.__slots__}


def _type(kind: FailureType) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(kind)


def _judged(number: int, sha: str, failed: bool) -> Judged:
    probe = Probe(
        f"s{number}", "random", "question", number, "", f"what is number {number}?", "auditor", sha, "original", "", sha
    )  # fmt: skip
    exchange = Exchange(probe, "wrong" if failed else "right", {"a": "right", "b": "right"})
    return Judged(exchange, Verdict("failure" if failed else "agreement", "right", 1.0))


def plain_publish(run: Path, repo: str) -> None:
    """Do what a user would write: data sets from the same rows, push each config, download it all."""
    from datasets import Dataset
    from huggingface_hub import snapshot_download

    from auditdm_hub.publishing.run_rows import RunRows
    from auditdm_hub.releases.schema import CONFIGS, features_of

    rows = RunRows(Run.open(run), lambda model: "apache-2.0")
    images = Run.open(run).images

    def with_files(config: str) -> object:
        for row in rows.rows(config):  # type: ignore[arg-type]
            yield {**row, **{name: str(images.path(row[name])) for name in ("image", "source_image") if row.get(name)}}

    for config in CONFIGS:
        features = features_of(config, [KIND])
        made = Dataset.from_generator(with_files, features=features, gen_kwargs={"config": config})
        made.push_to_hub(repo, config_name=config)
    snapshot_download(repo, repo_type="dataset")


def child(name: str, run: Path, repo: str) -> None:
    """Run one of the four jobs in this process, and print its seconds and its memory."""
    begun = time.monotonic()
    if name == "push_to_hub + snapshot_download":
        plain_publish(run, repo)
    elif name == "snapshot_download":
        from huggingface_hub import snapshot_download

        snapshot_download(repo, repo_type="dataset", revision="v1.0.0")
    else:
        from auditdm_cli.app import main

        words = (
            ["publish", str(run), repo, "--quiet", *STATED]
            if name == "publish"
            else ["download", f"{repo}@v1.0.0", "--quiet"]
        )
        sys.argv = ["auditdm-hub", *words]
        try:
            main()
        except SystemExit as ended:
            if ended.code:
                raise
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stderr.flush()
    print(json.dumps({"seconds": time.monotonic() - begun, "mib": memory}))


def measure(name: str, run: Path, repo: str, environment: dict[str, str]) -> dict[str, float]:
    """Run a job in a process of its own, with fresh caches."""
    with tempfile.TemporaryDirectory(dir=run.parent) as home:
        env = {**os.environ, **environment, "HF_HOME": home, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        command = [sys.executable, "-m", "benchmarks.publishing", "--child", name, "--run", str(run), "--repo", repo]
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("runs/publishing"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--repo")
    options = parser.parse_args()
    if options.child:
        child(options.child, options.run, options.repo)
        return
    sys.path.insert(0, str(ROOT / "tests"))
    from hub_server import HubServer  # type: ignore[import-not-found]

    options.folder.mkdir(parents=True, exist_ok=True)
    there = options.folder / f"run-{options.rows}"
    run = Run.open(there) if (there / "results.json").is_file() else make_run(there, options.rows)
    found: dict[str, list[dict[str, float]]] = {}
    for number in range(options.times):
        folder = options.folder / f"hub{number}"
        with HubServer(folder) as hub:
            for name, repo in (
                ("push_to_hub + snapshot_download", "ada/plain"), ("publish", "ada/set"),
                ("snapshot_download", "ada/set"), ("download", "ada/set"),
            ):  # fmt: skip
                found.setdefault(name, []).append(measure(name, run.path, repo, hub.env()))
                print(f"{name}: {found[name][-1]}", file=sys.stderr)
        shutil.rmtree(folder)
    table = {
        name: {key: round(statistics.median(each[key] for each in every), 1) for key in ("seconds", "mib")}
        for name, every in found.items()
    }
    if options.json:
        print(json.dumps(table))
        return
    print(f"| {options.rows:,} rows | seconds (median of {options.times}) | most memory, MiB |\n| --- | ---: | ---: |")
    for name, figures in table.items():
        print(f"| {name} | {figures['seconds']} | {figures['mib']} |")


if __name__ == "__main__":
    main()
