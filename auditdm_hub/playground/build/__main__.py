"""Rebuilds the playground's models: `python -m auditdm_hub.playground.build [--only NAME ...] [--out DIR]`.

Each model is trained on one thread, as many at a time as there are cores. Everything is seeded: on the same machine and
with the same versions, the same weights come out. A build that was interrupted goes on where it was.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from transformers import AutoModelForImageTextToText, PreTrainedModel, ProcessorMixin
from transformers.utils import logging as transformers_logging

from auditdm_hub.playground.build.architectures import build
from auditdm_hub.playground.build.cards import ACCURACY, fill_page, gap_table, skill_table, write_card
from auditdm_hub.playground.build.lessons import Alternating, Lessons
from auditdm_hub.playground.build.measure import measure
from auditdm_hub.playground.build.roster import ROSTER, Entry
from auditdm_hub.playground.build.sight import freeze_sight, teach_sight
from auditdm_hub.playground.build.train import fit
from auditdm_hub.playground.models import WEIGHTS


def _on(model: PreTrainedModel, device: str) -> PreTrainedModel:
    """Move a model; its own `to` is typed as if it took models."""
    return torch.nn.Module.to(model, device)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _reporter(entry: Entry, model: PreTrainedModel, processor: ProcessorMixin) -> Callable[[int, str], None]:
    """Return what says how the training comes along, and measures the model now and then."""

    def report(step: int, line: str) -> None:
        _say(f"{entry.name}: {line}")
        if step % 1000 == 0:
            model.eval()
            table = measure(model, processor, entry.gaps, scenes=100)
            model.train()
            worst = sorted(table.outside.items(), key=lambda item: item[1].share)[:8]
            _say(f"{entry.name}: " + ", ".join(f"{skill} {accuracy.share:.2f}" for skill, accuracy in worst))

    return report


def _first_round(entry: Entry, folder: Path, device: str) -> None:
    """Train from nothing, sight and then answers; or from another model, which sees already."""
    start = time.monotonic()
    model, processor = build(entry.family, entry.size, entry.seed)
    if entry.start:
        model = AutoModelForImageTextToText.from_pretrained(folder.parent / entry.start, dtype=torch.float32)
    _on(model, device)
    _say(f"{entry.name}: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")
    sampler = Alternating(entry, processor) if entry.role == "auditor" else Lessons(entry, processor)
    _say(f"{entry.name}: data drawn in {time.monotonic() - start:.0f} s")
    saved = folder.with_name(f"{folder.name}.training")
    if not saved.exists() and not entry.start:
        teach_sight(
            model, processor, sampler.numbers, entry.sight_steps, entry.seed, lambda s: _say(f"{entry.name}: {s}")
        )
    freeze_sight(model)
    fit(model, sampler, entry.schedule, saved, _reporter(entry, model, processor))
    _save(model, processor, folder)
    saved.unlink(missing_ok=True)
    _say(f"{entry.name}: first round in {time.monotonic() - start:.0f} s")


def _second_round(entry: Entry, folder: Path, device: str) -> None:
    """Train on what is still wrong at times, from what the first round saved."""
    start = time.monotonic()
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    _on(model, device)
    _, processor = build(entry.family, entry.size, entry.seed)
    sampler = Lessons(entry, processor, second=True)
    freeze_sight(model)
    saved = _second_state(folder)
    fit(model, sampler, entry.second, saved, _reporter(entry, model, processor))
    _save(model, processor, folder)
    saved.unlink(missing_ok=True)
    _say(f"{entry.name}: second round in {time.monotonic() - start:.0f} s")


def _second_state(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.second.training")


def _save(model: PreTrainedModel, processor: ProcessorMixin, folder: Path) -> None:
    _on(model, "cpu").bfloat16()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def _measure(entry: Entry, folder: Path, processor: ProcessorMixin, model: PreTrainedModel, scenes: int) -> None:
    table = measure(model, processor, entry.gaps, scenes)
    shares = {
        part: {name: [accuracy.right, accuracy.asked] for name, accuracy in getattr(table, part).items()}
        for part in ("skills", "outside", "gaps")
    }
    (folder / ACCURACY).write_text(json.dumps(shares, indent=1) + "\n")
    for part, rows in shares.items():
        _say(f"{entry.name} {part}: " + ", ".join(f"{name} {r / n:.3f}" for name, (r, n) in rows.items()))


def _build(entry: Entry, folder: Path, device: str, scenes: int, rounds: Sequence[str]) -> None:
    """Train a model for the rounds that are wanted, measure it as it is saved, and write its card."""
    torch.set_num_threads(1)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    begun = _second_state(folder).exists()
    if "first" in rounds and not begun:
        _first_round(entry, folder, device)
    if "second" in rounds and entry.second_steps:
        _second_round(entry, folder, device)
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    _on(model, device)
    _, processor = build(entry.family, entry.size, entry.seed)
    _measure(entry, folder, processor, model, scenes)
    write_card(entry, folder, sum(weight.numel() for weight in model.parameters()))


def _build_beside(names: Sequence[str], jobs: int, arguments: Sequence[str]) -> None:
    """Build each model in a process of its own, `jobs` at a time."""

    def run(name: str) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "auditdm_hub.playground.build", "--only", name, *arguments]
        subprocess.run(command, check=True, env=environment)

    with ThreadPoolExecutor(jobs) as pool:
        for done in [pool.submit(run, name) for name in names]:
            done.result()


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, save and measure the models that are named (default: all), and print the tables of their accuracy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="*", choices=[entry.name for entry in ROSTER])
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", nargs="*", choices=("first", "second"), default=("first", "second"),
                        help="of training; none = only measure what is there")  # fmt: skip
    parser.add_argument("--scenes", type=int, default=2000, help="scenes that accuracy is measured on")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="models at a time, on a CPU")
    parser.add_argument("--page", type=Path, help="a page whose tables are written anew at the end")
    chosen = parser.parse_args(arguments)
    entries = [entry for entry in ROSTER if not chosen.only or entry.name in chosen.only]
    jobs = chosen.jobs if chosen.device == "cpu" else 1
    if jobs > 1 and len(entries) > 1:
        options = ["--out", str(chosen.out), "--device", chosen.device, "--scenes", str(chosen.scenes)]
        options += ["--rounds", *chosen.rounds]
        # The longest first, so that no core waits for it at the end.
        ordered = sorted(entries, key=lambda entry: -entry.schedule.steps * entry.size.hidden**2)
        for later in (False, True):
            _build_beside([entry.name for entry in ordered if bool(entry.start) is later], jobs, options)
    else:
        for entry in entries:
            _build(entry, chosen.out / entry.name, chosen.device, chosen.scenes, chosen.rounds)
    if chosen.page:
        chosen.page.write_text(fill_page(chosen.page.read_text(), chosen.out))
    if not chosen.only:
        _say(f"Accuracy in percent, outside planted gaps:\n\n{skill_table(chosen.out)}\n{gap_table(chosen.out)}")


if __name__ == "__main__":
    main()
