"""What an audit of the playground found, held against the truth.

    python -m benchmarks.search_success RUN [RUN ...]       these runs
    python -m benchmarks.search_success --seeds 0 1 2       the default audit with these seeds (in runs/, resumable)

The audit itself counts a success where the target contradicts a consensus. Here the scene is read back from the pixels
and the executor says what is right: a *true* failure is a counted success whose question has a true premise and whose
target answer is wrong. Beside it: how precise the consensus is, and which planted gaps were found.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from auditdm_hub import audit
from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.playground.draw import read
from auditdm_hub.playground.gaps import TARGET_GAPS
from auditdm_hub.playground.skills import Answered, solve
from auditdm_hub.playground.skills.questions import FALSE_PREMISE
from auditdm_hub.records import Judged
from auditdm_hub.runs import Run
from auditdm_hub.statistics import effective_number, wilson
from auditdm_hub.workflows import Watcher

FOUND = 10
"""True failures from which on a gap counts as found."""


@dataclass(frozen=True, slots=True)
class ArmTruth:
    """One auditor against the truth; rates are shares of all its trials, intervals are Wilson's at 95%."""

    auditor: str
    trials: int
    audit_rate: float
    true_rate: float
    low: float
    high: float
    consensus_precision: float
    gaps_found: int
    effective_gaps: float
    distinct_questions: int
    by_gap: dict[str, int]


def truth_of(run: Run, row: Judged) -> Answered | None:
    """Return what is right for a trial; None where the picture or the question is not of the playground."""
    scene = read(run.images.get(row.probe.image_sha)) if not row.probe.fault else None
    return solve(scene, row.probe.question) if scene else None


def measure(run: Run, auditor: str) -> ArmTruth:
    """Hold one auditor's trials against the truth."""
    rows = read_trials(run.path / "exchanges" / auditor)
    agreed = right = true = 0
    gaps: Counter[str] = Counter()
    pairs = set()
    for row in rows:
        truth = truth_of(run, row)
        if row.verdict.consensus and truth:
            agreed += 1
            right += normalise(row.verdict.consensus) == truth.answer
        said = normalise(row.exchange.target_answer or "")
        if row.failed and truth and truth.skill != FALSE_PREMISE and said != truth.answer:
            true += 1
            pair = row.probe.image_sha, row.probe.question
            if pair not in pairs:
                pairs.add(pair)
                gaps[next((gap.name for gap in TARGET_GAPS if gap.member(truth)), "outside")] += 1
    low, high = wilson(true, len(rows))
    planted = {gap.name: gaps[gap.name] for gap in TARGET_GAPS}
    return ArmTruth(
        auditor=auditor,
        trials=len(rows),
        audit_rate=sum(row.failed for row in rows) / len(rows),
        true_rate=true / len(rows),
        low=low,
        high=high,
        consensus_precision=right / agreed if agreed else float("nan"),
        gaps_found=sum(count >= FOUND for count in planted.values()),
        effective_gaps=effective_number(planted.values()),
        distinct_questions=len({question for _, question in pairs}),
        by_gap={**planted, "outside every gap": gaps["outside"]},
    )


def default_audit(seed: int) -> Path:
    """Audit the playground with its default settings, or go on with that audit; return the run's folder."""
    out = f"runs/search-success-{seed}"
    return audit(seed=seed, out=out, resume=True, watcher=Watcher(print, lambda name: lambda done, total: None)).path


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures of some runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="of default audits, where no RUN is named")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    measured = {
        str(path): [
            measure(Run.open(path), arm)
            for arm in ("prompt_only", "random", "trained")
            if (path / "exchanges" / arm).is_dir()
        ]
        for path in chosen.runs or [default_audit(seed) for seed in chosen.seeds]
    }
    if chosen.json:
        json.dump({run: [asdict(arm) for arm in arms] for run, arms in measured.items()}, sys.stdout, indent=1)
        return
    console = Console(width=110)
    for run, arms in measured.items():
        table = Table(title=run)
        for head in ("auditor", "trials", "audit says", "true failures", "95%", "consensus right", "gaps found",
                     "effective gaps", "questions"):  # fmt: skip
            table.add_column(head, justify="left" if head == "auditor" else "right")
        for arm in arms:
            table.add_row(
                arm.auditor, f"{arm.trials:,}", f"{arm.audit_rate:.1%}", f"{arm.true_rate:.1%}",
                f"{arm.low:.1%}-{arm.high:.1%}", f"{arm.consensus_precision:.1%}",
                f"{arm.gaps_found} of {len(TARGET_GAPS)}", f"{arm.effective_gaps:.1f}", f"{arm.distinct_questions:,}",
            )  # fmt: skip
        console.print(table)
        for arm in arms:
            console.print(f"{arm.auditor}: " + ", ".join(f"{name} {count}" for name, count in arm.by_gap.items()))


if __name__ == "__main__":
    main()
