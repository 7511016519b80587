"""What commands have in common: pairs on the command line, what they need, and the line that continues them."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import typer

from auditdm_hub.errors import BackendUnavailableError, ConfigError

REQUIRED = ("torch", "transformers", "trl", "peft", "model2vec")


def require_extra() -> None:
    """Refuse to start without the packages that an audit needs.

    Raises:
        BackendUnavailableError: one is not installed.
    """
    missing = [name for name in REQUIRED if find_spec(name) is None]
    if missing:
        raise BackendUnavailableError(
            f"an audit needs {', '.join(missing)}, not installed; run: pip install 'auditdm-hub[audit]'"
        )


def pairs(option: str, given: list[str] | None, wanted: str = "two names with = between them") -> dict[str, str]:
    """Return NAME=VALUE words as a mapping.

    Raises:
        ConfigError: a word is none.
    """
    found = {}
    for each in given or []:
        key, equals, value = each.partition("=")
        if not (key and equals and value):
            raise ConfigError(f"{option}: got {each!r}, wanted {wanted}")
        found[key] = value
    return found


def columns_of(given: list[str] | None) -> dict[str, str]:
    """Return what `--columns` says: role -> column.

    Raises:
        ConfigError: a word is no such pair.
    """
    return pairs("--columns", given, "ROLE=COLUMN, for example image=photo")


def refuse_idle(option: str, given: object, partner: str, there: object) -> None:
    """Raise if an option is given that does nothing without another one.

    Raises:
        ConfigError: it is.
    """
    if given and not there:
        raise ConfigError(f"{option} does nothing without {partner}")


def resume_line(arguments: list[str], out: str) -> str:
    """Return the command line that continues a run that was started with these arguments; `out` "" = they name it."""
    has_out = any(argument == "--out" or argument.startswith("--out=") for argument in arguments)
    added = [] if has_out or not out else ["--out", out]
    added += [] if "--resume" in arguments else ["--resume"]
    return shlex.join(["auditdm-hub", *arguments, *added])


@contextmanager
def resumable(line: str) -> Iterator[None]:
    """Say on Ctrl-C which line continues, and exit with 130."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"Interrupted; to continue: {line}", err=True)
        raise typer.Exit(130) from None
