"""Gives `auditdm-hub audit`, `rectify` and `evaluate` inputs that are wrong or broken, and looks at what a user gets.

    python -m benchmarks.bad_inputs [--only WORD]

What cannot work must end with one line on standard error, exit code 1 (2 for a wrong option or configuration) and
nothing half-written; what can go on without the broken part must go on, and count it. Exits with 1 if anything else
happens.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from auditdm_hub.playground.models import AUDITOR, model_folder
from benchmarks.broken_inputs import (
    ALONE,
    GOOD,
    PROGRAM,
    QUICK,
    TRAINED,
    Prepare,
    a_file,
    adapter_of,
    animated,
    benchmark,
    config,
    cut,
    flip,
    flip_images,
    foreign,
    hold,
    manifest,
    model,
    options,
    picture,
    pool,
    quick,
    repaired,
    run_with,
    weights,
    without,
)


@dataclass(frozen=True, slots=True)
class Case:
    """An input: what is wrong, what prepares it (gives the options), the exit code, and words that must be said.

    With exit code 0 the words must be in `results.json`. `bytes` limits the size of a file, as a full disk does. An
    audit and an evaluation run in `out`; `rectify` is given the folder of its run.
    """

    name: str
    prepare: Prepare
    code: int
    says: str
    bytes: int = 0
    command: str = "audit"


CASES = (
    Case("no such pool folder", quick("--pool", "{}/gone"), 1, "gone"),
    Case("empty pool folder", pool(), 1, "pool"),
    Case("pool of text files", pool(("a.txt", b"a cat"), ("b.txt", b"b")), 2, "no column 'image'"),
    Case("pool of broken images", pool(("a.png", b"no image"), ("b.jpg", b"")), 1, "2 x cannot be read as an image"),
    Case("pool of one animated image", pool(("a.gif", animated())), 1, "is animated"),
    Case("pool of one image of 20,000 x 20,000", pool(("a.png", picture((20_000, 20_000), "1"))), 1, "50 million"),
    Case("pool of one image of 4 x 4", pool(("a.png", picture((4, 4)))), 1, "smaller than 8 pixels"),
    Case("broken image among good ones", pool(*GOOD, ("a.png", b"no image")), 0, "cannot be read as an image"),
    Case("half an image among good ones", pool(*GOOD, ("a.png", picture()[:70])), 0, "cannot be read as an image"),
    Case("animated image among good ones", pool(*GOOD, ("a.gif", animated())), 0, "is animated"),
    Case("huge image among good ones", pool(*GOOD, ("a.png", picture((20_000, 20_000), "1"))), 0, "50 million"),
    Case("the same image twice", pool(*GOOD, ("again.png", GOOD[0][1])), 0, "the same image and question again"),
    Case("image with a broken caption", pool(*GOOD, ("good-0.txt", b"\xff\xfe\x00caf\xe9")), 0, '"trials": 6'),
    Case("data set that is not there", quick("--pool", "no-body/nothing"), 1, "no-body/nothing"),
    Case("column that is not there", quick("--columns", "image=photo", "--pool", "{}"), 2, "no column 'photo'"),
    Case("columns without `=`", quick("--columns", "photo"), 2, "photo"),
    Case("edits without questions", pool(*GOOD, more="actions: [edit]\n".replace("actions", "editor: playground\n#")),
         0, '"trials": 6'),
    Case("target alone", quick("--target", "no-body/nothing"), 2, "needs --pool"),
    Case("target that is not there", lambda folder: [*pool(*GOOD)(folder), "--target", "no-body/nothing", "--reference",
         str(model_folder("holdout")), "--auditor", str(model_folder(AUDITOR))], 1, "no-body/nothing"),
    Case("target folder without a model", quick("--target", "{}"), 1, ""),
    Case("target without a processor", model(without("processor_config.json", "tokenizer.json",
         "tokenizer_config.json")), 1, "processor"),
    Case("target without a tokenizer", model(without("tokenizer.json")), 1, "model"),
    Case("target without weights", model(without("model.safetensors")), 1, "model"),
    Case("target with half its weights", model(cut("model.safetensors", 400_000)), 1, "model"),
    Case("target with a broken config", model(cut("config.json", 40)), 1, "model"),
    Case("reference without a processor", model(without("processor_config.json", "tokenizer.json",
         "tokenizer_config.json"), "reference"), 1, "processor"),
    Case("auditor without a chat template", model(without("chat_template.jinja"), "auditor", AUDITOR), 1, "template"),
    Case("auditor that cannot chat", model(lambda folder: None, "auditor"), 1, "template"),
    Case("auditor that writes nothing that can be read", model(weights(None), "auditor", AUDITOR, TRAINED), 0,
         '"invalid": 6'),
    Case("auditor whose weights are no numbers", model(weights(float("nan")), "auditor", AUDITOR, TRAINED), 1,
         "no numbers"),
    Case("target whose weights are no numbers", model(weights(float("nan"))), 1, "no numbers"),
    Case("auditor that is a run without a training", run_with(lambda run: run.rename(run.with_name("before")),
         text=QUICK.replace("baseline", "auditor: before\nbaseline")), 1, "before"),
    Case("judge that is not there", quick("--judge", "no-body/nothing"), 1, "no-body/nothing"),
    Case("embedder that is not there", quick("--embedder", "no-body/nothing"), 1, "no-body/nothing"),
    Case("tracker that is not installed", quick("--report-to", "wandb"), 2, "wandb"),
    Case("device that is not there", quick("--device", "cuda:7"), 1, "cuda:7"),
    Case("device of no kind", quick("--device", "toaster"), 2, "toaster"),
    Case("generator that is not there", quick(more="generator: no-body/nothing\n"), 1, "no-body/nothing"),
    Case("unknown key", config(QUICK + "probs: 3\n"), 2, "probs"),
    Case("wrong type", config(QUICK + "seed: many\n"), 2, "seed"),
    Case("negative steps", quick("--steps", "-1"), 2, "steps"),
    Case("zero probes", quick("--probes", "0"), 2, "probes"),
    Case("an action twice", config(QUICK + "actions: [question, question]\n"), 2, "actions"),
    Case("no action", config(QUICK + "actions: []\n"), 2, "actions"),
    Case("more votes than families", quick(more="quorum: 9\n"), 2, "quorum"),
    Case("target among the references", quick("--reference", "playground"), 2, "references"),
    Case("not YAML", config("probes: [3\n"), 2, "audit.yaml"),
    Case("not text", config(bytes(range(256))), 2, "audit.yaml"),
    Case("a list as configuration", config("- probes\n"), 2, "audit.yaml"),
    Case("configuration that is not there", options("gone.yaml"), 2, "gone.yaml"),
    Case("preset that is not there", options("--preset", "gone"), 2, "gone"),
    Case("group of one completion", quick(base=TRAINED, more="training: {num_generations: 1}\n"), 2, "num_gen"),
    Case("known run that is none", quick("--known", "{}"), 1, ""),
    Case("expensive audit without --yes", quick("--probes", "90000"), 2, "--yes"),
    Case("a file in the place of the run's folder", a_file, 1, "out"),
    Case("something else in the run's folder", foreign, 1, "out"),
    Case("finished run without --resume", run_with(lambda run: None), 1, "--resume"),
    Case("run with other settings", run_with(lambda run: None, "--resume", "--seed", "5"), 1, "seed"),
    Case("run of a newer version", run_with(manifest(format_version=99), "--resume"), 1, "upgrade"),
    Case("torn manifest", run_with(cut("run.json", 30), "--resume"), 1, "run.json"),
    Case("run that another process uses", run_with(hold, "--resume"), 1, "out"),
    Case("flipped byte in a table", run_with(flip("exchanges/*/*.parquet"), "--resume"), 1, "changed"),
    Case("flipped byte in the images", run_with(flip_images, "--resume"), 1, "image"),
    Case("faulty decision of a person", run_with(lambda run: (run / "curation.yaml").write_text("merge: [[\n"),
         "--resume"), 2, "curation.yaml"),
    Case("answers that are no data base", run_with(lambda run: (run / "answers.sqlite").write_text("no data base" * 99),
         "--resume"), 1, "answers.sqlite"),
    Case("repair of no run", options("gone"), 1, "gone", command="rectify"),
    Case("repair of a run without failures", repaired(lambda run: None, text=ALONE), 1, "nothing to rectify",
         command="rectify"),
    Case("repair of half a run", repaired(lambda run: manifest(stages={})(run)), 1, "no finished audit",
         command="rectify"),
    Case("repair with an option that does nothing", repaired(lambda run: None, "--columns", "image=x"), 2, "--labelled",
         command="rectify"),
    Case("repair at an impossible learning rate", repaired(lambda run: None, "--learning-rate", "1e12"), 2,
         "less than 1", command="rectify"),
    Case("repair from no release", options("--failures", "{}/gone", "--target", "playground"), 2, "gone",
         command="rectify"),
    Case("evaluation of nothing", options("playground"), 2, "nothing to evaluate on", command="evaluate"),
    Case("evaluation of no model", options("no-body/nothing", "--suite", "playground"), 1, "no-body/nothing",
         command="evaluate"),
    Case("evaluation on no benchmark", options("playground", "--benchmark", "vqa"), 2, "vqa", command="evaluate"),
    Case("adapter of another model", adapter_of("sibling"), 1, "cannot put adapter", command="evaluate"),
    Case("benchmark whose columns changed", benchmark(question="what?", picture="x"), 2, "image", command="evaluate"),
    Case("limit on a cost that is not known", options("http://127.0.0.1:9/v1#m", "--suite", "playground", "--max-cost",
         "1"), 2, "--price", command="evaluate"),
    *(Case(f"disk that is full after {size:,} bytes a file", quick(base=TRAINED), 1, "the disk is full", bytes=size)
      for size in (1_000, 20_000, 60_000, 300_000, 700_000)),
)  # fmt: skip


def tried(case: Case, folder: Path) -> tuple[int, list[str], str]:
    """Run a case; return its exit code, the lines on standard error, and what is wrong with that ("" = nothing)."""
    given = case.prepare(folder)
    place = [] if case.command == "rectify" and "--failures" not in given else ["--out", str(folder / "out")]
    command = [PROGRAM, case.command, *given, *place, "--json"]
    if case.bytes:
        command = ["prlimit", f"--fsize={case.bytes}", *command]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "COLUMNS": "80"},
    )
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    told = done.stdout if case.code == 0 else " ".join(errors)
    wrong = []
    if done.returncode != case.code:
        wrong.append(f"exit code {done.returncode}, wanted {case.code}")
    if case.code and len(errors) != 1:
        wrong.append(f"{len(errors)} error lines")
    if any(word in done.stderr for word in ("Traceback", "Warning", "(unexpected;")):
        wrong.append("a traceback, a warning or an error that was not foreseen")
    if case.says.lower() not in told.lower():
        wrong.append(f"does not say {case.says!r}")
    half = [path.name for path in (folder / "out").rglob("*.tmp*")] if (folder / "out").is_dir() else []
    if half:
        wrong.append(f"left {half[0]}")
    return done.returncode, errors or done.stderr.splitlines()[-1:], "; ".join(wrong)


def main(arguments: Sequence[str] | None = None) -> None:
    """Try all cases and print what came of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    chosen = parser.parse_args(arguments)
    cases = [case for case in CASES if chosen.only in case.name]
    if not cases:
        parser.error(f"--only: no case has {chosen.only!r} in its name")
    table, wrong = Table("input", "exit", "what is said", "wrong"), 0
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="bad-inputs-") as folder:
            code, lines, fault = tried(case, Path(folder))
            said = " ".join(lines).replace(folder, "").removeprefix("Error: ")
        wrong += bool(fault)
        table.add_row(case.name, str(code), said, fault)
        sys.stderr.write(f"{case.name}: {fault or 'as it should be'}\n")
    Console(width=150).print(table)
    sys.stdout.write(f"{len(cases)} bad inputs tried, {len(cases) - wrong} as they should be\n")
    if wrong:
        sys.exit(1)


if __name__ == "__main__":
    main()
