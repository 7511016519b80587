"""An audit, stage by stage: what `auditdm-hub audit` and `auditdm_hub.audit` call.

    pool -> train -> probe (one table per auditor) -> curate -> report

A stage that the run's manifest lists as finished is left out; training and the tables go on where they end. What a
stage writes depends on the configuration and on what lies before it, never on how often it was interrupted.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
from safetensors import SafetensorError

from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.auditing.ask import AskFault, ask
from auditdm_hub.auditing.auditors import Arm
from auditdm_hub.auditing.exchanges import SCHEMA, to_row
from auditdm_hub.auditing.generate import generate, read_offers, read_trials
from auditdm_hub.auditing.leave_out import Tally, leave_each_out
from auditdm_hub.auditing.memory import ImageMemory
from auditdm_hub.auditing.novelty import Novelty
from auditdm_hub.auditing.plans import FixedPlan, Plan, ThemedPlan
from auditdm_hub.auditing.pool import fill_pool
from auditdm_hub.auditing.probe import ImageTools
from auditdm_hub.auditing.reward import AuditReward
from auditdm_hub.auditing.themes import passed
from auditdm_hub.auditing.train import TrainingData, TrainingSettings, train_auditor
from auditdm_hub.auditing.vote import vote
from auditdm_hub.cache import AnswerCache
from auditdm_hub.config import FREE_KEYS, AuditConfig
from auditdm_hub.curate import Beforehand, Curation, curate, read_overrides
from auditdm_hub.curate.overrides import FILE_NAME as DECISIONS
from auditdm_hub.errors import AuditDMError, ConfigError, PoolError, RunError, no_space
from auditdm_hub.models.placement import placement_log
from auditdm_hub.protocols import VisionLanguageModel
from auditdm_hub.records import Judged, Probe, Seed
from auditdm_hub.report import build_results, write_report
from auditdm_hub.report.again import FILES, read_repair
from auditdm_hub.report.confirmation import with_confirmation
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows, write_table
from auditdm_hub.workflows.budget import announce, refuse_expensive
from auditdm_hub.workflows.facts import MODELS, models_of, run_facts
from auditdm_hub.workflows.model_licenses import license_lookup
from auditdm_hub.workflows.parts import ADAPTER, Cast, Parts
from auditdm_hub.workflows.pictures import FILE as PICTURES
from auditdm_hub.workflows.pictures import write_pictures
from auditdm_hub.workflows.planning import TRIALS, Planner
from auditdm_hub.workflows.themes import TYPES, known_types
from auditdm_hub.workflows.watching import SILENT, Watcher

NO_PARTS = Parts()
LEFT_OUT = "left_out.json"
FAILURES = SCHEMA.append(pa.field("failure_type", pa.string()))


def run_audit(
    config: AuditConfig,
    parts: Parts = NO_PARTS,
    *,
    resume: bool = False,
    yes: bool = False,
    command: str = "",
    watcher: Watcher = SILENT,
) -> Run:
    """Run an audit and return its run, which is open for reading.

    Args:
        config: what to audit, against what, on what; `out` is the folder of the run.
        parts: objects in the place of names of the configuration.
        resume: go on with the run in `config.out`.
        yes: whether an audit may be expensive.
        command: the line that repeats the run, for the report.
        watcher: is told how it comes along.

    Raises:
        ConfigError: the configuration asks for something that is not there, or is expensive without `yes`.
        ModelError: a model cannot be loaded, or training broke down.
        PoolError: no image can be used.
        RunError: the folder holds another run, or is in use.
    """
    refuse_expensive(config, yes)
    try:
        with Run.create(Path(config.out), config.model_dump(mode="json"), resume, FREE_KEYS) as run:
            try:
                _run_stages(config, parts, run, command, watcher)
            except AuditDMError:
                run.forget()
                raise
    except (OSError, RuntimeError, ValueError, sqlite3.Error, SafetensorError) as error:
        if not no_space(error):
            raise
        raise RunError(f"{config.out}: the disk is full: free some space, then continue with --resume") from error
    return run


def _run_stages(config: AuditConfig, parts: Parts, run: Run, command: str, watcher: Watcher) -> None:
    with AnswerCache(run.path / "answers.sqlite") as cache, placement_log(run.path / PLACEMENT):
        audit = _Audit(config, run, Cast(config, parts, cache), watcher)
        audit.check()
        audit.fill_pool()
        watcher.say(announce(config, audit.seeds))
        audit.train()
        audit.probe()
        curation = audit.curate()
        audit.report(curation, command)


RESULTS = "results.json"
MAKERS = "makers.json"
"""The licences of the image models."""
PLACEMENT = "placement.log"
"""Which model was where, and when; it is no result."""


def _first_command(results: Path) -> str:
    """Return the command that results were written with first; "" if there are none, or none that can be read."""
    try:
        return str(json.loads(results.read_text())["command"])
    except (OSError, ValueError, KeyError):
        return ""


def _decisive(types: Mapping[str, Any]) -> object:
    """Return what makes one curation another; the last digits of its figures, which machines differ in, do not."""
    named = [(kind["name"], kind["predicate"]["rule"], sorted(kind["members"])) for kind in types["types"]]
    return types["decisions_sha256"], named


class _Audit:
    """The stages of one audit. Each is a method that does nothing if its result is there."""

    def __init__(self, config: AuditConfig, run: Run, cast: Cast, watcher: Watcher) -> None:
        self._config, self._run, self._cast, self._watcher = config, run, cast, watcher
        self.seeds: list[Seed] = []
        self._faulty: set[str] = set()

    def check(self) -> None:
        """Load what the open stages use, so that a wrong name ends the audit at its start and not after an hour."""
        cast, tracker = self._cast, self._config.report_to
        if tracker != "none" and not find_spec(tracker):
            raise ConfigError(f"report_to: {tracker} is not installed: pip install {tracker}, or leave report_to out")
        _ = cast.embedder, known_types(self._config.known)
        if not self._run.stage_done("probe"):
            _ = cast.generator, cast.editor, cast.gate, cast.trained_before
            _ = cast.target, cast.holdout, cast.judge
            families = len({model.family for model in cast.references})
            if self._config.quorum > families:
                raise ConfigError(f"quorum: got {self._config.quorum}, but the references are of {families} families")

    def fill_pool(self) -> None:
        """Store the images and give each its split."""
        run, table, facts = self._run, "seeds.parquet", "pool.json"
        if not run.stage_done("pool"):
            begun = time.monotonic()
            pool = fill_pool(
                self._cast.pool_items(), self._config.pool_size, run.images, self._watcher.stage("pool")
            )  # fmt: skip
            write_table(run.path / table, [asdict(seed) for seed in pool.seeds])
            atomic_write_json(run.path / facts, {"skipped": dict(pool.skipped)})
            run.finish_stage("pool", [table, facts], time.monotonic() - begun)
        self.seeds = [Seed(**row) for row in read_rows(run.path / table)]  # type: ignore[arg-type]
        if not self._discovery:
            raise PoolError(f"none of {len(self.seeds)} images fell into the discovery split: a larger pool is needed")

    def train(self) -> None:
        """Train the auditor, unless it is used as it is."""
        config, run = self._config, self._run
        if not config.steps or run.stage_done("train"):
            return
        from auditdm_hub.models.loading import pick_device

        begun = time.monotonic()
        tools = self._tools(ImageMemory(run.images.get))
        curriculum = self._planner.curriculum(self._trained)
        novelty = Novelty(curriculum.kind) if config.training.novelty == "archive" else None
        known = known_types(config.known)
        reward = AuditReward(
            self.seeds,
            lambda probes: self._ask_and_vote(probes, tools, ()),
            tools,
            novelty,
            curriculum=curriculum,
            known=known,
        )
        training = config.training.model_dump(exclude={"novelty", "rounds", "choose_images", "certainty"})
        settings = TrainingSettings(
            **training,
            steps=config.steps,
            seed=config.seed,
            device=str(pick_device(config.device)),
            report_to=config.report_to,
        )
        data = TrainingData(curriculum, run.images.get, self._cast.prompts)
        base, report = self._cast.trained_base, self._watcher.stage("train")
        train_auditor(base, data, reward, settings, run.path / "auditor", True, report)
        kept = [str(TRIALS)] if config.training.rounds > 1 else []
        run.finish_stage("train", [str(ADAPTER), "auditor/log.jsonl", *kept], time.monotonic() - begun)

    def probe(self) -> None:
        """Let every auditor write its trials on the same images, and get all answers."""
        run = self._run
        if run.stage_done("probe"):
            return
        begun = time.monotonic()
        tools = self._tools(run.images)
        beside = (self._cast.holdout,) if self._cast.holdout else ()
        seeds, config = self._probed, self._config
        free = FixedPlan(seeds, config.actions, config.probes)
        if not free.trials:
            raise PoolError("captions and edits need images with a question: add `question` to `actions:`")
        planner = self._planner
        themes = planner.themes()
        arms = self._arms()
        chosen = config.training.choose_images
        for name, make in arms.items():
            arm = make()
            plan: Plan = free
            if themes and name == "trained":
                most = config.question_share
                plan = ThemedPlan(seeds, config.actions, themes, config.probes, config.seed, planner.sees, most)
            generate(
                replace(arm, answerer=self._cast.answerer) if plan is not free and chosen else arm,
                plan,
                tools,
                lambda probes: self._ask_and_vote(probes, tools, beside),
                run.path / "exchanges" / name,
                self._watcher.stage(f"probe {name}"),
            )
        atomic_write_json(run.path / MODELS, models_of(self._config, run, self._cast))
        atomic_write_json(run.path / LEFT_OUT, self._without_each_family())
        self._keep_pictures()
        run.finish_stage(
            "probe", [MODELS, LEFT_OUT, PICTURES, *(f"exchanges/{name}" for name in arms)], time.monotonic() - begun
        )

    def curate(self) -> Curation:
        """Find and name the failure types; done again whenever a person changed curation.yaml."""
        run, begun = self._run, time.monotonic()
        overrides = read_overrides(run.path)
        judged, tell = self._trials(), self._watcher.stage("curate")
        contrast = [] if self._config.baseline else self._planner.trials()
        before = Beforehand(contrast, *self._planner.suggested())
        curation = curate(judged, self._cast.embedder, overrides, self._config.seed, None, tell, before=before)
        decided = hashlib.sha256((run.path / DECISIONS).read_bytes()).hexdigest()
        found = {"decisions_sha256": decided, "types": [asdict(kind) for kind in curation.types]}
        kept = run.path / TYPES
        if run.stage_done("curate") and _decisive(json.loads(kept.read_text())) == _decisive(found):
            return curation
        failed = [row for row in judged if row.failed and row.probe.id in curation.assignments]
        rows = [{**to_row(row), "failure_type": curation.assignments[row.probe.id]} for row in failed]
        write_table(run.path / "failures.parquet", rows, FAILURES)
        atomic_write_json(kept, found)
        run.finish_stage("curate", ["failures.parquet", TYPES], time.monotonic() - begun)
        return curation

    def report(self, curation: Curation, command: str) -> None:
        """Write results.json, report.md and report.html; the command stays the one that wrote them first."""
        run, begun = self._run, time.monotonic()
        command = _first_command(run.path / RESULTS) or command
        judged = self._trials()
        facts = run_facts(self._config, run, self.seeds, judged, self._passes(), self._left_out(), command)
        results = with_confirmation(run, build_results(judged, curation, facts))
        if run.stage_done("report") and {**run.results(), "seconds": results["seconds"]} == results:
            return
        atomic_write_json(run.path / RESULTS, results)
        write_report(run.path, results, run.images, read_repair(run))
        run.finish_stage("report", FILES, time.monotonic() - begun, again=True)

    @property
    def _discovery(self) -> list[Seed]:
        return [seed for seed in self.seeds if seed.split == "discovery"]

    @property
    def _trained(self) -> list[Seed]:
        """The images to train on: half of them, if there is a training."""
        return [seed for seed in self._discovery if int(seed.image_sha[:8], 16) % 2 == 0] or self._discovery

    @property
    def _probed(self) -> list[Seed]:
        """The images to probe: those that training has not seen."""
        if not self._config.steps:
            return self._discovery
        return [seed for seed in self._discovery if int(seed.image_sha[:8], 16) % 2] or self._discovery

    @cached_property
    def _planner(self) -> Planner:
        def tools() -> ImageTools:
            return self._tools(ImageMemory(self._run.images.get))

        return Planner(self._config, self._run, self._cast, self._discovery, tools)

    def _tools(self, images: object) -> ImageTools:
        return ImageTools(images, self._config.seed, self._cast.generator, self._cast.editor, self._cast.gate)  # type: ignore[arg-type]

    def _arms(self) -> dict[str, Callable[[], Arm]]:
        """Return what makes each auditor that takes part, by name, in the order in which they probe."""
        cast, run, config = self._cast, self._run, self._config
        adapter = run.path / ADAPTER if config.steps else cast.trained_before
        arms: dict[str, Callable[[], Arm]] = {}
        if adapter is not None:
            arms["trained"] = lambda: Arm("trained", cast.auditor(adapter))
        if config.baseline or adapter is None:
            arms["prompt_only"] = lambda: Arm("prompt_only", cast.auditor(None))
        if config.baseline:
            arms["random"] = lambda: Arm("random", cast.random_auditor(self._discovery))
        return arms

    def _trials(self) -> list[Judged]:
        return [row for name in self._arms() for row in read_trials(self._run.path / "exchanges" / name)]

    @property
    def _families(self) -> dict[str, str]:
        return {model.id: model.family for model in self._cast.references}

    def _tell(self, fault: AskFault) -> None:
        """Say the first error of each model; the table counts the answers that are missing."""
        if fault.model not in self._faulty:
            self._faulty.add(fault.model)
            first = (fault.error.splitlines() or [""])[0]
            self._watcher.say(f"No answer from {fault.model} to {fault.requests} questions: {first}")

    def _keep_pictures(self) -> None:
        run, licenses = self._run, self._run.path / MAKERS
        made = [(maker, named) for maker, named in self._cast.makers if maker]
        if not licenses.is_file():  # kept: the Hub may say something else, or nothing, when the run goes on
            look_up = license_lookup(run, {})
            atomic_write_json(licenses, {maker.id: look_up(maker.id) if named else "" for maker, named in made})
        known: dict[str, str] = json.loads(licenses.read_text())
        generator, editor = (maker for maker, _ in self._cast.makers)
        probes = (row.probe for row in self._trials())
        write_pictures(
            probes, run.images, (generator, editor), lambda name: known.get(name, ""), self._config.seed,
            run.path / PICTURES,
        )  # fmt: skip

    def _without_each_family(self) -> Tally:
        return leave_each_out(self._trials(), self._cast.judge, self._families, self._config.quorum)

    def _left_out(self) -> Tally:
        kept: Tally = json.loads((self._run.path / LEFT_OUT).read_text())
        return kept

    def _passes(self) -> dict[str, int]:
        offers = {name: read_offers(self._run.path / "exchanges" / name) for name in self._arms()}
        return {name: sum(passed(row.probe) for row in rows) for name, rows in offers.items()}

    def _ask_and_vote(
        self, probes: Sequence[Probe], tools: ImageTools, beside: Sequence[VisionLanguageModel]
    ) -> list[Judged]:
        """Ask target and references, and models `beside` them that have no vote."""
        cast = self._cast
        others = [*cast.references, *beside]
        exchanges = ask(probes, tools.images.get, cast.target, others, on_fault=self._tell)
        verdicts = vote(exchanges, cast.judge, self._families, self._config.quorum)
        return [Judged(exchange, verdict) for exchange, verdict in zip(exchanges, verdicts, strict=True)]
