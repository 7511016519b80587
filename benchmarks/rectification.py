"""Repair of targets whose weaknesses are known: what it mends, what it breaks, and what a second audit still finds.

    python -m benchmarks.rectification [--targets target sibling other] [--seeds 0 1 2] [--variants NAME ...]
                                       [--again] [--each 2000] [--json | --markdown] [--plot FILE.png]

Each target is audited with the default preset and rectified by `rectify_run` as the configuration has it (variant
"audit"): no ground truth is used. Every other variant trains as many steps, those of the draft included, on other rows.
`random` has as many questions answered by all models as the audit, its training and its lessons together, but takes
them from the pool, whatever the target fails at; as many near misses are asked of the target alone. `no second look`
has the audit's lessons without what follows from a draft. The next three have of the audit's lessons those of one
action only, and what is kept as in "audit". Labels of `true labels` are the executor's.

Measured on so many fresh questions of every skill (`--each`) about pictures of the kind that no model was trained on:
the error inside each planted gap, and the error of each skill outside the gaps. Of the audit and of `random` the way
from the whole adapter to a part of it is measured, too, on fewer questions: what either repairs at the same loss.
`--again` audits the repaired model
with the first auditor, and with a fresh one at equal budget, and counts true failures per 1,000 trials.

Runs lie in `--out`; figures are kept in `--results`, and what is there is not run again.
"""

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table

from auditdm_hub import audit
from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.auditing.auditors import PoolQuestions
from auditdm_hub.auditing.curriculum import read_steps
from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.config import rectification_of
from auditdm_hub.playground.draw import read
from auditdm_hub.playground.models import SIBLING, TARGET
from auditdm_hub.playground.skills import solve
from auditdm_hub.records import Judged
from auditdm_hub.rectifying.examples import FORGOTTEN, KEPT, REPLAY, Example, Mixture, candidates, choose, divide
from auditdm_hub.rectifying.strength import Wanted, scale_back
from auditdm_hub.rectifying.train import tune
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows, write_table
from auditdm_hub.workflows import Watcher
from auditdm_hub.workflows.lessons import AuditLessons, as_forgotten
from auditdm_hub.workflows.more_lessons import DEPARTURES, LESSONS, POOL, REFUSALS, Extra, trials_of
from auditdm_hub.workflows.rectification import (
    ADAPTER,
    DRAFT_SHARE,
    FOLDER,
    STRENGTH,
    TUNED,
    Rectification,
    rectify_run,
)
from benchmarks.gap_errors import OTHER, Kept, Subject, at_loss, measured, rate, subject_of, the_way
from benchmarks.search_success import truth_of, wrongly_answered

RESULTS = Path("benchmarks/results/rectification.json")
OUT = Path("runs/rectification")
TARGETS = (TARGET, SIBLING, OTHER)
DEFAULT, RANDOM, BEFORE, PLAIN = "audit", "random", "before", "no second look"
ABLATIONS: dict[str, Callable[[Mixture], Mixture]] = {
    PLAIN: lambda mixture: mixture,
    "questions alone": lambda mixture: replace(mixture, actions=("question",)),
    "captions alone": lambda mixture: replace(mixture, actions=("caption",)),
    "edits alone": lambda mixture: replace(mixture, actions=("edit",)),
    "true labels": lambda mixture: mixture,
    "no replay": lambda mixture: replace(mixture, replay=0.0),
}
SILENT = Watcher(lambda line: None, lambda stage: lambda done, total: None)


def audited(subject: Subject, seed: int, out: Path, **settings: Any) -> Run:  # noqa: ANN401 - keys of a configuration
    """Audit with the default preset, or go on with that audit."""
    return audit(target=str(subject.folder), seed=seed, out=str(out), resume=True, yes=True, watcher=SILENT, **settings)


def asked_of(run: Run) -> int:
    """Return how many questions the target was asked for a repair: in training, probing, and for more lessons."""
    folders = [run.path, *(run.path / FOLDER / name for name in (LESSONS, POOL, DEPARTURES))]
    probed = sum(not row.probe.fault for path in folders if path.is_dir() for row in trials_of(Run.open(path)))
    return probed + sum(not row.probe.fault for row in read_steps(run.path / "auditor" / "trials"))


