"""Rectify the target of a run: lessons from its failures, a LoRA adapter, and what it changed on images it never saw.

    RUN/rectified/settings.json     how
        lessons/                    more probes by the run's auditor, if they were asked for (an audit of its own)
        training.parquet            what was trained on, and what told when to stop
        adapter/                    the result
        answers/                    of the target before and after, on failures and controls of the test split
    RUN/evaluation.json             before and after, per failure type

Everything is a stage of the run: after a kill the same command with --resume goes on, with the same result.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.config import PLAYGROUND
from auditdm_hub.errors import AuditDMError, RunError
from auditdm_hub.evaluating.asking import ask_items, read_answers
from auditdm_hub.evaluating.comparison import FILE, Comparison, corrected
from auditdm_hub.evaluating.items import Item
from auditdm_hub.evaluating.released import CONTROLS, contradicting
from auditdm_hub.evaluating.results import compare_answers
from auditdm_hub.playground.models import TARGET, model_folder
from auditdm_hub.provenance import library_versions
from auditdm_hub.records import Judged
from auditdm_hub.rectifying.examples import Example, Mixture, choose, divide
from auditdm_hub.rectifying.train import TuningSettings, tune
from auditdm_hub.releases.schema import UNASSIGNED, split_of
from auditdm_hub.runs import Run, differing_keys
from auditdm_hub.tables import read_rows, write_table
from auditdm_hub.workflows.api import audit
from auditdm_hub.workflows.parts import shipped
from auditdm_hub.workflows.watching import SILENT, Watcher

FOLDER, ADAPTER, MERGED = Path("rectified"), Path("rectified") / "adapter", Path("rectified") / "merged"
ARMS = ("prompt_only", "random", "trained")
LESSONS_SEED = 1_000_000


@dataclass(frozen=True, slots=True)
class Rectification:
    """How to rectify; each is an option of `auditdm-hub rectify`.

    `probes`: trials of each auditor beyond those of the run; `merge`: also write the model with the adapter in it.
    """

    mixture: Mixture = field(default_factory=Mixture)
    tuning: TuningSettings = field(default_factory=TuningSettings)
    probes: int = 0
    merge: bool = False


def rectify_run(path: Path, wanted: Rectification, resume: bool = False, watcher: Watcher = SILENT) -> Run:
    """Rectify the target of a run, and return the run with what was written.

    Args:
        path: the run's folder; its audit is finished.
        wanted: how.
        resume: go on with a rectification that is there.
        watcher: is told how it comes along.

    Raises:
        RunError: there is nothing to rectify, or the run was rectified otherwise before.
        ModelError: the target cannot be fine-tuned, or the loss is no longer a number.
    """
    there = Run.open(path)
    if "curate" not in there.stages:
        raise RunError(f"{path} is no finished audit: run it again with --resume")
    _refuse_other(path, wanted, resume)
    with closing(Run.create(path, there.config, resume=True)) as run:
        _Rectifying(run, wanted, watcher).run(resume)
    return run


def _refuse_other(path: Path, wanted: Rectification, resume: bool) -> None:
    """Raise if there is a rectification that was made otherwise, or one that is not to be resumed."""
    file = path / FOLDER / "settings.json"
    if not file.is_file():
        return
    before = json.loads(file.read_text())
    differing = list(differing_keys(before, json.loads(json.dumps(asdict(wanted)))))
    differing = [name for name in differing if name != "tuning.device"]
    if differing:
        raise RunError(
            f"{path} was rectified with other settings (differing: {', '.join(differing)}): remove {path / FOLDER} "
            "to do it anew"
        )
    if not resume:
        raise RunError(f"{path} holds a rectification: add --resume to go on with it, or remove {path / FOLDER}")


class _Rectifying:
    def __init__(self, run: Run, wanted: Rectification, watcher: Watcher) -> None:
        self._run, self._wanted, self._watcher = run, wanted, watcher
        self._folder = run.path / FOLDER

    def run(self, resume: bool) -> None:
        self._folder.mkdir(exist_ok=True)
        settings = self._folder / "settings.json"
        atomic_write_json(settings, asdict(self._wanted))
        try:
            if self._wanted.probes:
                self._stage("rectify lessons", self._lessons)
            self._stage("rectify data", self._data)
        except AuditDMError:  # nothing was made yet that other settings would not fit
            if "rectify lessons" not in self._run.stages:
                settings.unlink()
            raise
        self._stage("rectify", lambda: self._tune(resume))
        if self._wanted.merge:
            self._stage("rectify merge", self._merge)
        self._stage("rectify evaluate", self._evaluate)

    def _stage(self, name: str, work: Any) -> None:  # noqa: ANN401 - a function that returns what it wrote
        if self._run.stage_done(name):
            return
        begun = time.monotonic()
        self._watcher.say(name)
        self._run.finish_stage(name, work(), time.monotonic() - begun)

    @property
    def _target(self) -> str:
        name = str(self._run.config["target"])
        return str(shipped(model_folder(TARGET))) if name == PLAYGROUND else name

    @property
    def _runs(self) -> list[Run]:
        more = [Run.open(self._folder / "lessons")] if self._wanted.probes else []
        return [self._run, *more]

    def _lessons(self) -> list[str]:
        """Have the run's auditor write more probes, on more images, as an audit without training."""
        config = {name: value for name, value in self._run.config.items() if value is not None}
        settings = {
            **config, "auditor": str(self._run.path), "steps": 0, "probes": self._wanted.probes, "known": [],
            "pool_size": max(config["pool_size"], self._wanted.probes), "seed": config["seed"] + LESSONS_SEED,
            "out": str(self._folder / "lessons"),
        }  # fmt: skip
        audit(resume=True, yes=True, watcher=self._watcher, **settings)
        return [str(FOLDER / "lessons" / "results.json")]

    def _judged(self) -> Iterator[tuple[Run, Judged]]:
        for run in self._runs:
            for arm in ARMS:
                folder = run.path / "exchanges" / arm
                if folder.is_dir():
                    yield from ((run, row) for row in read_trials(folder))

    def _kinds(self) -> dict[str, str]:
        return {
            str(row["id"]): str(row["failure_type"])
            for run in self._runs
            for row in read_rows(run.path / "failures.parquet", ["id", "failure_type"])
        }

    def _data(self) -> list[str]:
        rows = choose((row for _, row in self._judged()), self._kinds(), self._wanted.mixture)
        needed = {row.image_sha for row in rows}
        for run in self._runs[1:]:
            for sha in sorted(needed):
                if run.images.path(sha).is_file():
                    self._run.images.put(run.images.get(sha))
        kept, held = divide(rows)
        table = [
            {**asdict(row), "held_out": held_out} for part, held_out in ((kept, False), (held, True)) for row in part
        ]
        write_table(self._folder / "training.parquet", table)
        return [str(FOLDER / "training.parquet")]

    def _training(self) -> tuple[list[Example], list[Example]]:
        parts: tuple[list[Example], list[Example]] = ([], [])
        for row in read_rows(self._folder / "training.parquet"):
            parts[bool(row.pop("held_out"))].append(Example(**row))  # type: ignore[arg-type]
        return parts

    def _tune(self, resume: bool) -> list[str]:
        report = self._watcher.stage("rectify")
        tune(self._target, self._training(), self._run.images.get, self._wanted.tuning, self._folder, resume, report)
        return [str(ADAPTER), str(FOLDER / "log.jsonl")]

    def _merge(self) -> list[str]:
        from auditdm_hub.models.loading import load_parts
        from auditdm_hub.models.quiet import quiet_libraries

        with quiet_libraries():
            model, processor, _ = load_parts(
                self._target, None, str(self._run.path / ADAPTER), self._wanted.tuning.device, "auto"
            )
            model.save_pretrained(self._run.path / MERGED)
            processor.save_pretrained(self._run.path / MERGED)
        return [str(MERGED)]

    def _items(self) -> list[Item]:
        """Return failures and controls about images of the test split, each question about an image once."""
        kinds, items, seen = self._kinds(), dict[str, list[Item]](), set[tuple[str, str]]()
        for run, row in self._judged():
            key = row.probe.image_sha, row.probe.question
            agreed = row.verdict.outcome == "agreement"
            if key in seen or not (row.failed or agreed) or split_of(row.probe.source_image_sha) != "test":
                continue
            seen.add(key)
            part = CONTROLS if agreed else kinds.get(row.probe.id) or UNASSIGNED
            image = run.images.get(row.probe.image_sha)
            item = Item(
                row.probe.id, image, row.probe.question, row.verdict.consensus, row.probe.source_image_sha, part
            )
            items.setdefault(part, []).append(item)
        return [item for part in sorted(items) for item in items[part]]

    def _evaluate(self) -> list[str]:
        from auditdm_hub.models import load_vlm

        items = self._items()
        written = [FILE]
        sides = (("before", None), ("after", str(self._run.path / ADAPTER)))
        for side, adapter in sides if items else ():
            folder = self._folder / "answers" / side
            folder.mkdir(parents=True, exist_ok=True)
            model = load_vlm(self._target, adapter=adapter, device=self._wanted.tuning.device)
            report = self._watcher.stage(f"evaluate {side}")
            ask_items(model, iter(items), folder, lambda done, report=report: report(done, len(items)))  # type: ignore[misc]
            written.append(str(folder.relative_to(self._run.path)))
        atomic_write_json(self._run.path / FILE, self._results(items))
        return written

    def _results(self, items: Sequence[Item]) -> Mapping[str, Any]:
        return {
            "format_version": 1,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": str(self._run.config["target"]),
            "adapter": str(ADAPTER),
            "versions": library_versions(),
            "comparisons": [asdict(one) for one in self._comparisons(items)],
        }

    def _comparisons(self, items: Sequence[Item]) -> tuple[Comparison, ...]:
        if not items:
            return ()
        before, after = (read_answers(self._folder / "answers" / side) for side in ("before", "after"))
        found = []
        for part in dict.fromkeys(item.part for item in items):
            kept = [[item for item in side if item.part == part] for side in (before, after)]
            found.append(compare_answers(contradicting(part), *kept))
        return corrected(found)
