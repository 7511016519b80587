"""Audit, rectify, audit again: until no failure type is left, or for so many rounds.

    RUN/                  the first audit, and its rectification
        rounds/2/         the audit of what that repaired, with a freshly trained auditor, and its rectification
        rounds/answers/   of each round's model, on the first audit's failures and controls of the test split
        rounds/adapter/   all repairs as one adapter for the first target, and rounds/evaluation.json: before and after
        rounds.json       the table of rounds

Each round is a run of its own, so that a kill loses nothing that a stage has finished.
"""

import json
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.config import PLAYGROUND
from auditdm_hub.errors import RunError
from auditdm_hub.evaluating.asking import ask_items, read_answers
from auditdm_hub.evaluating.comparison import FILE as EVALUATION
from auditdm_hub.evaluating.comparison import Comparison, corrected, weights_of
from auditdm_hub.evaluating.released import CONTROLS, contradicting, errors
from auditdm_hub.evaluating.results import compare_answers
from auditdm_hub.rectifying.adapters import stack_adapters
from auditdm_hub.report.again import report_again
from auditdm_hub.report.rounds import FILE, FORMAT_VERSION, Round
from auditdm_hub.runs import Run
from auditdm_hub.workflows.api import audit
from auditdm_hub.workflows.evaluation import Evaluation, run_evaluation
from auditdm_hub.workflows.lessons import AuditLessons
from auditdm_hub.workflows.more_lessons import answers_for
from auditdm_hub.workflows.rectification import (
    ADAPTER,
    FOLDER,
    KINDS,
    MERGED,
    Rectification,
    comparison_file,
    rectify_run,
)
from auditdm_hub.workflows.specs import as_another, spec_of
from auditdm_hub.workflows.watching import SILENT, Watcher

if TYPE_CHECKING:
    from auditdm_hub.workflows.lessons import Items

ROUNDS = Path("rounds")
ANSWERS = ROUNDS / "answers"
REPAIRS = "repairs.json"
"""In `ROUNDS`: digest of the adapter that each round audits."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What each round's model is measured with, beside the failures of the first audit; as in `Evaluation`."""

    benchmarks: tuple[str, ...] = ()
    data: str = ""
    limit: int | None = None


def rectify_rounds(
    path: Path, wanted: Rectification, rounds: int, measures: Measures = Measures(), resume: bool = False,
    watcher: Watcher = SILENT,
) -> list[Round]:  # fmt: skip
    """Rectify the target of a run, audit what comes out, and so on; return the table of rounds.

    Args:
        path: the run's folder; its audit is finished.
        wanted: how to rectify, in each round.
        rounds: rectifications at most; an audit follows the last one. A round that finds no failure type is the last.
        measures: benchmarks; the playground's suite is one of them where the pool is the playground.
        resume: go on with rounds that are there.
        watcher: is told how it comes along.

    Raises:
        RunError: the audit found no failure type, or there are rounds of another repair.
        AuditDMError: as `rectify_run` and `audit`.
    """
    first = Run.open(path)
    made = [first]
    wanted = replace(wanted, merge=True)
    for number in range(1, rounds + 1):
        latest = made[-1]
        if not latest.results()["failure_types"]:
            break
        watcher.say(f"round {number}: rectify")
        made[-1] = rectify_run(latest.path, wanted, resume and (latest.path / FOLDER).exists(), watcher)
        watcher.say(f"round {number + 1}: audit")
        _keep_repair(path / ROUNDS, number + 1, latest.path / ADAPTER)
        made.append(_audit_again(first, number + 1, latest.path / MERGED, wanted, watcher))
    if len(made) == 1:
        raise RunError(f"{path}: the audit found no failure type, so there is nothing to rectify")
    stack_adapters([run.path / ADAPTER for run in made[:-1]], path / ROUNDS / "adapter")
    kinds = json.loads((path / FOLDER / KINDS).read_text())
    items = AuditLessons(first, path / FOLDER, wanted.extra).items(kinds)
    table = [
        _round(number, first, run, items, measures, wanted.tuning.device, watcher)
        for number, run in enumerate(made, start=1)
    ]
    results = comparison_file(first, ROUNDS / "adapter", _before_and_after(path, len(made)))
    atomic_write_json(path / ROUNDS / EVALUATION, results)
    atomic_write_json(path / FILE, {"format_version": FORMAT_VERSION, "rounds": table})
    report_again(path)
    return table


