"""Files that are either whole or not there: written beside their place, flushed to disk, then renamed over it.

A process killed in the middle leaves a `*.tmp` file, which `clean_leftovers` removes when the run is resumed.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".tmp"


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the place of `path` at the end of the `with` block, unless it raises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Opened by name and not by `tempfile`, whose files only their owner may read.
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{SUFFIX}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, all or nothing."""
    with atomic_file(path) as file:
        file.write(data)


def atomic_write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, all or nothing."""
    atomic_write_bytes(path, text.encode())


def atomic_write_json(path: Path, value: object) -> None:
    """Write `value` to `path` as indented JSON, keys in their own order; NaN and infinity are refused (ValueError)."""
    atomic_write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of the file's bytes (64 hex digits)."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def clean_leftovers(folder: Path) -> int:
    """Remove the temporary files that a killed process left anywhere below `folder`; return how many."""
    leftovers = list(folder.rglob(f"*{SUFFIX}"))
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)
