"""The suite of the playground before and after a repair, and beside the sibling of four times the parameters.

    python -m benchmarks.repaired_suite [--target target] [--seeds 0 1 2] [--out DIR] [--each 2000] [--json]

It asks nothing: it compares the answers that `benchmarks.rectification` kept of each model to the same questions, all
of them, those in planted gaps included. Of each skill and of the whole suite: the accuracies, the exact McNemar test,
corrected for the number of skills (Holm). The sibling has gaps of its own, fixed before anything was measured.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from auditdm_hub.evaluating.asking import read_answers
from auditdm_hub.evaluating.comparison import Comparison, corrected
from auditdm_hub.evaluating.items import Answered
from auditdm_hub.evaluating.playground import PLAYGROUND
from auditdm_hub.evaluating.results import compare_answers
from auditdm_hub.playground.models import SIBLING, TARGET
from benchmarks.gap_errors import gaps_of, subject_of
from benchmarks.rectification import BEFORE, DEFAULT, OUT

ALL = "whole suite"
SIGNIFICANT = 0.05


def compared(one: Sequence[Answered], other: Sequence[Answered]) -> list[Comparison]:
    """Return the whole suite, then each skill: the first model as "before", the second as "after"."""
    skills = sorted({item.part for item in one})
    found = []
    for skill in skills:
        kept = [[item for item in side if item.part == skill] for side in (one, other)]
        found.append(_named(skill, compare_answers(PLAYGROUND, *kept)))
    return [_named(ALL, compare_answers(PLAYGROUND, one, other)), *corrected(found)]


def _named(name: str, found: Comparison) -> Comparison:
    return replace(found, name=name)


def summary(name: str, found: Sequence[Comparison]) -> dict[str, object]:
    """Return what a comparison says: totals, and the skills that are significantly better and worse."""
    whole, skills = found[0], found[1:]
    told = [each for each in skills if each.p_value is not None and each.p_value < SIGNIFICANT]
    worse = {each.name: round(100 * each.difference, 1) for each in told if each.difference < 0}
    return {
        "comparison": name, "questions": whole.before.trials, "before": round(100 * whole.before.rate, 2),
        "after": round(100 * whole.after.rate, 2), "difference": round(100 * whole.difference, 2),
        "interval": [round(100 * whole.low, 2), round(100 * whole.high, 2)], "p": whole.p_value,
        "better skills": sum(each.difference > 0 for each in told), "worse skills": worse,
    }  # fmt: skip


def share_of_gaps(name: str, each: int, out: Path) -> float:
    """Return the share of the suite's questions that lie in a model's planted gaps."""
    folder = out / name / "answers" / BEFORE
    return len(gaps_of(subject_of(name, out), each, out)) / len(read_answers(folder))


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default=TARGET)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--each", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    base, sibling = (read_answers(chosen.out / name / "answers" / BEFORE) for name in (chosen.target, SIBLING))
    rows = [summary(f"{SIBLING} against {chosen.target} before", compared(base, sibling))]
    for seed in chosen.seeds:
        repaired = read_answers(chosen.out / chosen.target / "answers" / f"{DEFAULT}-{seed}")
        rows.append(summary(f"repaired {chosen.target} against itself, seed {seed}", compared(base, repaired)))
        rows.append(summary(f"repaired {chosen.target} against {SIBLING}, seed {seed}", compared(sibling, repaired)))
    shares = {name: round(100 * share_of_gaps(name, chosen.each, chosen.out), 1) for name in (chosen.target, SIBLING)}
    if chosen.json:
        json.dump({"questions in planted gaps, %": shares, "rows": rows}, sys.stdout, indent=1)
        return
    table = Table(*rows[0], title=f"questions in planted gaps: {shares}")
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console(width=180).print(table)


if __name__ == "__main__":
    main()
