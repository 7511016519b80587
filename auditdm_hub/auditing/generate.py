"""Probe generation: an arm of the audit writes its trials, all models answer, the vote decides; chunk by chunk.

Each chunk of trials is one parquet file. A chunk that is there is complete, so a run that was killed goes on with the
first one that is missing, and ends with the same table. Passes are rows of it, too, but no trials.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from auditdm_hub.auditing.auditors import Arm, own_answers
from auditdm_hub.auditing.exchanges import SCHEMA, from_row, to_row
from auditdm_hub.auditing.plans import Asked, Plan
from auditdm_hub.auditing.probe import ImageTools, build_probes, second_pass, undrawn, write, write_again
from auditdm_hub.auditing.themes import NO_PICTURE, PASSED, passed
from auditdm_hub.records import Judged, Probe
from auditdm_hub.tables import chunk_path, finished_chunks, read_rows, write_table

TOO_OFTEN = f"{PASSED}: asked often enough"
AskAndVote = Callable[[Sequence[Probe]], Sequence[Judged]]


def generate(
    arm: Arm, plan: Plan, tools: ImageTools, ask_and_vote: AskAndVote, folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> None:  # fmt: skip
    """Write one arm's trials to the table in `folder`, going on where it ends.

    Args:
        arm: who writes.
        plan: which trials.
        tools: what makes and keeps images.
        ask_and_vote: answers and verdicts of probes, in order; faulty ones come back invalid.
        folder: of the table.
        progress: called with texts got and texts in all.
    """
    index = finished_chunks(folder)
    rows = read_offers(folder) if index else []
    asked = Asked(row.probe for row in rows if not row.probe.fault)
    while drafts := plan.chunk(index, rows):
        written = write_again(arm.auditor, write(arm.auditor, drafts, tools), tools)
        probes = _limited(_admitted(build_probes(written, arm.name, tools), plan, arm, tools), plan, asked)
        probes = _first(probes, plan.trials - sum(_counts(row.probe) for row in rows))
        again = [replace(probe, auditor=arm.name) for probe in second_pass(probes, arm.auditor, tools)]
        again = _limited(_admitted(again, plan, arm, tools), plan, asked)
        judged = ask_and_vote([*probes, *again])
        write_table(chunk_path(folder, index), [to_row(row) for row in judged], SCHEMA)
        rows += judged
        index += 1
        if progress is not None:
            progress(sum(_counts(row.probe) for row in rows), plan.trials)


def read_trials(folder: Path) -> list[Judged]:
    """Return the trials of a table that `generate` wrote."""
    return [row for row in read_offers(folder) if not passed(row.probe)]


def read_offers(folder: Path) -> list[Judged]:
    """Return the trials and the passes of a table that `generate` wrote."""
    return [from_row(row) for row in read_rows(folder)]


def _counts(probe: Probe) -> bool:
    """Whether this is one of the trials that the plan asks for."""
    return probe.first_pass and not passed(probe)


def _first(probes: Sequence[Probe], trials: int) -> list[Probe]:
    """Return the probes up to as many trials: more were offered than needed, for there might have been passes."""
    kept, left = [], trials
    for probe in probes:
        if left == 0:
            break
        left -= _counts(probe)
        kept.append(probe)
    return kept


def _admitted(probes: Sequence[Probe], plan: Plan, arm: Arm, tools: ImageTools) -> list[Probe]:
    """Return the probes, those as passes that the auditor can see not to be what was wished for.

    That is one without a new picture, and one to which its own answer is another.
    """
    answers = own_answers(arm, probes, tools)
    return [_looked_at(probe, plan, arm, answer) for probe, answer in zip(probes, answers, strict=True)]


def _looked_at(probe: Probe, plan: Plan, arm: Arm, answer: str | None) -> Probe:
    if probe.fault:
        return (
            replace(probe, fault=f"{PASSED}: {NO_PICTURE}, {probe.fault}") if probe.wish and undrawn(probe) else probe
        )
    if arm.answerer is None or plan.admits(probe, answer):
        return probe
    return replace(probe, fault=f"{PASSED}: answers {answer}")


def _limited(probes: Sequence[Probe], plan: Plan, asked: Asked) -> list[Probe]:
    """Return the probes, those whose question was asked often enough as passes; the others are counted."""
    kept = []
    for probe in probes:
        if not probe.fault and plan.too_often(probe, asked):
            probe = replace(probe, fault=TOO_OFTEN)
        if not probe.fault:
            asked.add(probe)
        kept.append(probe)
    return kept
