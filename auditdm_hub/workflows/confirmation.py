"""Confirm the failure types of a run on fresh images of its pool.

    RUN/confirm/N/                    N images of the split "confirm", which no stage of an audit looks at
    RUN/confirm/confirmation.parquet  every item that was drawn: for which type, and all answers
    RUN/confirm/confirmation.json     what the items say of each type

The types are frozen: their names and rules are those of `types.json`. Answers are kept in the run's cache, so that the
same command goes on where it was interrupted, with the same result.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.auditing.ask import AskFault, ask
from auditdm_hub.auditing.exchanges import SCHEMA, to_row
from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.auditing.memory import ImageMemory
from auditdm_hub.auditing.pool import PoolItem
from auditdm_hub.auditing.vote import vote
from auditdm_hub.cache import AnswerCache
from auditdm_hub.config import AuditConfig, load_config
from auditdm_hub.confirming.decide import Finding, Panel, Rules, decide
from auditdm_hub.confirming.draw import AskAndVote, Wanted, draw, may_hold, questions_of
from auditdm_hub.curate.predicates import Rule, holds, read_rule
from auditdm_hub.errors import ConfigError, RunError
from auditdm_hub.records import Judged, Probe, Seed
from auditdm_hub.report.again import report_again
from auditdm_hub.report.confirmation import FILE, STAGE, TABLE, with_confirmation
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows, write_table
from auditdm_hub.workflows.more_images import MoreImages, confirms, more_images
from auditdm_hub.workflows.parts import Cast, Parts
from auditdm_hub.workflows.pools import GIVEN
from auditdm_hub.workflows.rectification import require_audit
from auditdm_hub.workflows.themes import TYPES
from auditdm_hub.workflows.watching import SILENT, Watcher

FOLDER = Path("confirm")
CONTROLS = ""
"""The name in the table of what was drawn for no type."""
EACH, LOTS = 3, 8
"""Controls of an image, and the questions that it is asked to find them."""
SCANNED = 8
"""Pictures that the playground draws for one of the split: a fifth of all are."""
SCHEMA_OF_ITEMS = SCHEMA.append(pa.field("drawn_for", pa.string()))
NO_PARTS = Parts()


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How to confirm; each is an option of `auditdm-hub confirm`.

    `images`: fresh images that are looked at, at most; `items` of each type, at most one of an image; `tries`:
    questions that an image is asked until one is of the type; `level` of the false discoveries; `margin`: how much more
    the target must err on a type than beside it; `holdout`: a model without a vote, in the place of the run's.
    """

    images: int = 400
    items: int = 200
    tries: int = 6
    level: float = 0.05
    margin: float = 0.1
    holdout: str = ""
    device: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ConfigError: a number is out of its range.
        """
        for name, least in (("images", 1), ("items", 1), ("tries", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name}: got {getattr(self, name)}, wanted at least {least}")
        for name in ("level", "margin"):
            if not 0 <= getattr(self, name) < 1 or (name == "level" and not self.level):
                raise ConfigError(f"{name}: got {getattr(self, name)}, wanted a share between 0 and 1")


def confirm_run(path: Path, wanted: Confirmation, parts: Parts = NO_PARTS, watcher: Watcher = SILENT) -> Run:
    """Confirm the failure types of a run, and return the run, whose results and reports have their status.

    Args:
        path: the run's folder; its audit is finished.
        wanted: how.
        parts: objects in the place of names that the configuration of the run has for them.
        watcher: is told how it comes along.

    Raises:
        ConfigError: no model can stand aside, or the holdout is the target or a reference.
        RunError: there is no finished audit, or it has no failure types.
    """
    there = Run.open(path)
    require_audit(there)
    if "report" not in there.stages:
        raise RunError(f"{path} is no finished audit: run it again with --resume")
    there.verify("curate")
    types = json.loads((path / TYPES).read_text())["types"]
    if not types:
        raise RunError(f"{path} has no failure types, so there is nothing to confirm")
    changed = {"out": str(path), **({"device": wanted.device} if wanted.device else {})}
    changed |= {"holdout": wanted.holdout} if wanted.holdout else {}
    config = load_config(overrides=there.config | changed, own_target=True)
    with closing(Run.create(path, there.config, resume=True)) as run, AnswerCache(path / "answers.sqlite") as cache:
        begun = time.monotonic()
        rules = {kind["name"]: read_rule(kind["predicate"]["rule"]) for kind in types}
        _Confirming(run, config, Cast(config, parts, cache), wanted, watcher, parts.pool).run(rules, begun)
    report_again(path)
    return Run.open(path)


class _Confirming:
    def __init__(
        self, run: Run, config: AuditConfig, cast: Cast, wanted: Confirmation, watcher: Watcher,
        given: Iterable[PoolItem] | None,
    ) -> None:  # fmt: skip
        self._run, self._config, self._cast, self._wanted, self._watcher = run, config, cast, wanted, watcher
        self._given, self._faulty = given, set[str]()

    def run(self, rules: Mapping[str, Rule], begun: float) -> None:
        panel = self._panel()
        fresh = self._images()
        by_image: dict[str, list[Seed]] = defaultdict(list)
        for seed in fresh.seeds:
            by_image[seed.image_sha].append(seed)
        ask = partial(self._ask, ImageMemory(fresh.store.get))
        items = self._items(rules, by_image, ask)
        controls = self._controls(rules, by_image, ask, items)
        found = decide(items, controls, rules, panel, Rules(self._wanted.level, self._wanted.margin))
        rows = [{**to_row(row), "drawn_for": name} for name, drawn in (*items.items(), (CONTROLS, controls))
                for row in drawn]  # fmt: skip
        write_table(self._run.path / TABLE, rows, SCHEMA_OF_ITEMS)
        atomic_write_json(self._run.path / FILE, self._told(found, len(by_image), panel))
        self._run.finish_stage(STAGE, [str(FILE), str(TABLE)], time.monotonic() - begun, again=True)
        self._show()

    def _panel(self) -> Panel:
        """Return who votes and who stands aside.

        Raises:
            ConfigError: nobody can.
        """
        cast = self._cast
        families = {model.id: model.family for model in cast.references}
        aside = cast.holdout
        if aside is None and len(set(families.values())) < 3:
            raise ConfigError(
                f"{len(set(families.values()))} families of references vote, and no model stands aside to hold the "
                "target against: name one with --holdout"
            )
        return Panel(families, aside.id if aside else "", cast.judge)

    def _images(self) -> MoreImages:
        """Return the fresh images: as many as are wanted, or those of the run where its pool cannot be had again.

        Raises:
            RunError: there are none.
        """
        run, count = self._run, self._wanted.images
        if self._config.pool == GIVEN and self._given is None:
            seeds = (Seed(**row) for row in read_rows(run.path / "seeds.parquet"))  # type: ignore[arg-type]
            own = tuple(seed for seed in seeds if seed.split == "confirm")[:count]
            if not own:
                raise RunError(f"none of the images of {run.path} is of the split that confirms")
            return MoreImages(run.images, own)
        config = self._config.model_copy(update={"pool_size": count * SCANNED})
        folder = run.path / FOLDER / str(count)
        return more_images(config, count, folder, self._watcher.stage("confirm images"), confirms, self._given)

    def _items(
        self, rules: Mapping[str, Rule], images: Mapping[str, Sequence[Seed]], ask_and_vote: AskAndVote
    ) -> dict[str, list[Judged]]:
        judged = self._trials()
        tell, every = self._watcher.stage("confirm types"), len(rules) * self._wanted.items
        items: dict[str, list[Judged]] = {}
        for place, (name, rule) in enumerate(rules.items()):
            wanted = Wanted(
                name, questions_of(rule, judged), partial(holds, rule), partial(may_hold, rule), self._wanted.items,
                self._wanted.tries,
            )  # fmt: skip
            done = place * self._wanted.items
            items[name] = draw(
                wanted, images, ask_and_vote, self._config.seed,
                lambda count, done=done: tell(min(done + count, every - 1), every),  # type: ignore[misc]
            )  # fmt: skip
        tell(every, every)
        return items

    def _controls(
        self, rules: Mapping[str, Rule], images: Mapping[str, Sequence[Seed]], ask_and_vote: AskAndVote,
        items: Mapping[str, Sequence[Judged]],
    ) -> list[Judged]:  # fmt: skip
        """Return what is drawn for no type, on the images of items."""
        used = {row.probe.image_sha for drawn in items.values() for row in drawn}
        theirs = {sha: seeds for sha, seeds in images.items() if sha in used}
        asked = {" ".join(row.probe.question.split()) for row in self._trials() if not row.probe.fault}
        asked |= {" ".join(seed.question.split()) for seeds in images.values() for seed in seeds if seed.question}
        every, tell = EACH * len(theirs), self._watcher.stage("confirm controls")

        def fits(question: str, consensus: str) -> bool:
            return not any(holds(rule, question, consensus) for rule in rules.values())

        wanted = Wanted(CONTROLS, sorted(asked), fits, lambda question: True, every, LOTS, EACH)
        found = draw(
            wanted, theirs, ask_and_vote, self._config.seed, lambda count: tell(min(count, every - 1), every),
        )  # fmt: skip
        tell(every, every)
        return found

    def _trials(self) -> list[Judged]:
        arms = sorted(path for path in (self._run.path / "exchanges").iterdir() if path.is_dir())
        return [row for arm in arms for row in read_trials(arm)]

    def _ask(self, images: ImageMemory, probes: Sequence[Probe]) -> list[Judged]:
        cast = self._cast
        beside = (cast.holdout,) if cast.holdout else ()
        exchanges = ask(probes, images.get, cast.target, [*cast.references, *beside], on_fault=self._tell)
        families = {model.id: model.family for model in cast.references}
        verdicts = vote(exchanges, cast.judge, families, self._config.quorum)
        return [Judged(exchange, verdict) for exchange, verdict in zip(exchanges, verdicts, strict=True)]

    def _tell(self, fault: AskFault) -> None:
        if fault.model not in self._faulty:
            self._faulty.add(fault.model)
            self._watcher.say(f"No answer from {fault.model} to {fault.requests} questions: {fault.error}")

    def _told(self, found: Sequence[Finding], images: int, panel: Panel) -> dict[str, Any]:
        return {
            "settings": asdict(self._wanted) | {"device": ""},
            "images": images,
            "aside": panel.aside,
            "types": [asdict(each) for each in found],
        }

    def _show(self) -> None:
        """Put the statuses into results.json; the pages follow."""
        run = self._run
        stage = run.stages["report"]
        run.verify("report")
        atomic_write_json(run.path / "results.json", with_confirmation(run, run.results()))
        run.finish_stage("report", list(stage.outputs), stage.seconds, again=True)
