"""`auditdm-hub presets`."""

import json
from typing import Annotated

import typer

from auditdm_hub.presets import preset_description, preset_names, preset_text


def command(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The preset to print.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the presets, or print one as YAML.

    Save one to a file, change it, and run `auditdm-hub audit FILE`.
    """
    if name is not None:
        text = preset_text(name)
        if as_json:
            import yaml

            text = json.dumps(yaml.safe_load(text), indent=2)
        typer.echo(text.rstrip("\n"))
    elif as_json:
        typer.echo(json.dumps({name: preset_description(name) for name in preset_names()}, indent=2))
    else:
        width = max(map(len, preset_names()))
        for each in preset_names():
            typer.echo(f"{each:{width}}  {preset_description(each)}")
