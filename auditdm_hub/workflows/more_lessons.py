"""More lessons than an audit has, asked for a repair.

RUN/rectified/lessons/     more probes by the run's auditor, an audit without training on other images of the pool
              pool/        the pool's own questions, likewise; one image in three is asked what was asked elsewhere
              images/      images for what the target is asked alone
              refusals/    what it was asked, to go on refusing (`refusals`)
              looks/       answers of the target, and of the target with a first adapter (`departures`)
              departures/  an audit of the questions to which these two differ
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditdm_hub.auditing.auditors import OwnQuestions, PoolQuestions
from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.config import NO_MODEL, AuditConfig
from auditdm_hub.evaluating.asking import read_answers
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.records import Judged
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows
from auditdm_hub.workflows.api import audit
from auditdm_hub.workflows.departures import SIDES, SecondLook
from auditdm_hub.workflows.more_images import MoreImages, are_there, images_of, more_images
from auditdm_hub.workflows.parts import ADAPTER as AUDITOR
from auditdm_hub.workflows.pools import GIVEN
from auditdm_hub.workflows.refusals import ask_near_misses
from auditdm_hub.workflows.watching import Watcher

ARMS = ("prompt_only", "random", "trained")
LESSONS, POOL, REFUSALS, DEPARTURES = "lessons", "pool", "refusals", "departures"
DRAFT = "draft"
"""Folder of the first adapter, which tells what is asked next."""
BALANCE = 1.5
"""Even shares of the pool's questions that one kind may have: what is asked seldom is what is forgotten first."""
RESULTS = "results.json"
IMAGES, LOOKS = "images", "looks"
PER_IMAGE = 2
"""Near misses of an image, at the least."""
DRAWN = 3
"""Pictures of the playground for each that may be trained on."""
SEEDS = {LESSONS: 1_000_000, POOL: 2_000_000, DEPARTURES: 3_000_000, IMAGES: 3_000_000}
"""What is added to the seed of the run: other images, other texts."""


@dataclass(frozen=True, slots=True)
class Extra:
    """How much is asked beyond the audit: trials of its auditor, questions of the pool, and those that nearly fit.

    `second_look`: questions of the pool that are asked of the target with and without a first adapter.
    `labelled` is a data set whose images are probed in the place of the pool's, and whose answers go before the
    consensus on its own questions; `columns` says which of its columns hold what. `max_cost`: at which cost of
    endpoints each of these audits stops, None = as the run's. `device`: where they run, "" = as there.
    """

    probes: int = 0
    pool_questions: int = 0
    refusals: int = 0
    second_look: int = 0
    labelled: str = ""
    columns: Mapping[str, str] | None = None
    max_cost: float | None = None
    device: str = ""

    @property
    def any(self) -> bool:
        """Whether anything is asked beyond the audit."""
        return bool(self.probes or self.pool_questions or self.refusals or self.second_look)