class Alone(AuditLessons):
    """Lessons of the auditor alone: what the second look found is kept, and nothing that it would teach."""

    def examples(self, kinds: Mapping[str, str], mixture: Mixture) -> Iterator[Example]:
        """Yield what the exchanges can teach or keep."""
        for run, rows in [*((run, trials_of(run)) for run in self.runs), (self.runs[0], self.training)]:
            found = candidates(rows, kinds, mixture)
            if run.path.name == DEPARTURES:
                found = (row for row in map(as_forgotten, found) if row.part in KEPT)
            yield from found
        yield from self.refused


class Labelled(AuditLessons):
    """Lessons whose labels are the executor's."""

    def examples(self, kinds: Mapping[str, str], mixture: Mixture) -> Iterator[Example]:
        """Yield what the exchanges can teach or keep."""
        for run, rows in [*((run, trials_of(run)) for run in self.runs), (self.runs[0], self.training)]:
            truths = {row.probe.id: truth_of(run, row) for row in rows}
            known = {identity: truth.answer for identity, truth in truths.items() if truth}
            found = candidates((row for row in rows if row.probe.id in known), kinds, mixture, known)
            yield from map(as_forgotten, found) if run.path.name == DEPARTURES else found
        for example in self.refused:
            scene = read(self.image(example.image_sha))
            truth = solve(scene, example.question) if scene else None
            if truth:
                yield replace(example, label=truth.answer)


def repaired(subject: Subject, seed: int, variant: str, out: Path) -> tuple[Path, Path, Kept]:
    """Return the adapter of a variant as it is kept and as it was trained, and what it took."""
    first = audited(subject, seed, out / f"audit-{seed}")
    wanted = Rectification.of(rectification_of(first.config, {}), seed)
    begun = time.monotonic()
    run = rectify_run(first.path, wanted, resume=(first.path / FOLDER).is_dir(), watcher=SILENT)
    asked = asked_of(run)
    if variant == DEFAULT:
        stages = {name: stage.seconds for name, stage in run.stages.items() if name.startswith("rectify")}
        stages["audit"] = sum(stage.seconds for name, stage in run.stages.items() if name not in stages)
        return run.path / ADAPTER, run.path / FOLDER / TUNED / "adapter", {
            "asked": asked,
            "seconds": stages,
            "tried": json.loads((run.path / FOLDER / STRENGTH).read_text()),
            **_rows(run.path / FOLDER),
        }  # fmt: skip
    folder = out / f"{variant.replace(' ', '-')}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    if variant == RANDOM:
        others = sorted({row.probe.question for row in trials_of(first) if not row.probe.fault})
        source = audited(subject, 3_000_000 + seed, folder / "probes", auditor=PoolQuestions(others), steps=0,
                         probes=asked, pool_size=2 * asked, actions=["question"], baseline=False)  # fmt: skip
        lessons = AuditLessons(source, folder, Extra(refusals=wanted.refusals))
        lessons.probe(REFUSALS, SILENT)
    else:
        make = Labelled if variant == "true labels" else Alone if variant.endswith("alone") else AuditLessons
        extra = replace(wanted.extra, second_look=0) if variant == PLAIN else wanted.extra
        lessons = make(run, run.path / FOLDER, extra)
    mixture = ABLATIONS[variant](wanted.mixture) if variant in ABLATIONS else wanted.mixture
    parts = divide(choose(lessons.examples(lessons.kinds(), mixture), mixture))
    write_table(folder / "training.parquet", [{"part": row.part} for row in parts[0]])
    tuning = replace(wanted.tuning, steps=round((1 + DRAFT_SHARE) * wanted.tuning.steps))
    tuned = tune(lessons.target, parts, lessons.image, tuning, folder, resume=True)
    adapter = folder / "scaled"
    tried = scale_back(lessons.target, tuned, parts[1], lessons.image, Wanted(wanted.margin, wanted.repair), adapter)
    return adapter, tuned, {
        "tried": [asdict(each) for each in tried],
        "asked": asked,
        "seconds": {"all": round(time.monotonic() - begun)},
        **_rows(folder),
    }  # fmt: skip


def _rows(folder: Path) -> Kept:
    parts = Counter(str(row["part"]) for row in read_rows(folder / "training.parquet", ["part"]))
    return {"rows": parts.total(), "replays": parts[REPLAY], "forgotten": parts[FORGOTTEN]}


