"""Commands that are imported when they are called: `auditdm-hub --help` reads names and one line of help from a table.

Command `x` lives in the module `auditdm_cli.x` as the function `command`, with its options as Typer annotations.
"""

import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from auditdm_hub.errors import AuditDMError, ConfigError, no_space
from auditdm_hub.text import shown

PACKAGE = "auditdm_cli"


class LazyCommand(TyperCommand):
    """Stands for a command in the list of commands; hands over to the real one as soon as its line is parsed."""

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:  # noqa: ANN401
        """Parse the command's arguments; typer then runs the command that the returned context names."""
        module = importlib.import_module(f"{PACKAGE}.{self.name}")
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(self.name)(module.command)
        return get_command(app).make_context(info_name, args, *rest, **extra)


class CommandGroup(TyperGroup):
    """Turns every error into one line and an exit code: 2 for a wrong configuration, 1 for the rest, 130 for Ctrl-C."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Accept --debug anywhere on the line: it is added at the end of a command that just failed."""
        if "--debug" in args:
            args = ["--debug", *(argument for argument in args if argument != "--debug")]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run the command that the line names."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(130) from None
        except (typer.Exit, typer.Abort, typer.TyperException, BrokenPipeError):
            raise  # typer's own: usage errors, the end of a command, a reader like `head` that has seen enough
        except AuditDMError as error:
            if ctx.params["debug"]:
                raise
            typer.echo(f"Error: {shown(str(error))}", err=True)
            raise typer.Exit(2 if isinstance(error, ConfigError) else 1) from None
        except Exception as error:  # the top of the program: whatever was not foreseen is still one line
            if ctx.params["debug"]:
                raise
            if no_space(error):
                typer.echo("Error: the disk is full: free some space, then give the same command again", err=True)
                raise typer.Exit(1) from None
            said = shown(str(error))
            typer.echo(f"Error: {type(error).__name__}: {said} (unexpected; --debug shows where)", err=True)
            raise typer.Exit(1) from None
