"""Success and coverage of several ways to train an auditor, under one budget, held against the truth.

    python -m benchmarks.success_coverage [--variants NAME ...] [--seeds 0 1 2] [--probes 2000] [--plot FILE.png]

Every variant audits the default target with the same number of texts in training and of trials in probing, on images
that its training has not seen. Success without coverage is worthless: one question about one gap reaches 100%.

The runs lie in `runs/success-coverage`; their figures are kept in `--results`, and what is there is not run again.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table

from auditdm_hub import audit
from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.config import load_config
from auditdm_hub.playground.gaps import TARGET_GAPS
from auditdm_hub.runs import Run
from auditdm_hub.workflows import Watcher
from benchmarks.search_success import ArmTruth, measure

OUT = Path("runs/success-coverage")
POOL = 2400
RESULTS = Path("benchmarks/results/success_coverage.json")
STRONG: dict[str, Any] = {"rounds": 1, "learning_rate": 3e-4, "min_learning_rate": 3e-5, "beta": 0.1}
"""Without themes the auditor has only its own learning to find failures by: more of it, and less of a hold."""
DEFAULT = "themes"
VARIANTS: dict[str, dict[str, Any]] = {
    "plain GRPO": {"training": {**STRONG, "novelty": "none"}},
    "novelty": {"training": {**STRONG, "novelty": "archive"}},
    "adaptive entropy": {"training": {**STRONG, "novelty": "none", "entropy_target": 1.0}},
    DEFAULT: {"training": {}},
    "themes, any image": {"training": {"choose_images": False}},
    "themes, questions alone": {"training": {}, "actions": ["question"]},
    "themes, any certainty": {"training": {"certainty": 0.0}},
    "themes, no novelty": {"training": {"novelty": "none"}},
    "themes, no learning": {"training": {"learning_rate": 1e-9, "min_learning_rate": 0.0}},
    "themes, strong learning": {"training": {**STRONG, "rounds": 6}},
}
FRESH, PARTS = "fresh auditors", 4
"""A variant of its own: so many auditors one after the other, each paid only for what those before it did not find."""
Figures = dict[str, list[ArmTruth]]


def run_variant(name: str, seed: int, probes: int) -> list[Run]:
    """Audit with a variant's settings, or go on with that audit."""
    if name == FRESH:
        return _fresh(seed, probes)
    baseline = name == DEFAULT  # the same for all
    return [_audit(name, str(seed), {**VARIANTS[name], "seed": seed, "probes": probes, "baseline": baseline})]


def figures_of(name: str, seed: int, probes: int, results: Path) -> dict[str, ArmTruth]:
    """Return the figures of a variant and, with the default, of its baselines; from `results` if they are there."""
    kept = json.loads(results.read_text()) if results.is_file() else {}
    key = f"{name}, seed {seed}, {probes} trials"
    if key not in kept:
        runs = run_variant(name, seed, probes)
        arms = {name: measure("trained", *runs)}
        if name == DEFAULT:
            arms |= {arm.replace("_", "-"): measure(arm, *runs) for arm in ("prompt_only", "random")}
        kept = json.loads(results.read_text()) if results.is_file() else {}  # another process may have added its own
        kept[key] = {arm: asdict(truth) for arm, truth in arms.items()}
        atomic_write_json(results, dict(sorted(kept.items())))
    return {arm: ArmTruth(**truth) for arm, truth in kept[key].items()}


def _fresh(seed: int, probes: int) -> list[Run]:
    steps, runs = load_config().steps // PARTS, list[Run]()
    for part in range(PARTS):
        known = [str(run.path) for run in runs]
        settings = {
            "steps": steps, "probes": probes // PARTS, "known": known, "baseline": False, "seed": 100 * part + seed,
            "training": {**STRONG, "novelty": "archive"},
        }  # fmt: skip
        runs.append(_audit(FRESH, f"{seed}-{part}", settings))
    return runs


def _audit(name: str, number: str, settings: dict[str, Any]) -> Run:
    out = OUT / f"{name.replace(',', '').replace(' ', '-')}-{number}"
    watcher = Watcher(lambda line: None, lambda stage: lambda done, total: None)
    return audit(resume=True, watcher=watcher, **{**settings, "pool_size": POOL, "out": str(out)})


HEADS = ("auditor", "trials", "passes", "audit says", "true", "ceiling", "gaps found", "effective gaps",
         "consensus right", "top question", "changed")  # fmt: skip


def spread(values: Sequence[float], form: str) -> str:
    """Return the mean over the seeds and, in brackets, the least and the most."""
    least, most = format(min(values), form), format(max(values), form)
    return format(mean(values), form) + (f" ({least}–{most})" if least != most else "")


def rows_of(figures: Figures) -> list[tuple[str, ...]]:
    """Return a row for each variant: means over the seeds, of the more important figures with their range."""
    return [
        (
            name, f"{mean(a.trials for a in arms):,.0f}", f"{mean(a.passes for a in arms):,.0f}",
            f"{mean(a.audit_rate for a in arms):.1%}", spread([a.true_rate for a in arms], ".1%"),
            f"{mean(a.ceiling for a in arms):.1%}", spread([a.gaps_found for a in arms], ".3g"),
            spread([a.effective_gaps for a in arms], ".1f"), f"{mean(a.consensus_precision for a in arms):.1%}",
            f"{max(a.top_question for a in arms):.1%}", f"{mean(a.changed for a in arms):.0%}",
        )
        for name, arms in figures.items()
    ]  # fmt: skip


def plot(figures: Figures, file: Path) -> None:
    """Draw the frontier: effective number of gaps over true success, a point per variant and seed."""
    import matplotlib.pyplot as plt  # type: ignore[import-not-found,unused-ignore]

    figure, axes = plt.subplots(figsize=(8, 4.5), dpi=150)
    for (name, arms), marker in zip(figures.items(), cycle("osD^v<>pPXhd"), strict=False):
        size, form = (90, "*") if name == DEFAULT else (28, marker)
        axes.scatter([a.true_rate for a in arms], [a.effective_gaps for a in arms], size, label=name, marker=form)
    axes.axhline(0.8 * len(TARGET_GAPS), color="gray", linestyle=":", linewidth=1)
    axes.set(xlabel="true search success", ylabel="effective number of gaps", xlim=(0, 1), ylim=(0, len(TARGET_GAPS)))
    axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.tight_layout()
    figure.savefig(file)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the variants and print their means over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", choices=[*VARIANTS, FRESH], default=[*VARIANTS, FRESH])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--probes", type=int, default=2000, help="trials of each auditor")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args(arguments)
    figures: Figures = {}
    for seed in chosen.seeds:
        for name in chosen.variants:
            for arm, truth in figures_of(name, seed, chosen.probes, chosen.results).items():
                figures.setdefault(arm, []).append(truth)
                sys.stderr.write(f"{arm}, seed {seed}: {truth.true_rate:.1%}\n")
    if chosen.plot:
        plot(figures, chosen.plot)
    if chosen.json:
        json.dump({name: [asdict(arm) for arm in arms] for name, arms in figures.items()}, sys.stdout, indent=1)
        return
    if chosen.markdown:
        lines = [HEADS, ("---", *("---:",) * (len(HEADS) - 1)), *rows_of(figures)]
        sys.stdout.writelines(f"| {' | '.join(line)} |\n" for line in lines)
        return
    table = Table(*HEADS)
    for row in rows_of(figures):
        table.add_row(*row)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
