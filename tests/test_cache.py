import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from auditdm_hub.cache import AnswerCache, CachedVLM, answer_key
from auditdm_hub.errors import RunError

RED, BLUE = Image.new("RGB", (4, 4), "red"), Image.new("RGB", (4, 4), "blue")

# Writes batches of 50 for ever, and says so after each.
WRITER = """
import sys
from pathlib import Path
from auditdm_hub.cache import AnswerCache, answer_key
cache = AnswerCache(Path(sys.argv[1]))
for batch in range(int(sys.argv[3])):
    cache.put({answer_key(sys.argv[2], "i", f"{batch} {k}", "d"): "a" for k in range(50)})
    print(batch, flush=True)
"""


class Colour:
    """Says what it was asked for; a "?" alone gets no answer."""

    id = "colour@1"
    family = "fake"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def answer(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[str | None]:
        self.asked += questions
        pairs = zip(images, questions, strict=True)
        return [None if text == "?" else f"{image.getpixel((0, 0))} {text.split()}" for image, text in pairs]


def test_answers_survive_in_the_file(tmp_path: Path) -> None:
    with AnswerCache(tmp_path / "deep" / "answers.sqlite") as cache:
        cache.put({b"1": "one", b"2": None})
        assert (tmp_path / "deep" / "answers.sqlite-wal").exists()  # readers need not wait for a writer
    with AnswerCache(tmp_path / "deep" / "answers.sqlite") as cache:
        assert cache.get([b"1", b"2", b"1"]) == {b"1": "one"}
        assert len(cache) == 1


def test_more_keys_than_a_statement_takes(tmp_path: Path) -> None:
    keys = [str(k).encode() for k in range(40_000)]
    with AnswerCache(tmp_path / "a.sqlite") as cache:
        cache.put({key: key.decode() for key in keys})
        assert len(cache.get(keys)) == len(keys)


def test_the_first_answer_stays(tmp_path: Path) -> None:
    with AnswerCache(tmp_path / "a.sqlite") as cache:
        cache.put({b"k": "first"})
        cache.put({b"k": "second", b"l": "other"})
        assert cache.get([b"k", b"l"]) == {b"k": "first", b"l": "other"}


def test_every_part_of_the_key_counts() -> None:
    base = ("model@1", "sha", "is it red?", "greedy")
    keys = {answer_key(*base)}
    for k, other in enumerate(("model@2", "sha2", "is it Red?", "sampled")):
        keys.add(answer_key(*base[:k], other, *base[k + 1 :]))
    assert len(keys) == 5
    assert answer_key("m", "s", " is  it\nred? ", "d") == answer_key("m", "s", "is it red?", "d")
    assert answer_key("a", "b", "c", "d") != answer_key("a", "bc", "", "d")


def test_a_model_is_asked_only_what_is_not_known(tmp_path: Path) -> None:
    with AnswerCache(tmp_path / "a.sqlite") as cache:
        model = Colour()
        cached = CachedVLM(model, cache, "d")
        assert (cached.id, cached.family) == ("colour@1", "fake")
        images, questions = [RED, BLUE, RED, RED.copy(), RED], ["a", "a", "b", "a", "?"]
        first = cached.answer(images, questions)
        assert first == Colour().answer(images, questions)
        assert model.asked == ["a", "a", "b", "?"]
        assert (cached.hits, cached.misses) == (0, 5)
        again = CachedVLM(model, cache, "d")
        assert again.answer(images, questions) == first
        assert model.asked == ["a", "a", "b", "?", "?"]  # no answer is asked for again
        assert (again.hits, again.misses) == (4, 1)
        CachedVLM(model, cache, "other").answer([RED], ["a"])
        assert model.asked[-1] == "a"


def start(path: Path, model: str, batches: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, str(path), model, str(batches)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    writers = [start(path, name, 40) for name in ("a", "a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()
    with AnswerCache(path) as cache:
        assert len(cache) == 2 * 40 * 50


def test_a_killed_writer_loses_no_finished_batch(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    writer = start(path, "a", 100_000)
    assert writer.stdout is not None
    done = [writer.stdout.readline() for _ in range(20)]
    os.kill(writer.pid, signal.SIGKILL)
    done += writer.stdout.readlines()
    writer.stdout.close()
    assert writer.wait(60) == -signal.SIGKILL
    finished = len([line for line in done if line.endswith("\n")])
    with AnswerCache(path) as cache:
        assert len(cache) % 50 == 0 and len(cache) >= finished * 50 >= 1000
        cache.put({b"k": "still works"})


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(RunError, match="delete it or name another file"):
        AnswerCache(tmp_path / "a.sqlite")
