"""Probe generation: an arm of the audit writes its trials, all models answer, the vote decides; chunk by chunk.

Each chunk of trials is one parquet file. A chunk that is there is complete, so a run that was killed goes on with the
first one that is missing, and ends with the same table.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from auditdm_hub.auditing.auditors import Arm
from auditdm_hub.auditing.exchanges import SCHEMA, from_row, to_row
from auditdm_hub.auditing.probe import Draft, ImageTools, build_probes, second_pass, write
from auditdm_hub.records import Judged, Probe
from auditdm_hub.tables import chunk_path, finished_chunks, read_rows, write_table

CHUNK = 128
AskAndVote = Callable[[Sequence[Probe]], Sequence[Judged]]


def generate(
    arm: Arm, drafts: Sequence[Draft], tools: ImageTools, ask_and_vote: AskAndVote, folder: Path,
    progress: Callable[[int, int], None] | None = None,
) -> None:  # fmt: skip
    """Write one arm's trials to the table in `folder`, going on where it ends.

    Args:
        arm: who writes.
        drafts: the trials of the first pass.
        tools: what makes and keeps images.
        ask_and_vote: answers and verdicts of probes, in order; faulty ones come back invalid.
        folder: of the table.
        progress: called with drafts done and drafts in all.
    """
    for index in range(finished_chunks(folder), -(-len(drafts) // CHUNK)):
        part = drafts[index * CHUNK : (index + 1) * CHUNK]
        written = write(arm.auditor, part, tools, [None] * len(part))
        probes = build_probes(written, arm.name, tools)
        again = [replace(probe, auditor=arm.name) for probe in second_pass(probes, arm.auditor, tools)]
        judged = ask_and_vote([*probes, *again])
        write_table(chunk_path(folder, index), [to_row(row) for row in judged], SCHEMA)
        if progress is not None:
            progress(index * CHUNK + len(part), len(drafts))


def read_trials(folder: Path) -> list[Judged]:
    """Return the trials of a table that `generate` wrote."""
    return [from_row(row) for row in read_rows(folder)]
