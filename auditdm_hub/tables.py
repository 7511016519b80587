"""Tables on disk: parquet files whose bytes depend on their rows only, written whole and read in a stream.

A large table is a folder of chunks `00000.parquet`, `00001.parquet`, ...: a chunk that is there is complete, so a run
that was killed goes on with the first one that is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditdm_hub.atomic import atomic_file
from auditdm_hub.errors import RunError


def write_table(path: Path, rows: Sequence[Mapping[str, object]], schema: pa.Schema | None = None) -> None:
    """Write the rows to one parquet file, all or nothing.

    Args:
        path: where the file goes.
        rows: one mapping per row.
        schema: the columns; taken from the rows if not given, which an empty table does not allow and which lets
            chunks differ where a column of one holds nothing but None.

    Raises:
        ValueError: there are no rows and no schema, or a row has a key that the schema lacks.
    """
    if schema is None and not rows:
        raise ValueError(f"cannot write {path}: no rows, so a schema is needed")
    if schema is not None and (unknown := {key for row in rows for key in row} - set(schema.names)):
        raise ValueError(f"cannot write {path}: the schema has no column {', '.join(sorted(unknown))}")
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    with atomic_file(path) as file:
        pq.write_table(table, file, compression="zstd", compression_level=3)


def chunk_path(folder: Path, index: int) -> Path:
    """Return where chunk `index` of the table in `folder` lies (or would lie)."""
    return folder / f"{index:05d}.parquet"


def finished_chunks(folder: Path) -> int:
    """Return how many chunks the table in `folder` has, counted up to the first that is missing."""
    index = 0
    while chunk_path(folder, index).is_file():
        index += 1
    return index


def read_rows(path: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, object]]:
    """Yield the rows of a table (a file, or a folder of chunks in order), holding one batch in memory.

    Raises:
        RunError: there is no such table, or a file of it cannot be read.
    """
    files = [chunk_path(path, i) for i in range(finished_chunks(path))] if path.is_dir() else [path]
    for file in files:
        try:
            with pq.ParquetFile(file) as table:
                for batch in table.iter_batches(columns=None if columns is None else list(columns)):
                    yield from batch.to_pylist()
        except FileNotFoundError:
            raise RunError(f"{file} is missing: run the audit again with --resume") from None
        except pa.ArrowInvalid as error:
            raise RunError(
                f"{file} cannot be read ({error}): remove it and run the audit again with --resume"
            ) from None
