"""Files and folders that are either whole or not there: written beside their place, then renamed over it.

A process killed in the middle leaves a `*.tmp`, which `clean_leftovers` removes when the run is resumed.
"""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

SUFFIX = ".tmp"


@contextmanager
def atomic_file(path: Path, flush: bool = True) -> Iterator[BinaryIO]:
    """Open a file for writing that takes the place of `path` at the end of the `with` block, unless it raises.

    Without `flush` it survives a killed process and not a loss of power, and many small files cost less.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Opened by name and not by `tempfile`, whose files only their owner may read.
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{SUFFIX}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            if flush:
                os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder that takes the place of `path` at the end of the `with` block, unless it raises."""
    temporary = path.with_name(path.name + SUFFIX)
    _remove(temporary)
    temporary.mkdir(parents=True)
    yield temporary
    _remove(path)
    temporary.rename(path)


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


def clean_leftovers(folder: Path, mark: str = "") -> int:
    """Remove what a killed process left half-written below a folder; return how many files and folders.

    Args:
        folder: where.
        mark: name of a file; folders below that hold one belong to others, who may be at work in them.
    """
    count = 0
    for place, folders, files in os.walk(folder):
        for name in [name for name in (*folders, *files) if name.endswith(SUFFIX)]:
            _remove(Path(place, name))
            count += 1
        folders[:] = [
            name for name in folders
            if not name.endswith(SUFFIX) and not (mark and Path(place, name, mark).exists())
        ]  # fmt: skip
    return count


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