class MoreLessons:
    """What is asked for the repair of a run's target, and where it is kept."""

    def __init__(self, run: Run, folder: Path, extra: Extra, target: ModelSpec) -> None:
        """Take a run, the folder in which more may lie, how much, and the model that is repaired."""
        self._run, self._folder, self._extra, self._target = run, folder, extra, target
        self._counts = {
            LESSONS: extra.probes, POOL: extra.pool_questions, REFUSALS: extra.refusals, DEPARTURES: extra.second_look
        }  # fmt: skip
        self.names = [name for name, count in self._counts.items() if count]

    def ask(self, name: str, watcher: Watcher) -> str:
        """Ask what one of the names stands for, and return the path of what was written, below the folder.

        The run's auditor and the pool's questions are audits without training. What would spoil a figure makes a lesson
        all the same: the same words about another image, and a question to which the auditor did not look for an
        answer first.
        """
        if name == REFUSALS:
            return self._near_misses(watcher)
        if name == DEPARTURES:
            return self._second_look(watcher)
        settings = self._settings(name)
        if name == POOL:
            settings["auditor"] = self._questions()
        elif (self._run.path / AUDITOR).is_dir():
            settings["auditor"] = str(self._run.path)
        audit(resume=True, yes=True, watcher=watcher, **settings)
        return f"{name}/{RESULTS}"

    def _settings(self, name: str) -> dict[str, Any]:
        """Return the configuration of an audit without training that is made for it."""
        config = {key: value for key, value in self._run.config.items() if value is not None}
        trials, extra = self._counts[name], self._extra
        settings = {
            **config, "steps": 0, "probes": trials, "known": [], "baseline": False, "out": str(self._folder / name),
            "pool_size": max(config["pool_size"], 2 * trials),
            "seed": config["seed"] + SEEDS[name], "question_share": 1.0, "holdout": NO_MODEL,
            "training": {**config["training"], "choose_images": False},
        }  # fmt: skip
        if extra.device:
            settings["device"] = extra.device
        if extra.max_cost is not None:
            settings["endpoints"] = {**config.get("endpoints", {}), "max_cost": extra.max_cost}
        if extra.labelled:
            settings |= {"pool": extra.labelled, "columns": dict(extra.columns or {})}
        return settings if name == LESSONS else {**settings, "actions": ["question"], "pool_balance": BALANCE}

    def _second_look(self, watcher: Watcher) -> str:
        """Ask target and draft, and all models where these two answer differently."""
        folder = self._folder / LOOKS
        earlier = [self._run, *(Run.open(self._folder / name) for name in (LESSONS, POOL) if name in self.names)]
        known = frozenset((row.probe.image_sha, row.probe.question) for run in earlier for row in trials_of(run))
        look = SecondLook(self._images(watcher), self._questions(), known, self._extra.second_look, folder)
        look.ask(self._alone, self._folder / DRAFT / "adapter", lambda side: watcher.stage(f"second look {side}"))
        count = len(look.departing())
        if not count:
            return LOOKS
        given = {"pool": look.items(), "pool_size": count, "probes": count, "auditor": OwnQuestions(), "columns": {}}
        audit(resume=True, yes=True, watcher=watcher, **{**self._settings(DEPARTURES), **given, "pool_balance": 0.0})
        return f"{DEPARTURES}/{RESULTS}"

    def _images(self, watcher: Watcher) -> MoreImages:
        """Return the images about which the target is asked alone; where no more can be had, those of the run."""
        extra = self._extra
        if self._run.config["pool"] == GIVEN and not extra.labelled:
            return images_of(self._run)
        count = max(-(-extra.refusals // PER_IMAGE), extra.second_look + extra.pool_questions)
        config = {**self._run.config, "pool_size": DRAWN * count, "pool_balance": BALANCE,
                  "seed": self._run.config["seed"] + SEEDS[IMAGES]}  # fmt: skip
        if extra.labelled:
            config |= {"pool": extra.labelled, "columns": dict(extra.columns or {})}
        folder = self._folder / IMAGES
        tell = None if are_there(folder) else watcher.stage(f"rectify {IMAGES}")
        return more_images(AuditConfig(**config), count, folder, tell)

    @property
    def _alone(self) -> ModelSpec:
        """The target, where it is asked alone."""
        return self._target.on(self._extra.device) if self._extra.device else self._target

    def _questions(self) -> PoolQuestions:
        """Return what asks the audit's questions elsewhere: those of its trials, and those of its pool."""
        own = {str(row["question"]) for row in read_rows(self._run.path / "seeds.parquet")} - {""}
        return PoolQuestions(sorted(own | {row.probe.question for row in trials_of(self._run) if not row.probe.fault}))

    def _near_misses(self, watcher: Watcher) -> str:
        report = watcher.stage(f"rectify {REFUSALS}")
        count, folder = self._extra.refusals, self._folder / REFUSALS
        ask_near_misses(self._alone, self._images(watcher), self._questions(), count, folder, report)
        return REFUSALS


def answers_for(folder: Path) -> int:
    """Return how many answers the lessons in a folder took beyond the audit, of the target alone and of all models."""
    alone = [folder / REFUSALS, *(folder / LOOKS / side for side in SIDES)]
    audits = [path for path in (folder / name for name in (LESSONS, POOL, DEPARTURES)) if (path / RESULTS).is_file()]
    asked = sum(len(read_answers(path)) for path in alone if path.is_dir())
    return asked + sum(sum(Run.open(path).results()["cost"].values()) for path in audits)


def trials_of(run: Run) -> list[Judged]:
    """Return the trials of every auditor of a run."""
    folders = [run.path / "exchanges" / arm for arm in ARMS]
    return [row for folder in folders if folder.is_dir() for row in read_trials(folder)]
