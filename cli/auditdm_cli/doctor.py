"""`auditdm-hub doctor`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def command(
    out: Annotated[str, typer.Option(help="Folder where runs go.")] = "runs",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check versions, devices, the Hub and disk space.

    Each line that is not fine says what to do. Exits with 1 if something must be mended before an audit.
    """
    from auditdm_hub.diagnosis import diagnose

    checks = diagnose(Path(out))
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            remedy = f"  -> {check.remedy}" if check.remedy else ""
            typer.echo(f"{check.status:5}  {check.name:{width}}  {check.found}{remedy}")
    if any(check.status == "wrong" for check in checks):
        raise typer.Exit(1)
