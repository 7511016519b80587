"""Rectify the target of a run: lessons from its failures, a LoRA adapter, and what it changed on images it never saw.

    RUN/rectified/settings.json     how
        lessons/                    more probes by the run's auditor, if they were asked for (an audit of its own)
        pool/                       the pool's own questions, if they were asked for (likewise)
        refusals/                   what the target was asked alone, to go on refusing what it refuses
        draft/                      a first adapter, and what it was trained on, if a second look was asked for
        looks/, departures/         what it answers otherwise than the target, and what the references say to that
        training.parquet            what was trained on, and what told when to stop
        tuned/                      the adapter as it was trained, and the log of its training
        strength.json               the shares of it that were tried, and what each repairs and forgets
        adapter/                    the result
        answers/                    of the target before and after, on failures and controls of the test split
    RUN/evaluation.json             before and after, per failure type

Everything is a stage of the run: after a kill the same command with --resume goes on, with the same result.
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.config_sections import RectificationConfig
from auditdm_hub.errors import AuditDMError, ConfigError, RunError
from auditdm_hub.evaluating.asking import ask_items, read_answers
from auditdm_hub.evaluating.comparison import FILE, Comparison, corrected, weights_of
from auditdm_hub.evaluating.released import contradicting
from auditdm_hub.evaluating.results import compare_answers
from auditdm_hub.models.endpoint import is_endpoint
from auditdm_hub.models.loading import find_model
from auditdm_hub.provenance import library_versions
from auditdm_hub.rectifying.examples import Example, Mixture, choose, divide, may_teach
from auditdm_hub.rectifying.strength import Wanted, scale_back
from auditdm_hub.rectifying.train import TuningSettings, tune
from auditdm_hub.releases.address import parse_address
from auditdm_hub.releases.download import download
from auditdm_hub.report.again import MEASURED, report_again
from auditdm_hub.runs import Run, differing_keys, is_audit
from auditdm_hub.tables import read_rows, write_table
from auditdm_hub.workflows.lessons import AuditLessons, Lessons, ReleaseLessons
from auditdm_hub.workflows.more_lessons import DEPARTURES, DRAFT, IMAGES, LOOKS, REFUSALS, Extra
from auditdm_hub.workflows.specs import spec_of
from auditdm_hub.workflows.watching import SILENT, Watcher

FOLDER, ADAPTER, MERGED = Path("rectified"), Path("rectified") / "adapter", Path("rectified") / "merged"
SETTINGS, TRAINING, KINDS, STRENGTH = "settings.json", "training.parquet", "types.json", "strength.json"
TUNED = "tuned"
FREE = ("tuning.device", "merge", "max_cost")
"""Settings that may be others when a rectification goes on: no adapter depends on them."""
DRAFT_SHARE = 1 / 3
"""Steps of the draft as a share of those of the adapter: enough to see where it will change answers."""


@dataclass(frozen=True, slots=True)
class Rectification:
    """How to rectify; each is an option of `auditdm-hub rectify`.

    `probes`: trials of the trained auditor beyond those of the run; `pool_questions`: images that are asked the pool's
    own questions; `refusals`: questions that nearly fit, asked of the target alone; `second_look`: the pool's questions
    that are asked of the target and of a first adapter, to learn from those whose answers differ; `margin`: the most
    that may be lost of what the model could do, on held-out questions; `repair`: the share of held-out failures with
    which less of the adapter will do; `labelled`: a data set that is probed in the pool's place, with its `columns`;
    `merge`: also write the model with the adapter; `max_cost`: what each audit that is made for it may pay for
    endpoints, None = as the run's.
    """

    mixture: Mixture = field(default_factory=Mixture)
    tuning: TuningSettings = field(default_factory=TuningSettings)
    probes: int = 0
    pool_questions: int = 0
    refusals: int = 0
    second_look: int = 0
    margin: float = 1.0
    repair: float = 1.0
    labelled: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    merge: bool = False
    max_cost: float | None = None

    @classmethod
    def of(cls, config: RectificationConfig, seed: int = 0, device: str = "auto", **more: Any) -> Self:  # noqa: ANN401
        """Return what a section of a configuration asks for; `more` are fields of this class."""
        named = config.model_dump()
        mixture = Mixture(config.agreement, config.replay, config.rows, seed=seed)
        tuning = {name: named[name] for name in named if name in TuningSettings.__dataclass_fields__}
        settings = TuningSettings(**tuning, seed=seed, device=device)
        asked = config.probes, config.pool_questions, config.refusals, config.second_look
        return cls(mixture, settings, *asked, config.margin, config.repair, **more)

    @property
    def extra(self) -> Extra:
        """What is asked beyond the audit."""
        asked = self.probes, self.pool_questions, self.refusals, self.second_look
        return Extra(*asked, self.labelled, self.columns, self.max_cost, self.tuning.device)


def rectify_run(path: Path, wanted: Rectification, resume: bool = False, watcher: Watcher = SILENT) -> Run:
    """Rectify the target of a run, and return the run with what was written.

    Args:
        path: the run's folder; its audit is finished.
        wanted: how.
        resume: go on with a rectification that is there.
        watcher: is told how it comes along.

    Raises:
        ConfigError: a labelled data set is given, but nothing is asked of it.
        RunError: there is nothing to rectify, or the run was rectified otherwise before.
        ModelError: the target cannot be fine-tuned, or the loss is no longer a number.
    """
    if wanted.labelled and not wanted.extra.any:
        raise ConfigError(
            f"{wanted.labelled} would not be asked: add probes (--probes) or its own questions (--pool-questions)"
        )
    there = Run.open(path)
    require_audit(there)
    if "curate" not in there.stages:
        raise RunError(f"{path} is no finished audit: run it again with --resume")
    if is_endpoint(str(there.config["target"])):
        raise RunError(
            f"{there.config['target']} is behind an endpoint, and an adapter needs weights: audit a folder or a model "
            "of the Hub"
        )
    _refuse_other(path, wanted, resume)
    with closing(Run.create(path, there.config, resume=True)) as run:
        _Rectifying(run, AuditLessons(run, run.path / FOLDER, wanted.extra), wanted, watcher).run(resume)
    _show_in_report(path, watcher)
    return Run.open(path)


def _show_in_report(path: Path, watcher: Watcher) -> None:
    try:
        report_again(path)
    except RunError as error:  # the repair is done, whatever became of the audit's files
        watcher.say(f"The report does not show the repair: {error}")


def rectify_release(
    release: str, target: str, out: Path, wanted: Rectification, resume: bool = False, watcher: Watcher = SILENT,
    answer_prompt: str = "",
) -> Run:  # fmt: skip
    """Rectify a model with the failures that were released of another, or of itself; return the run.

    Args:
        release: `ORG/NAME@VERSION` or a folder of releases.
        target: name or folder of the model.
        out: folder of the run.
        wanted: how; more probes cannot be asked for, since a release has no auditor with it.
        resume: go on with the run that is there.
        watcher: is told how it comes along.
        answer_prompt: text around "{question}" with which a chat model is asked.

    Raises:
        ConfigError: more probes were asked for.
        ReleaseError: the release cannot be had, or is no failure set.
        RunError: there is nothing to rectify, or the folder holds another run.
    """
    if wanted.extra.any or wanted.labelled:
        raise ConfigError("a released failure set has no auditor and no pool: leave more probes and data sets out")
    asked = {"target": target, **({"answer_prompt": answer_prompt} if answer_prompt else {})}
    spec = spec_of(asked, target)
    find_model(spec.name)
    folder = download(parse_address(release), say=watcher.say)
    anywhere = replace(wanted, tuning=replace(wanted.tuning, device="auto"))  # no result depends on it
    config = {**asked, "failures": release, "rectification": json.loads(json.dumps(asdict(anywhere)))}
    with closing(Run.create(out, config, resume)) as run:
        try:
            _Rectifying(run, ReleaseLessons(folder, spec, run.images), wanted, watcher).run(resume)
        except AuditDMError:
            run.forget()
            raise
    return run


def require_audit(run: Run) -> None:
    """Refuse a run of another kind.

    Raises:
        RunError: it is no audit.
    """
    if not is_audit(run):
        raise RunError(f"{run.path} is no audit, so it has no failures to learn from: wanted the folder of one")


def _refuse_other(path: Path, wanted: Rectification, resume: bool) -> None:
    """Raise if there is a rectification that was made otherwise, or one that is not to be resumed."""
    file = path / FOLDER / SETTINGS
    if not file.is_file():
        return
    before = json.loads(file.read_text())
    differing = list(differing_keys(before, json.loads(json.dumps(asdict(wanted)))))
    differing = [name for name in differing if name not in FREE]
    broke = not Run.open(path).stage_done("rectify")  # a training that broke down may be done otherwise
    if differing and not (broke and all(name.startswith("tuning.") for name in differing)):
        raise RunError(
            f"{path} was rectified with other settings (differing: {', '.join(differing)}): remove {path / FOLDER} "
            "to do it anew"
        )
    if not resume:
        raise RunError(f"{path} holds a rectification: add --resume to go on with it, or remove {path / FOLDER}")


class _Rectifying:
    def __init__(self, run: Run, lessons: Lessons, wanted: Rectification, watcher: Watcher) -> None:
        self._run, self._lessons, self._wanted, self._watcher = run, lessons, wanted, watcher
        self._folder = run.path / FOLDER

    def run(self, resume: bool) -> None:
        self._folder.mkdir(exist_ok=True)
        settings, more = self._folder / SETTINGS, self._lessons.more
        self._forget_other_tuning(settings)
        atomic_write_json(settings, asdict(self._wanted))
        if not self._run.stage_done(f"rectify {DRAFT}"):  # what followed from another draft
            for name in (LOOKS, DEPARTURES):
                shutil.rmtree(self._folder / name, ignore_errors=True)
        try:
            for name in more:
                if name == DEPARTURES:
                    self._stage(f"rectify {DRAFT}", lambda: self._draft(resume))
                self._stage(f"rectify {name}", lambda name=name: self._probe(name))
            self._stage("rectify data", lambda: self._data(self._folder))
        except AuditDMError:
            if not any(self._run.stage_done(f"rectify {name}") for name in (*more, DRAFT)):
                settings.unlink()  # nothing was made yet that other settings would not fit
                for name in (IMAGES, REFUSALS, DRAFT):
                    shutil.rmtree(self._folder / name, ignore_errors=True)
            raise
        tuned = self._folder / TUNED
        self._stage("rectify", lambda: self._tune(self._folder, tuned, self._wanted.tuning, resume))
        self._stage("rectify strength", self._scale)
        if self._wanted.merge:
            self._stage("rectify merge", self._merge)
        self._stage(MEASURED, self._evaluate)

    def _forget_other_tuning(self, settings: Path) -> None:
        """Remove what was trained with other settings of training, and what followed from it; lessons stay."""
        before = json.loads(settings.read_text())["tuning"] if settings.is_file() else None
        if before and {**before, "device": ""} != {**asdict(self._wanted.tuning), "device": ""}:
            for name in (TUNED, DRAFT, LOOKS, DEPARTURES):
                shutil.rmtree(self._folder / name, ignore_errors=True)
            for name in (TRAINING, KINDS):
                (self._folder / name).unlink(missing_ok=True)

    def _stage(self, name: str, work: Any) -> None:  # noqa: ANN401 - a function that returns what it wrote
        if self._run.stage_done(name):
            return
        begun = time.monotonic()
        self._watcher.say(name)
        self._run.finish_stage(name, work(), time.monotonic() - begun)

    def _probe(self, name: str) -> list[str]:
        return [str(FOLDER / self._lessons.probe(name, self._watcher))]

    def _draft(self, resume: bool) -> list[str]:
        """Train a first adapter, for a part of the steps, with what there is so far."""
        folder = self._folder / DRAFT
        folder.mkdir(exist_ok=True)
        written = self._data(folder)
        tuning = replace(self._wanted.tuning, steps=max(1, round(DRAFT_SHARE * self._wanted.tuning.steps)))
        return [*written, *self._tune(folder, folder, tuning, resume)]

    def _data(self, folder: Path) -> list[str]:
        kinds = self._lessons.kinds()
        mixture = self._wanted.mixture
        if left_out := self._lessons.left_out:
            self._watcher.say(
                f"{left_out:,} questions of {self._wanted.labelled} are left out: their images are of the "
                "splits that confirm or test"
            )
        kept, held = divide(choose(self._lessons.examples(kinds, mixture), mixture))
        table = [
            {**asdict(row), "held_out": held_out} for part, held_out in ((kept, False), (held, True)) for row in part
        ]
        write_table(folder / TRAINING, table)
        atomic_write_json(folder / KINDS, dict(sorted(kinds.items())))
        return [str((folder / name).relative_to(self._run.path)) for name in (TRAINING, KINDS)]

    def _training(self, folder: Path) -> tuple[list[Example], list[Example]]:
        parts: tuple[list[Example], list[Example]] = ([], [])
        for row in read_rows(folder / TRAINING):
            if not may_teach(str(row["source_image_sha"])):
                raise RunError(f"{folder / TRAINING} holds an image of a split that tests: remove {self._folder}")
            parts[bool(row.pop("held_out"))].append(Example(**row))  # type: ignore[arg-type]
        return parts

    def _tune(self, data: Path, out: Path, tuning: TuningSettings, resume: bool) -> list[str]:
        report = self._watcher.stage(f"rectify {DRAFT}" if out.name == DRAFT else "rectify")
        lessons = self._lessons
        tune(lessons.target, self._training(data), lessons.image, tuning, out, resume, report)
        return [str((out / name).relative_to(self._run.path)) for name in ("adapter", "log.jsonl")]

    def _scale(self) -> list[str]:
        lessons, wanted = self._lessons, self._wanted
        tried = scale_back(
            lessons.target.on(wanted.tuning.device), self._folder / TUNED / "adapter", self._training(self._folder)[1],
            lessons.image, Wanted(wanted.margin, wanted.repair), self._run.path / ADAPTER,
        )  # fmt: skip
        atomic_write_json(self._folder / STRENGTH, [asdict(each) for each in tried])
        if tried and tried[-1].replays > wanted.margin:
            self._watcher.say(
                f"No share of the adapter keeps within --margin {wanted.margin:g}: kept is {tried[-1].share:g} of it, "
                f"with which {tried[-1].replays:.1%} of the held-out replays are lost"
            )
        return [str(ADAPTER), str(FOLDER / STRENGTH)]

    def _merge(self) -> list[str]:
        from auditdm_hub.models.loading import load_parts
        from auditdm_hub.models.quiet import quiet_libraries

        with quiet_libraries():
            target = self._lessons.target.on(self._wanted.tuning.device)
            whole = replace(target.how, bits=0)  # what is merged is saved as it was stored
            model, processor, _ = load_parts(target.name, whole, adapter=str(self._run.path / ADAPTER), merge=True)
            model.save_pretrained(self._run.path / MERGED)
            processor.save_pretrained(self._run.path / MERGED)
        return [str(MERGED)]

    def _evaluate(self) -> list[str]:
        items = self._lessons.items(json.loads((self._folder / KINDS).read_text()))
        written = [FILE]
        sides = (("before", None), ("after", str(self._run.path / ADAPTER)))
        for side, adapter in sides if len(items) else ():
            folder = self._folder / "answers" / side
            folder.mkdir(parents=True, exist_ok=True)
            model = self._lessons.target.on(self._wanted.tuning.device).load(adapter)
            report = self._watcher.stage(f"evaluate {side}")
            ask_items(model, iter(items), folder, lambda done, report=report: report(done, len(items)))  # type: ignore[misc]
            written.append(str(folder.relative_to(self._run.path)))
        results = comparison_file(self._run, ADAPTER, self._comparisons() if len(items) else ())
        atomic_write_json(self._run.path / FILE, results)
        return written

    def _comparisons(self) -> tuple[Comparison, ...]:
        before, after = (read_answers(self._folder / "answers" / side) for side in ("before", "after"))
        found = []
        for part in dict.fromkeys(item.part for item in before):
            kept = [[item for item in side if item.part == part] for side in (before, after)]
            found.append(compare_answers(contradicting(part), *kept))
        return corrected(found)


def comparison_file(run: Run, adapter: Path, comparisons: Sequence[Comparison]) -> Mapping[str, Any]:
    """Return what `evaluation.json` holds of a run's target before and after an adapter, a folder within the run."""
    return {
        "format_version": 1,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": str(run.config["target"]),
        "adapter": str(adapter),
        "adapter_sha256": weights_of(run.path / adapter),
        "versions": library_versions(),
        "comparisons": [asdict(one) for one in comparisons],
    }
