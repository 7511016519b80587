"""A run's report written again from its results and those of its repair, without asking any model."""

from pathlib import Path

from auditdm_hub.atomic import file_sha256
from auditdm_hub.errors import RunError
from auditdm_hub.evaluating.comparison import FILE, Comparison, read_comparisons
from auditdm_hub.report import Results, checked_results, write_report
from auditdm_hub.runs import Run

FILES = ("results.json", "report.md", "report.html")
MEASURED = "rectify evaluate"
"""The stage that measures a repair."""


def read_repair(run: Run) -> tuple[Comparison, ...]:
    """Return before and after of the repair that a run has; nothing if it has none.

    Raises:
        RunError: the file was changed after it was written.
    """
    return read_comparisons(run.path / FILE) if run.stage_done(MEASURED) else ()


def report_again(path: Path) -> Results:
    """Write report.md and report.html of a run from its results.json and its repair, and return the results.

    Raises:
        RunError: there is no finished run in that folder, it is in use, or what it shows was changed.
    """
    with Run.create(path, Run.open(path).config, resume=True) as run:
        results = checked_results(run.results(), path / FILES[0])
        stage = run.stages.get("report")
        if stage is not None and file_sha256(path / FILES[0]) != stage.outputs[FILES[0]]:
            raise RunError(f"{path / FILES[0]} was changed after stage 'report' wrote it: restore it")
        repair = read_repair(run)
        if stage is not None:
            run.reopen_stage("report")  # killed here, the audit writes it again with --resume
        write_report(path, results, run.images, repair)
        if stage is not None:
            run.finish_stage("report", FILES, stage.seconds, again=True)
    return results
