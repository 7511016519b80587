"""`auditdm-hub download`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from auditdm_hub.text import visible


def command(
    release: Annotated[str, typer.Argument(metavar="REPO[@VERSION]", help="ORG/NAME on the Hub, or a folder.")],
    type: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Keep this failure type only; repeat it.")
    ] = None,
    to: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to put it; default: the Hub's cache.")] = None,
    repo_type: Annotated[str, typer.Option(metavar="dataset|model", help="If the name alone is ambiguous.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was downloaded as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Download a release, with every file checked.

    The newest version that is not withdrawn, if none is named. The same command after an interruption goes on.
    """
    from auditdm_hub.releases.address import parse_address
    from auditdm_hub.releases.download import download
    from auditdm_hub.releases.manifest import FILE_NAME, open_manifest
    from auditdm_hub.releases.readers import check_type

    def say(line: str) -> None:
        if not quiet:
            typer.echo(visible(line), err=True)

    folder = download(parse_address(release), to, type or (), check_type(repo_type), say)
    if as_json:
        manifest = open_manifest(folder) if (folder / FILE_NAME).is_file() else None
        found = {"folder": str(folder), "version": str(manifest.version), "digest": manifest.digest} if manifest else {}
        typer.echo(json.dumps(found or {"folder": str(folder), "types": type}))
    elif not quiet:
        typer.echo(str(folder))
