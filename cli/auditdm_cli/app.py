"""`auditdm-hub`: the table of commands and what is common to them."""

import os
import sys
import warnings
from typing import Annotated

import typer

from auditdm_cli.lazy import CommandGroup, LazyCommand
from auditdm_hub import __version__

# Each is the first line of its command's docstring: a test holds that.
COMMANDS = {
    "audit": "Find what a vision-language model fails at while others agree.",
    "confirm": "Test the failure types of an audit on fresh images.",
    "doctor": "Check versions, devices, the Hub and disk space.",
    "download": "Download a release, with every file checked.",
    "evaluate": "Measure a model on benchmarks and on released failures.",
    "list": "List the releases in a place, or all on the Hub.",
    "presets": "List the presets, or print one as YAML.",
    "publish": "Publish failures, or an adapter, as a version that stays.",
    "rectify": "Repair the target of an audit with a LoRA adapter.",
    "report": "Write a run's report again, without asking any model.",
    "verify": "Check every byte, row and image of a release.",
}
# Settings of other libraries, unless the user has set them: no telemetry, no chatter between our own lines.
ENVIRONMENT = {
    "DATASETS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "error",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Memory of at most a gigabyte, whatever the size: parts of 64 MB each wait to be sent; what was received and is not
    # yet written may take a share of all memory.
    "HF_XET_CLIENT_AC_MAX_UPLOAD_CONCURRENCY": "4",
    "HF_XET_DATA_MAX_CONCURRENT_FILE_INGESTION": "2",
    "HF_XET_RECONSTRUCTION_DOWNLOAD_BUFFER_LIMIT": "256mb",
    "HF_XET_RECONSTRUCTION_DOWNLOAD_BUFFER_PERFILE_SIZE": "64mb",
    "HF_XET_RECONSTRUCTION_DOWNLOAD_BUFFER_SIZE": "128mb",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}

app = typer.Typer(
    cls=CommandGroup,
    help="Find, name, publish and repair what vision-language models cannot do.",
    epilog="Exit codes: 0 fine, 1 error, 2 wrong usage, 130 interrupted.",
    no_args_is_help=True,
    rich_markup_mode=None,  # with it, help would take twice as long
    pretty_exceptions_enable=False,
)


def _placeholder() -> None:
    """Never called: `LazyCommand` hands over to the command's own module."""


for _name, _help in COMMANDS.items():
    app.command(_name, cls=LazyCommand, help=_help)(_placeholder)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"auditdm-hub {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options of all commands; `CommandGroup` reads them."""


def main() -> None:
    """Run the command line (the console script `auditdm-hub`)."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if "--debug" not in sys.argv:
        warnings.simplefilter("ignore")
    app()
