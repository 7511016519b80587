"""`auditdm-hub confirm`."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from auditdm_cli.options import require_extra


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished audit.")],
    images: Annotated[int, typer.Option(min=1, help="Fresh images of the pool, at most.")] = 400,
    items: Annotated[int, typer.Option(min=1, help="Questions for each type, at most one about an image.")] = 200,
    tries: Annotated[int, typer.Option(min=1, help="Questions that an image is asked to find one of a type.")] = 6,
    level: Annotated[float, typer.Option(min=0.0001, max=0.5, help="Share of false discoveries that is borne.")] = 0.05,
    margin: Annotated[
        float, typer.Option(min=0, max=0.9, help="How much more the target must err than on matched controls.")
    ] = 0.1,
    holdout: Annotated[str, typer.Option(metavar="MODEL", help="A model without a vote; default: the run's.")] = "",
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Cost of endpoints, the audit's included, at which it stops.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, mps, cuda or cuda:0; default: as the audit.")] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Taken as by other commands; it goes on where it was interrupted anyway.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print confirmation.json and nothing else.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Test the failure types of an audit on fresh images.

    A type is confirmed if the target errs there more often than a model without a vote, and by a margin more than on
    matched controls. The same line goes on where it was interrupted. Writes the status of each type into the report.
    """
    require_extra()
    del resume
    from auditdm_cli.progress import Reporter
    from auditdm_hub.report.confirmation import FILE
    from auditdm_hub.workflows import Watcher
    from auditdm_hub.workflows.confirmation import Confirmation, confirm_run

    wanted = Confirmation(images, items, tries, level, margin, holdout, device, max_cost)
    try:
        with Reporter(quiet or as_json) as reporter:
            confirm_run(run, wanted, watcher=Watcher(reporter.say, reporter.stage))
    except KeyboardInterrupt:
        typer.echo(f"Interrupted; to continue: {shlex.join(['auditdm-hub', *sys.argv[1:]])}", err=True)
        raise typer.Exit(130) from None
    told = json.loads((run / FILE).read_text())
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    elif not quiet:
        from rich.console import Console

        from auditdm_cli.confirmation_summary import show

        show(told, run, Console(highlight=False))
