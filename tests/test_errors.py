"""Which errors mean that nothing more can be written."""

import errno
import sqlite3

import pytest

from auditdm_hub.errors import no_space


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EFBIG, "File too large"),
        sqlite3.OperationalError("database or disk is full"),
        RuntimeError("[enforce fail at inline_container.cc:676] . unexpected pos 694208 vs 694100"),
    ],
)
def test_a_full_disk_is_known_by_any_library(error: Exception) -> None:
    assert no_space(error)
    wrapped = ValueError("cannot save")
    wrapped.__context__ = error
    assert no_space(wrapped)


def test_other_errors_are_none() -> None:
    looped = ValueError("a")
    looped.__context__ = RuntimeError("b")
    looped.__context__.__context__ = looped
    assert not no_space(looped)
    assert not no_space(OSError(errno.EACCES, "Permission denied"))
