import math
import stat
from pathlib import Path

import pytest

from auditdm_hub.atomic import (
    atomic_file,
    atomic_folder,
    atomic_write_bytes,
    atomic_write_json,
    clean_leftovers,
    file_sha256,
)


def test_a_write_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.bin"
    atomic_write_bytes(path, b"long old content")
    atomic_write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.bin"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_file(path) as file:
        file.write(b"half of the n")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_files_are_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    atomic_write_bytes(tmp_path / "atomic", b"")
    plain, atomic = ((tmp_path / name).stat().st_mode for name in ("plain", "atomic"))
    assert stat.S_IMODE(plain) == stat.S_IMODE(atomic)


def test_json_is_readable_and_strict(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    atomic_write_json(path, {"b": "ä", "a": [1]})
    assert path.read_text() == '{\n  "b": "ä",\n  "a": [\n    1\n  ]\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        atomic_write_json(path, math.nan)


def test_leftovers_are_removed_at_any_depth(tmp_path: Path) -> None:
    (tmp_path / "images" / "ab").mkdir(parents=True)
    for name in ("a.tmp", "images/ab/b.png.12.tmp", "images/ab/b.png"):
        (tmp_path / name).touch()
    assert clean_leftovers(tmp_path) == 2
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["b.png"]


def test_half_a_folder_is_removed_and_what_others_are_at_is_not(tmp_path: Path) -> None:
    for name in ("adapter.tmp/weights", "rounds/2/run.json", "rounds/2/table.tmp", "rounds/adapter.tmp/weights"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert clean_leftovers(tmp_path, mark="run.json") == 2
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["run.json", "table.tmp"]


def test_a_folder_replaces_the_one_before_or_leaves_it(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with atomic_folder(tmp_path / "a") as new:
            (new / text).write_text(text)
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "a") as new:
        (new / "half").touch()
        raise ZeroDivisionError
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["new"]
    clean_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_sha256_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
