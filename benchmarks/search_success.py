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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from rich.console import Console
from rich.table import Table

from auditdm_hub import audit
from auditdm_hub.auditing.generate import read_offers
from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.auditing.themes import no_picture, passed
from auditdm_hub.errors import RunError
from auditdm_hub.playground.build.cards import read_accuracy
from auditdm_hub.playground.draw import read
from auditdm_hub.playground.gaps import TARGET_GAPS
from auditdm_hub.playground.models import TARGET, model_folder
from auditdm_hub.playground.skills import Answered, solve
from auditdm_hub.playground.skills.questions import FALSE_PREMISE
from auditdm_hub.playground.world import Scene
from auditdm_hub.records import PAIRINGS, Judged
from auditdm_hub.report.schema import ARMS
from auditdm_hub.runs import Run
from auditdm_hub.statistics import effective_number, effective_voters, wilson
from auditdm_hub.workflows import Watcher

OUTSIDE = "outside every gap"
FOUND = 10
"""True failures from which on a gap counts as found."""


@dataclass(frozen=True, slots=True)
class ArmTruth:
    """One auditor against the truth; rates are shares of all its trials, intervals are Wilson's at 95%.

    A true failure is counted once for an image and a question, however often it was asked.

    `ceiling`: the success that an auditor would have that asks inside the gaps alone, with the same coverage, given how
    often the target is wrong there. `changed`: share of the true failures that use a generated or edited image.
    `top_question`: share of the true failures with the most frequent question. `passes`: offers that it did not take;
    `undrawn` of them because its text gave no new picture: `strict_rate` counts these as trials, too.
    """

    auditor: str
    trials: int
    passes: int
    undrawn: int
    audit_rate: float
    true_rate: float
    strict_rate: float
    low: float
    high: float
    ceiling: float
    consensus_precision: float
    gaps_found: int
    effective_gaps: float
    distinct_pairs: int
    distinct_questions: int
    top_question: float
    changed: float
    by_pairing: dict[str, tuple[int, int]]
    by_gap: dict[str, int]


def truth_of(run: Run, row: Judged) -> Answered | None:
    """Return what is right for a trial; None where the picture or the question is not of the playground."""
    scene = _scene(run.path, row.probe.image_sha) if not row.probe.fault else None
    return solve(scene, row.probe.question) if scene else None


@cache
def _scene(run: Path, sha: str) -> Scene | None:
    return read(Run.open(run).images.get(sha))


def wrongly_answered(run: Run, row: Judged) -> Answered | None:
    """Return the truth of a true failure; None for any other trial."""
    truth = truth_of(run, row) if row.failed else None
    said = normalise(row.exchange.target_answer or "")
    return truth if truth and truth.skill != FALSE_PREMISE and said != truth.answer else None


def measure(auditor: str, *runs: Run) -> ArmTruth:
    """Hold one auditor's trials against the truth: those of one run, or of several that share a budget."""
    offers = [(run, row) for run in runs for row in read_offers(run.path / "exchanges" / auditor)]
    asked = [(run, row) for run, row in offers if not passed(row.probe)]
    rows = [row for _, row in asked]
    agreed = [(row, truth) for run, row in asked if row.verdict.consensus and (truth := truth_of(run, row))]
    right = sum(normalise(row.verdict.consensus) == truth.answer for row, truth in agreed)
    true = [(row, truth) for run, row in asked if (truth := wrongly_answered(run, row))]
    pairs = {(row.probe.image_sha, row.probe.question): (row, truth) for row, truth in true}
    gaps = Counter(next((gap.name for gap in TARGET_GAPS if gap.member(t)), OUTSIDE) for _, t in pairs.values())
    questions = Counter(row.probe.question for row, _ in pairs.values())
    planted = {gap.name: gaps[gap.name] for gap in TARGET_GAPS}
    low, high = wilson(len(pairs), len(rows))
    undrawn = sum(no_picture(row.probe) for _, row in offers)
    hits = Counter(row.probe.pairing for row, _ in pairs.values())
    all_trials = Counter(row.probe.pairing for row in rows)
    return ArmTruth(
        auditor=auditor,
        trials=len(rows),
        passes=len(offers) - len(rows),
        undrawn=undrawn,
        audit_rate=sum(row.failed for row in rows) / len(rows),
        true_rate=len(pairs) / len(rows),
        strict_rate=len(pairs) / (len(rows) + undrawn),
        low=low,
        high=high,
        ceiling=ceiling_at(planted),
        consensus_precision=right / len(agreed) if agreed else float("nan"),
        gaps_found=sum(count >= FOUND for count in planted.values()),
        effective_gaps=effective_number(planted.values()),
        distinct_pairs=len(pairs),
        distinct_questions=len(questions),
        top_question=max(questions.values()) / len(pairs) if pairs else 0.0,
        changed=sum(row.probe.image_source != "original" for row, _ in pairs.values()) / max(1, len(pairs)),
        by_pairing={pairing: (hits[pairing], all_trials[pairing]) for pairing in PAIRINGS},
        by_gap={**planted, OUTSIDE: gaps[OUTSIDE]},
    )