def audited_again(subject: Subject, seed: int, out: Path) -> Kept:
    """Return true failures per 1,000 trials of the first audit, and of two audits of the repaired model."""
    first = Run.open(out / f"audit-{seed}")
    merged = out / f"merged-{seed}"
    if not merged.is_dir():
        _merge(subject, first.path / ADAPTER, merged)
    repaired = replace(subject, folder=merged)
    same = audited(repaired, seed + 500, out / f"again-same-{seed}", auditor=str(first.path), steps=0)
    fresh = audited(repaired, seed + 500, out / f"again-fresh-{seed}")
    audits = {"first audit": first, "same auditor": same, "fresh auditor": fresh}
    return {name: {"true failures": _true_failures(run), "types": _types(run)} for name, run in audits.items()}


def _types(run: Run) -> list[str]:
    return [str(kind["name"]) for kind in run.results()["failure_types"]]


def _merge(subject: Subject, adapter: Path, out: Path) -> None:
    from auditdm_hub.models.loading import Loading, load_parts

    model, processor, _ = load_parts(str(subject.folder), Loading("cpu"), adapter=str(adapter), merge=True)
    partial = out.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(partial)
    processor.save_pretrained(partial)
    partial.rename(out)


def _true_failures(run: Run) -> float:
    rows: Sequence[Judged] = read_trials(run.path / "exchanges" / "trained")
    pairs = {(row.probe.image_sha, row.probe.question) for row in rows if wrongly_answered(run, row)}
    return 1000 * len(pairs) / len(rows)


LOSS = 0.01
"""Of what lies outside the gaps: where ways of repair are compared."""
HEADS = ("target", "rows from", "error in gaps before", "in gaps after", "gone", "gone at 1 point lost",
         "error outside before", "outside after", "worst skill without a gap", "worst outside its gap",
         "asked of all models", "rows", "minutes")  # fmt: skip


def row_of(name: str, variant: str, seeds: Sequence[tuple[Kept, Kept]]) -> tuple[str, ...]:
    """Return a line of the table: means over the seeds of (before, after)."""
    before = mean(rate(one["gaps"].values()) for one, _ in seeds)
    after = mean(rate(two["gaps"].values()) for _, two in seeds)
    whole = max(asked for one, _ in seeds for _, asked in one["skills"].values())
    lost = [(two["skills"][skill][0] / asked - wrong / asked, skill, asked == whole)
            for one, two in seeds for skill, (wrong, asked) in one["skills"].items()]  # fmt: skip
    worst = [max(each for each in lost if each[2] == free) for free in (True, False)]
    minutes = mean(sum(value for key, value in two["seconds"].items() if key != "audit") for _, two in seeds) / 60
    return (
        name, variant, f"{before:.1%}", f"{after:.1%}", f"{1 - after / before:.0%}", _at_one_point(seeds),
        f"{mean(rate(one['skills'].values()) for one, _ in seeds):.2%}",
        f"{mean(rate(two['skills'].values()) for _, two in seeds):.2%}",
        *(f"{skill} {100 * share:+.1f}" for share, skill, _ in worst),
        f"{mean(two['asked'] for _, two in seeds):,.0f}", f"{mean(two['rows'] for _, two in seeds):,.0f}",
        f"{minutes:.1f}",
    )  # fmt: skip


def _at_one_point(seeds: Sequence[tuple[Kept, Kept]]) -> str:
    """Return the share of the error in gaps that is gone where so much is lost outside; "" if the way was not gone."""
    if not all("way" in two for _, two in seeds):
        return ""
    starts = [(rate(one["skills"].values()), rate(one["gaps"].values())) for one, _ in seeds]
    left = [at_loss(two["way"], start, LOSS) / start[1] for start, (_, two) in zip(starts, seeds, strict=True)]
    return f"{1 - mean(left):.0%}"


def kept_or_made(results: Path, key: str, make: Callable[[], Kept]) -> Kept:
    """Return the figures under a key, which are made if they are not there."""
    kept: Kept = json.loads(results.read_text()) if results.is_file() else {}
    if key not in kept:
        made = make()
        kept = json.loads(results.read_text()) if results.is_file() else {}  # another process may have added its own
        kept[key] = made
        atomic_write_json(results, dict(sorted(kept.items())))
    found: Kept = kept[key]
    return found


def run_variant(subject: Subject, seed: int, variant: str, each: int, out: Path) -> Kept:
    """Repair with a variant's rows, and measure what it did."""
    adapter, tuned, took = repaired(subject, seed, variant, out)
    name = f"{variant.replace(' ', '-')}-{seed}"
    found = {**measured(subject, adapter, out / "answers" / name, each, out.parent), **took}
    if variant in (DEFAULT, RANDOM):
        found["way"] = the_way(subject, tuned, each, out.parent, out / f"way-{name}")
    return found


