"""Parquet shards with embedded images, written in one pass with bounded memory.

The rows of a split go into shards of about `SHARD_BYTES`, each in row groups of about `GROUP_BYTES`: the viewer of the
Hub refuses row groups above some hundred megabytes. Bytes depend on the rows and their order alone.
"""

import io
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from auditdm_hub.releases.manifest import File
from auditdm_hub.releases.schema import IMAGES, INDEX, SPLITS_OF, Config, row_digest, shard_path, split_of

if TYPE_CHECKING:
    from datasets import Features

SHARD_BYTES = 256 * 2**20
GROUP_BYTES = 32 * 2**20
GROUP_ROWS = 5_000
INDEX_SCHEMA = pa.schema(
    [("config", pa.string()), ("split", pa.string()), ("id", pa.string()), ("digest", pa.string())]
)
ROW_BYTES = 500  # of the texts of a row, about

Row = Mapping[str, Any]


class Index:
    """Which rows a release has: config, split, id and digest of each."""

    def __init__(self) -> None:
        self._columns: dict[str, list[str]] = {name: [] for name in INDEX_SCHEMA.names}

    def add(self, config: str, split: str, identity: str, digest: str) -> None:
        """Add a row."""
        for name, value in zip(INDEX_SCHEMA.names, (config, split, identity, digest), strict=True):
            self._columns[name].append(value)

    def write(self, folder: Path) -> None:
        """Write index.parquet."""
        pq.write_table(pa.table(self._columns, schema=INDEX_SCHEMA), folder / INDEX, compression="zstd")


class ConfigWriter:
    """Writes the shards of one config below a folder."""

    def __init__(self, folder: Path, config: Config, features: "Features", index: Index) -> None:
        self._folder, self._config, self._features, self._index = folder, config, features, index
        self._splits = {
            split: _SplitWriter(folder, config, split, features.arrow_schema) for split in SPLITS_OF[config]
        }
        self._labels = {name: feature for name, feature in features.items() if hasattr(feature, "str2int")}
        self.files: dict[str, File] = {}

    def write(self, row: Row) -> None:
        """Write a row; its images are values of `datasets.Image` (bytes and path), its label is a name."""
        split = "train" if self._config == "failure_types" else split_of(row["source_image_sha256"])
        self._index.add(self._config, split, row.get("id") or row["name"], row_digest(row))
        self._splits[split].add({**row, **{name: labels.str2int(row[name]) for name, labels in self._labels.items()}})

    def close(self) -> dict[str, int]:
        """Finish all shards and return the rows of each split."""
        for writer in self._splits.values():
            self.files |= writer.close()
        return {split: writer.rows for split, writer in self._splits.items()}


class _SplitWriter:
    """Writes one split; at least one shard, so that an empty split still has its columns.

    While a row group is written by a thread of its own, the rows of the next one come in.
    """

    def __init__(self, folder: Path, config: str, split: str, schema: pa.Schema) -> None:
        self._folder, self._config, self._split, self._schema = folder, config, split, schema
        self._open: pq.ParquetWriter | None = None
        self._parts: list[Path] = []
        self._files: list[File] = []
        self._waiting: list[dict[str, Any]] = []
        self._waiting_bytes = self._shard_bytes = 0
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        self.rows = 0

    def add(self, row: dict[str, Any]) -> None:
        self._waiting.append(row)
        self._waiting_bytes += ROW_BYTES + sum(len(row[name]["bytes"]) for name in IMAGES if row.get(name))
        self.rows += 1
        if self._waiting_bytes >= GROUP_BYTES or len(self._waiting) >= GROUP_ROWS:
            self._flush()

    def close(self) -> dict[str, File]:
        """Write what waits, give the shards their names, and return their sizes and hashes by these."""
        with self._thread:
            if self._waiting or not self.rows:
                self._flush()
            self._wait()
        self._end_shard()
        names = [shard_path(self._config, self._split, number, len(self._parts)) for number in range(len(self._parts))]
        for part, name in zip(self._parts, names, strict=True):
            part.rename(self._folder / name)
        return dict(zip(names, self._files, strict=True))

    def _flush(self) -> None:
        rows, size = self._waiting, self._waiting_bytes
        self._waiting, self._waiting_bytes = [], 0
        self._wait()
        self._writing = self._thread.submit(self._write, rows, size)

    def _wait(self) -> None:
        """Wait for what is being written; raise what went wrong there."""
        if self._writing is not None:
            self._writing.result()

    def _write(self, rows: list[dict[str, Any]], size: int) -> None:
        if self._open is None:
            part = self._folder / "data" / self._config / f"{self._split}-{len(self._parts):05d}.part"
            part.parent.mkdir(parents=True, exist_ok=True)
            self._parts.append(part)
            texts = _texts(self._schema)
            compression = dict.fromkeys(texts, "zstd")
            self._open = pq.ParquetWriter(
                part, self._schema, compression=compression, use_dictionary=texts, write_statistics=texts
            )
        self._open.write_table(pa.Table.from_pylist(rows, schema=self._schema))
        self._shard_bytes += size
        if self._shard_bytes >= SHARD_BYTES:
            self._end_shard()

    def _end_shard(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open, self._shard_bytes = None, 0
            self._files.append(File.of(self._parts[-1]))


def _texts(schema: pa.Schema) -> list[str]:
    """Return the leaves of all columns but the bytes of images, which are compressed already."""
    file = io.BytesIO()
    pq.write_table(schema.empty_table(), file)
    leaves = pq.read_metadata(file).schema
    paths = [leaves.column(place).path for place in range(len(leaves.names))]
    return [path for path in paths if path not in {f"{name}.bytes" for name in IMAGES}]