@dataclass(frozen=True, slots=True)
class OracleTruth:
    """The consensus of all auditors' trials, as the holdout sees it and as it is.

    Each pair is (by the holdout, in truth): `precision` of the consensus, `target_only_correct` = share of the counted
    failures in which the target is right, and `effective_voters` among the families.
    """

    precision: tuple[float, float]
    target_only_correct: tuple[float, float]
    effective_voters: tuple[float, float]


def oracle(run: Run) -> OracleTruth | None:
    """Hold what a run says of its consensus against the truth; None for a run without a holdout."""
    said = run.results()["consensus"]
    if not said["holdout"]:
        return None
    rows = [row for arm in ARMS if (run.path / "exchanges" / arm).is_dir() for row in _trials(run, arm)]
    known = [(row, truth.answer) for row in rows if (truth := truth_of(run, row))]
    agreed = [(row, answer) for row, answer in known if row.verdict.consensus]
    failed = [(row, answer) for row, answer in agreed if row.failed]
    voters = [model["id"] for model in run.results()["models"]["references"]]
    wrong = [[normalise(row.exchange.reference_answers[name] or "") != answer for row, answer in known]
             for name in voters]  # fmt: skip
    return OracleTruth(
        (said["holdout"]["rate"], _mean(normalise(row.verdict.consensus) == answer for row, answer in agreed)),
        (
            said["target_only_correct"]["rate"],
            _mean(normalise(row.exchange.target_answer or "") == answer for row, answer in failed),
        ),
        (said["effective_voters"], effective_voters(wrong)),
    )


def _trials(run: Run, arm: str) -> list[Judged]:
    return [row for row in read_offers(run.path / "exchanges" / arm) if not passed(row.probe)]


def _mean(values: Iterable[bool]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else float("nan")


def ceiling_at(planted: Mapping[str, int]) -> float:
    """Return failures / trials of an auditor that asks inside gaps alone: n failures of a gap take n / error trials."""
    accuracy = read_accuracy(model_folder(TARGET))["gaps"]
    needed = sum(count / (1 - accuracy[gap][0] / accuracy[gap][1]) for gap, count in planted.items())
    return sum(planted.values()) / needed if needed else float("nan")


def opened(path: Path) -> Run:
    """Return a run, or end with one line."""
    try:
        return Run.open(path)
    except RunError as error:
        sys.exit(f"Error: {error}")


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
        str(path): [measure(arm, opened(path)) for arm in ARMS if (opened(path).path / "exchanges" / arm).is_dir()]
        for path in chosen.runs or [default_audit(seed) for seed in chosen.seeds]
    }
    if chosen.json:
        found = {
            run: {"auditors": [asdict(arm) for arm in arms], "oracle": told and asdict(told)}
            for run, arms in measured.items()
            for told in [oracle(Run.open(Path(run)))]
        }
        json.dump(found, sys.stdout, indent=1)
        return
    console = Console(width=160)
    for run, arms in measured.items():
        table = Table(title=run)
        for head in ("auditor", "trials", "passes", "audit says", "true failures", "95%", "strict",
                     "ceiling", "consensus right", "gaps found", "effective gaps", "pairs", "questions",
                     "top question", "changed"):  # fmt: skip
            table.add_column(head, justify="left" if head == "auditor" else "right")
        for arm in arms:
            table.add_row(
                arm.auditor, f"{arm.trials:,}", f"{arm.passes:,}", f"{arm.audit_rate:.1%}", f"{arm.true_rate:.1%}",
                f"{arm.low:.1%}-{arm.high:.1%}", f"{arm.strict_rate:.1%}", f"{arm.ceiling:.1%}",
                f"{arm.consensus_precision:.1%}", f"{arm.gaps_found} of {len(TARGET_GAPS)}",
                f"{arm.effective_gaps:.1f}", f"{arm.distinct_pairs:,}", f"{arm.distinct_questions:,}",
                f"{arm.top_question:.1%}", f"{arm.changed:.0%}",
            )  # fmt: skip
        console.print(table)
        for arm in arms:
            rates = (f"{pairing} {hits}/{trials}" for pairing, (hits, trials) in arm.by_pairing.items())
            console.print(f"{arm.auditor}: {', '.join(rates)}")
            console.print("  " + ", ".join(f"{name} {count}" for name, count in arm.by_gap.items()))
        known = oracle(Run.open(Path(run)))
        for name, (guess, truth) in asdict(known).items() if known else ():
            console.print(f"{name.replace('_', ' ')}: {guess:.3f} by the holdout, {truth:.3f} in truth")


if __name__ == "__main__":
    main()