WIDE = 0.1
"""Beyond this loss the axis is logarithmic."""


def plot(lines: Mapping[tuple[str, str], Sequence[tuple[Kept, Kept]]], file: Path) -> None:
    """Draw what is left of the error in the gaps over what was lost outside them.

    A point for each variant and seed, and a line for the way from the whole adapter to a part of it.
    """
    import matplotlib.pyplot as plt  # type: ignore[import-not-found,unused-ignore]

    figure, axes = plt.subplots(figsize=(7, 4.5), dpi=150)
    most = 0.0
    for (name, variant), seeds in lines.items():
        left = [rate(two["gaps"].values()) / rate(one["gaps"].values()) for one, two in seeds]
        lost = [rate(two["skills"].values()) - rate(one["skills"].values()) for one, two in seeds]
        most = max(most, *lost)
        marker = "*" if variant == DEFAULT else "o"
        drawn = axes.scatter([100 * share for share in lost], [100 * share for share in left], 60,
                             label=f"{name}, {variant}", marker=marker)  # fmt: skip
        for one, two in seeds:
            before, outside = rate(one["gaps"].values()), rate(one["skills"].values())
            way = [(100 * (each["skills"] - outside), 100 * each["gaps"] / before) for each in two.get("way", ())]
            if way:
                axes.plot(*zip(*way, strict=True), color=drawn.get_facecolor()[0], linewidth=1)
    if most > WIDE:
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xticks([0, 1, 3, 10, 30, 100], ["0", "1", "3", "10", "30", "100"])
    axes.axhline(30, color="gray", linestyle=":", linewidth=1)
    axes.set(xlabel="error outside the gaps, points more than before", ylabel="error inside the gaps, % of before",
             ylim=(0, 100))  # fmt: skip
    axes.legend(fontsize=7, frameon=False)
    figure.tight_layout()
    figure.savefig(file)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is not in the results, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--variants", nargs="+", choices=[DEFAULT, RANDOM, *ABLATIONS], default=[DEFAULT, RANDOM])
    parser.add_argument("--again", action="store_true", help="audit the repaired models again")
    parser.add_argument("--each", type=int, default=2000, help="questions of each skill")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args(arguments)
    lines: dict[tuple[str, str], list[tuple[Kept, Kept]]] = {}
    again: Kept = {}
    for name in chosen.targets:
        subject, out = subject_of(name, chosen.out), chosen.out / name
        before = kept_or_made(
            chosen.results, f"{name}, {BEFORE}",
            partial(measured, subject, None, out / "answers" / BEFORE, chosen.each, chosen.out),
        )  # fmt: skip
        for seed, variant in product(chosen.seeds, chosen.variants):
            make = partial(run_variant, subject, seed, variant, chosen.each, out)
            after = kept_or_made(chosen.results, f"{name}, seed {seed}, {variant}", make)
            lines.setdefault((name, variant), []).append((before, after))
            sys.stderr.write(f"{' | '.join(row_of(name, variant, [(before, after)]))}\n")
        for seed in chosen.seeds if chosen.again else ():
            key = f"{name}, seed {seed}, again"
            again[key] = kept_or_made(chosen.results, key, partial(audited_again, subject, seed, out))
            sys.stderr.write(f"{key}: {again[key]}\n")
    if chosen.plot:
        plot(lines, chosen.plot)
    _show(lines, again, chosen)


def _show(lines: Mapping[tuple[str, str], Sequence[tuple[Kept, Kept]]], again: Kept, chosen: Any) -> None:  # noqa: ANN401
    rows = [row_of(*key, seeds) for key, seeds in lines.items()]
    if chosen.json:
        json.dump({"rows": [dict(zip(HEADS, row, strict=True)) for row in rows], "again": again}, sys.stdout, indent=1)
    elif chosen.markdown:
        for line in [HEADS, ("---", "---", *("---:",) * (len(HEADS) - 2)), *rows]:
            sys.stdout.write(f"| {' | '.join(line)} |\n")
    else:
        table = Table(*HEADS)
        for row in rows:
            table.add_row(*row)
        Console(width=160).print(table)


if __name__ == "__main__":
    main()
