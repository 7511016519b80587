"""Whenever an audit is interrupted, it goes on to the same result, and asks nothing twice that was on disk."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
from PIL.Image import Image
from workflows.own_objects import SMALL, Model, Objects, interrupting, tables, timeless, weak

from auditdm_hub.auditing import plans
from auditdm_hub.errors import RunError
from auditdm_hub.runs import Run
from auditdm_hub.workflows import Watcher

CHUNK = 8  # three chunks for each auditor of a small audit


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an audit that nobody interrupts leaves, and how often it asks its models."""

    tables: dict[str, bytes]
    results: dict[str, object]
    calls: int


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Wanted:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans, "CHUNK", CHUNK)
        objects = Objects()
        run = objects.audit(tmp_path_factory.mktemp("wanted") / "run", **SMALL)
    return Wanted(tables(run.path), timeless(run), objects.calls)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "CHUNK", CHUNK)


def interrupt(start: Callable[[], Run], out: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        start()
    with pytest.raises(RunError, match="--resume"):
        Run.open(out).results()


@pytest.mark.parametrize(
    ("stage", "done"),
    [
        ("pool", 1),
        ("probe prompt_only", 8),
        ("probe prompt_only", 24),
        ("probe random", 16),
        ("probe random", 24),
        ("curate", 5),
    ],
)
def test_interrupted_between_two_steps(wanted: Wanted, tmp_path: Path, stage: str, done: int) -> None:
    objects = Objects()
    interrupt(lambda: objects.audit(tmp_path, watcher=interrupting(stage, done), **SMALL), tmp_path)
    before = objects.calls
    run = objects.audit(tmp_path, resume=True, **SMALL)
    assert (before > 0) == (stage != "pool")
    assert objects.calls == wanted.calls
    assert tables(tmp_path) == wanted.tables
    assert timeless(run) == wanted.results


@pytest.mark.parametrize("limit", [500, 6_000, 12_000, 22_000])
def test_a_disk_that_is_full_is_one_error_and_no_loss(wanted: Wanted, tmp_path: Path, limit: int) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(RunError, match="the disk is full: free some space, then continue with --resume"):
            Objects().audit(tmp_path / "run", **SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.rglob("*.tmp"))
    run = Objects().audit(tmp_path / "run", resume=True, **SMALL)
    assert tables(run.path) == wanted.tables
    assert timeless(run) == wanted.results


def test_interrupted_before_anything_is_asked(wanted: Wanted, tmp_path: Path) -> None:
    def say(line: str) -> None:
        raise KeyboardInterrupt

    objects = Objects()
    watcher = Watcher(say, lambda name: lambda done, total: None)
    interrupt(lambda: objects.audit(tmp_path, watcher=watcher, **SMALL), tmp_path)
    assert objects.calls == 0
    run = objects.audit(tmp_path, resume=True, **SMALL)
    assert (tables(tmp_path), timeless(run)) == (wanted.tables, wanted.results)


@dataclass
class Interrupted(Model):
    """Is interrupted in its third answer: within a chunk of which nothing is on disk."""

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        if self.calls == 2:
            raise KeyboardInterrupt
        return super().answer(images, questions)


def test_interrupted_while_a_model_answers(wanted: Wanted, tmp_path: Path) -> None:
    objects = Objects(target=Interrupted("own-target", "mole", weak))
    interrupt(lambda: objects.audit(tmp_path, **SMALL), tmp_path)
    assert sorted(file.name for file in tmp_path.glob("exchanges/*/*")) == ["00000.parquet", "00001.parquet"]
    run = Objects().audit(tmp_path, resume=True, **SMALL)
    assert (tables(tmp_path), timeless(run)) == (wanted.tables, wanted.results)


def test_interrupted_at_every_step_of_one_run(wanted: Wanted, tmp_path: Path) -> None:
    objects = Objects()
    for stage, done in (("pool", 9), ("probe prompt_only", 1), ("probe prompt_only", 9), ("probe random", 9)):
        watcher = interrupting(stage, done)
        interrupt(lambda: objects.audit(tmp_path, resume=True, watcher=watcher, **SMALL), tmp_path)  # noqa: B023
    run = objects.audit(tmp_path, resume=True, **SMALL)
    assert objects.calls == wanted.calls
    assert (tables(tmp_path), timeless(run)) == (wanted.tables, wanted.results)


def test_interrupted_between_the_results_and_the_report(
    wanted: Wanted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_report(*arguments: object) -> None:
        raise KeyboardInterrupt

    # The package offers a function of the same name.
    stages = import_module("auditdm_hub.workflows.stages")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(stages, "write_report", write_report)
        Objects().audit(tmp_path, **SMALL)
    objects = Objects()
    run = objects.audit(tmp_path, resume=True, **SMALL)
    assert objects.calls == 0
    assert (tables(tmp_path), timeless(run)) == (wanted.tables, wanted.results)
    assert (tmp_path / "report.html").is_file()
    assert "report" in run.stages


def test_a_table_that_was_deleted_is_made_again(wanted: Wanted, tmp_path: Path) -> None:
    Objects().audit(tmp_path, **SMALL)
    (tmp_path / "exchanges" / "random" / "00002.parquet").unlink()
    (tmp_path / "types.json").unlink()
    objects = Objects()
    run = objects.audit(tmp_path, resume=True, **SMALL)
    assert 0 < objects.calls < wanted.calls / 4
    assert (tables(tmp_path), timeless(run)) == (wanted.tables, wanted.results)
