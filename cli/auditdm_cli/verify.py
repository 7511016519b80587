"""`auditdm-hub verify`."""

import json
from typing import Annotated

import typer

from auditdm_hub.text import plural, visible


def command(
    release: Annotated[str, typer.Argument(metavar="REPO[@VERSION]|DIR", help="ORG/NAME on the Hub, or a folder.")],
    repo_type: Annotated[str, typer.Option(metavar="dataset|model", help="If the name alone is ambiguous.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was checked as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but faults.")] = False,
) -> None:
    """Check every byte, row and image of a release.

    Ends with 1 if anything is wrong, with a line for each fault.
    """
    from auditdm_cli.progress import Reporter
    from auditdm_hub.releases.address import parse_address
    from auditdm_hub.releases.check import check_release
    from auditdm_hub.releases.readers import check_type

    with Reporter(quiet or as_json) as reporter:
        report = check_release(parse_address(release), check_type(repo_type), reporter.stage("verify"))
    if as_json:
        value = {"release": report.name, "ok": report.ok, "checked": dict(report.checked), "faults": report.faults,
                 "warnings": report.warnings}  # fmt: skip
        typer.echo(json.dumps(value, indent=2))
    else:
        for line in report.warnings:
            typer.echo(visible(f"Warning: {line}"), err=True)
        for fault in report.faults:
            typer.echo(visible(fault), err=True)
        if not quiet:
            checked = ", ".join(plural(count, what.removesuffix("s")) for what, count in report.checked.items())
            found = "ok" if report.ok else plural(len(report.faults), "fault")
            typer.echo(visible(f"{report.name}: {found} ({checked})"))
    if not report.ok:
        raise typer.Exit(1)
