"""Every error a user can meet. Each message says what was got, what was wanted and what to do."""

import errno
from collections.abc import Iterator

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
LONGEST_LINE = 300
# What libraries say that write files without Python: SQLite, safetensors, torch, Arrow.
NO_SPACE_WORDS = ("no space left", "file too large", "disk is full", "disk i/o error", "unexpected pos", "os error 28")


FAULTS = (RuntimeError, ValueError, OSError)
"""What backends raise when a batch, not the audit, is at fault: a GPU out of memory is a RuntimeError, a timeout an
OSError."""


class AuditDMError(Exception):
    """Base of all errors that auditdm-hub raises on purpose; the CLI prints it as one line and exits with 1."""


class ConfigError(AuditDMError):
    """A configuration or an option has an unknown key, a wrong type or an impossible value (exit code 2)."""


class RunError(AuditDMError):
    """A run directory is missing, locked by another process, from a newer version, or of another configuration."""


class PoolError(AuditDMError):
    """The image pool cannot be read or holds nothing that can be used."""


class ModelError(AuditDMError):
    """A model cannot be loaded, lacks a processor, or does not do what the role asks for."""


class AnswersEndedError(ModelError):
    """A model gives no more answers. `answers` are those that it gave before, one for each question of the call."""

    def __init__(self, message: str, answers: list[str | None]) -> None:
        super().__init__(message)
        self.answers = answers


class BackendUnavailableError(AuditDMError):
    """An optional dependency or a remote server that was asked for is not there."""


class ReleaseError(AuditDMError):
    """A release is not there, is not what it should be, or must not be made."""


class HubError(AuditDMError):
    """The Hub does not answer, or does not allow what was asked for."""


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, shortened if it is long; if it says nothing, its class."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:LONGEST_LINE] if lines else type(error).__name__


def no_space(error: BaseException) -> bool:
    """Whether an error, or one that it came from, is that nothing more can be written."""
    return any(
        (isinstance(each, OSError) and each.errno in NO_SPACE)
        or any(words in str(each).lower() for words in NO_SPACE_WORDS)
        for each in _origins(error)
    )


def _origins(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
