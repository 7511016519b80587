from pathlib import Path

import pyarrow as pa
import pytest

from auditdm_hub.errors import RunError
from auditdm_hub.tables import chunk_path, finished_chunks, read_rows, write_table

ROWS = [{"id": "a", "answer": None, "votes": ["x", "y"]}, {"id": "b", "answer": "two", "votes": []}]
SCHEMA = pa.schema([("id", pa.string()), ("answer", pa.string()), ("votes", pa.list_(pa.string()))])


def test_rows_come_back_and_bytes_depend_on_rows_only(tmp_path: Path) -> None:
    for name in ("1", "2"):
        write_table(tmp_path / name, ROWS, SCHEMA)
    assert list(read_rows(tmp_path / "1")) == ROWS
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_chunks_are_read_in_order_up_to_the_first_that_is_missing(tmp_path: Path) -> None:
    for index in (0, 1, 3):
        write_table(chunk_path(tmp_path, index), [{"n": index}])
    assert finished_chunks(tmp_path) == 2
    assert list(read_rows(tmp_path, columns=["n"])) == [{"n": 0}, {"n": 1}]


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    write_table(tmp_path / "t", [], SCHEMA)
    assert list(read_rows(tmp_path / "t")) == []
    with pytest.raises(ValueError, match="no rows, so a schema is needed"):
        write_table(tmp_path / "t", [])


def test_a_key_that_the_schema_lacks_is_not_dropped_silently(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no column extra"):
        write_table(tmp_path / "t", [{"id": "a", "extra": 1}], SCHEMA)
    assert not (tmp_path / "t").exists()


def test_missing_and_broken_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="gone is missing"):
        list(read_rows(tmp_path / "gone"))
    (tmp_path / "broken").write_bytes(b"no parquet")
    with pytest.raises(RunError, match="broken cannot be read"):
        list(read_rows(tmp_path / "broken"))
