"""The report: `results.json` from a run's trials, and a page and a markdown file from it and what a repair brought.

`build_results` makes what the file holds, `write_report` writes `report.md` and `report.html` beside it.
"""

from collections.abc import Sequence
from pathlib import Path

from auditdm_hub.atomic import atomic_write_text
from auditdm_hub.evaluating.comparison import Comparison
from auditdm_hub.images import ImageStore
from auditdm_hub.report.facts import ModelFacts, PoolFacts, RunFacts, RunModels
from auditdm_hub.report.html import render_html
from auditdm_hub.report.markdown import render_markdown
from auditdm_hub.report.results import build_results
from auditdm_hub.report.rounds import read_rounds
from auditdm_hub.report.schema import Results, checked_results

HTML, MARKDOWN = "report.html", "report.md"

__all__ = [
    "HTML",
    "MARKDOWN",
    "ModelFacts",
    "PoolFacts",
    "Results",
    "RunFacts",
    "RunModels",
    "build_results",
    "checked_results",
    "render_html",
    "render_markdown",
    "write_report",
]


def write_report(
    run_path: Path, results: Results, store: ImageStore, repair: Sequence[Comparison] = ()
) -> tuple[Path, Path]:
    """Write report.md and report.html into the run's folder, each all or nothing, and return where they lie.

    Args:
        run_path: the run's folder, which holds the images as `images/`.
        results: what its results.json holds.
        store: its images.
        repair: before and after of its repair; not shown beside the table of rounds.

    Raises:
        RunError: an image of an example is missing or was changed, or the table of rounds was.
    """
    rounds = read_rounds(run_path)
    repair = () if rounds else repair
    page, markdown = render_html(results, store, rounds, repair), render_markdown(results, rounds, repair)
    atomic_write_text(run_path / HTML, page)
    atomic_write_text(run_path / MARKDOWN, markdown)
    return run_path / MARKDOWN, run_path / HTML
