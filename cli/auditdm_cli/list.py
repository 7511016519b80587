"""`auditdm-hub list`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from auditdm_hub.text import visible


def command(
    place: Annotated[str, typer.Argument(metavar="[REPO|DIR]", help="ORG/NAME on the Hub, or a folder.")] = "",
    repo_type: Annotated[str, typer.Option(metavar="dataset|model", help="If the name alone is ambiguous.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the releases in a place, or all on the Hub.

    Without a place: every data set and model on the Hub with the tag "auditdm".
    """
    from auditdm_hub.releases.address import parse_address
    from auditdm_hub.releases.listing import list_hub, list_versions
    from auditdm_hub.releases.readers import check_type

    if not place:
        found = list_hub()
        if as_json:
            typer.echo(json.dumps([asdict(each) for each in found], indent=2))
            return
        _table(
            ("repository", "type", "changed", "licence"),
            [
                (each.repo + (" (private)" if each.private else ""), each.type, each.changed, each.license)
                for each in found
            ],
            "Nothing on the Hub has the tag auditdm.",
        )
        return
    versions = list_versions(parse_address(place), check_type(repo_type))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in versions], indent=2))
        return
    rows: list[tuple[str, ...]] = [
        (each.version, each.date, f"{each.rows:,}", str(each.types), each.license, each.digest[:12])
        if not each.fault
        else (each.version, "", "", "", "", "")
        for each in versions
    ]
    _table(("version", "date", "failures", "types", "licence", "digest"), rows, f"{place} has no releases.")
    for each in versions:
        if each.withdrawn:
            typer.echo(visible(f"{each.version} was withdrawn: {each.withdrawn}"))
        if each.fault:
            typer.echo(visible(f"{each.version}: {each.fault}"))


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]], otherwise: str) -> None:
    if not rows:
        typer.echo(visible(otherwise))
        return
    cells = [head, *(tuple(visible(cell) for cell in row) for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    for row in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