def _keep_repair(rounds: Path, number: int, adapter: Path) -> None:
    """Keep which adapter a round audits; raise if there is a round of that number that audited another."""
    file, digest = rounds / REPAIRS, weights_of(adapter)
    kept: dict[str, str] = json.loads(file.read_text()) if file.is_file() else {}
    if kept.get(str(number), digest) != digest:
        raise RunError(f"{rounds / str(number)} audited another repair: remove {rounds} to do the rounds anew")
    atomic_write_json(file, {**kept, str(number): digest})


def _audit_again(first: Run, number: int, model: Path, wanted: Rectification, watcher: Watcher) -> Run:
    config = {name: value for name, value in first.config.items() if value is not None}
    config = as_another(config, str(config["target"]), str(model))
    settings = {
        **config, "target": str(model), "out": str(first.path / ROUNDS / str(number)), "known": [],
        "device": wanted.tuning.device,
    }  # fmt: skip
    if wanted.max_cost is not None:
        settings["endpoints"] = {**config.get("endpoints", {}), "max_cost": wanted.max_cost}
    return audit(resume=True, yes=True, watcher=watcher, **settings)


def _round(
    number: int, first: Run, run: Run, items: "Items", measures: Measures, device: str, watcher: Watcher
) -> Round:  # fmt: skip
    results = run.results()
    success = results["search_success"]
    arm = next(success[name] for name in ("trained", "prompt_only") if success.get(name))
    failures, kept = _asked(number, first, run, items, device, watcher)
    return {
        "round": number,
        "run": str(run.path.relative_to(first.path)),
        "rate": arm["rate"],
        "trials": arm["trials"],
        "types": [kind["name"] for kind in results["failure_types"]],
        "first_types": failures,
        "kept": kept,
        "benchmarks": _measured(number, first, run, measures, device, watcher),
        "answers": sum(results["cost"].values()) + answers_for(run.path / FOLDER),
        "seconds": round(sum(stage.seconds for stage in run.stages.values()), 1),
    }


def _asked(
    number: int, first: Run, run: Run, items: "Items", device: str, watcher: Watcher
) -> tuple[dict[str, list[int]], list[int]]:
    """Return (wrong, asked) of the first audit's failures by type, and of its controls."""
    folder = first.path / ANSWERS / str(number)
    stage = f"round {number}"
    with closing(Run.create(first.path, first.config, resume=True)) as held:
        if not held.stage_done(stage):
            folder.mkdir(parents=True, exist_ok=True)
            report = watcher.stage(f"{stage}: failures of the first audit")
            model = spec_of(run.config, str(run.config["target"])).on(device).load()
            ask_items(model, iter(items), folder, lambda done: report(done, len(items)))
            held.finish_stage(stage, [str(ANSWERS / str(number))], 0.0)
    counts: dict[str, list[int]] = {}
    for item in read_answers(folder):
        wrong, asked = counts.get(item.part, [0, 0])
        counts[item.part] = [wrong + round(errors([item])[0]), asked + 1]
    return {name: pair for name, pair in counts.items() if name != CONTROLS}, counts.get(CONTROLS, [0, 0])


def _before_and_after(path: Path, last: int) -> tuple[Comparison, ...]:
    """Compare the first model with the last one."""
    sides = [read_answers(path / ANSWERS / str(number)) for number in (1, last)]
    parts = dict.fromkeys(item.part for item in sides[0])
    return corrected([
        compare_answers(contradicting(part), *([item for item in side if item.part == part] for side in sides))
        for part in parts
    ])  # fmt: skip


def _measured(
    number: int, first: Run, run: Run, measures: Measures, device: str, watcher: Watcher
) -> dict[str, float]:  # fmt: skip
    suite = PLAYGROUND if first.config["pool"] == PLAYGROUND else ""
    if not suite and not measures.benchmarks:
        return {}
    evaluation = Evaluation(
        str(run.config["target"]), benchmarks=measures.benchmarks, suite=suite, limit=measures.limit,
        data=measures.data, device=device, answer_prompt=str(run.config.get("answer_prompt") or ""),
    )  # fmt: skip
    done = run_evaluation(evaluation, first.path / ROUNDS / f"evaluation-{number}", resume=True, watcher=watcher)
    scores = json.loads((done.path / "evaluation.json").read_text())["scores"]["model"]
    return {str(score["benchmark"]): float(score["value"]) for score in scores}
