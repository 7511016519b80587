"""`auditdm-hub report`."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The run's folder.")],
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Write a run's report again, without asking any model.

    Reads results.json, images/ and what a repair brought; writes report.md and report.html there.
    """
    from auditdm_hub.report.again import report_again

    results = report_again(run)
    if not quiet:
        from rich.console import Console

        from auditdm_cli.summary import show

        show(results, run, Console(highlight=False))
