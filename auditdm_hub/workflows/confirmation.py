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
from auditdm_hub.confirming.decide import Finding, Rules, decide
from auditdm_hub.confirming.draw import AskAndVote, Wanted, draw, folded, may_hold, questions_of
from auditdm_hub.confirming.jury import FEWEST_FAMILIES, Jury, juries, satisfies
from auditdm_hub.curate.predicates import Rule, read_rule
from auditdm_hub.errors import ConfigError, PoolError, RunError
from auditdm_hub.records import Judged, Probe, Seed
from auditdm_hub.report.again import report_again
from auditdm_hub.report.confirmation import FILE, STAGE, TABLE, with_confirmation
from auditdm_hub.runs import Run, is_audit
from auditdm_hub.tables import read_rows, write_table
from auditdm_hub.text import plural
from auditdm_hub.workflows.facts import MODELS
from auditdm_hub.workflows.more_images import MoreImages, fresh_images
from auditdm_hub.workflows.parts import Cast, Parts
from auditdm_hub.workflows.pools import GIVEN
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
    the target must err on a type than beside it; `holdout`: a model without a vote, in the place of the run's;
    `max_cost`: what the run may have paid for endpoints in all, None = as the audit has it.
    """

    images: int = 400
    items: int = 200
    tries: int = 6
    level: float = 0.05
    margin: float = 0.1
    holdout: str = ""
    device: str = ""
    max_cost: float | None = None

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
    if not is_audit(there):
        raise RunError(f"{path} is no audit, so it has no failure types to confirm: wanted the folder of one")
    if not {"curate", "report"} <= set(there.stages):
        raise RunError(f"{path} is no finished audit: run it again with --resume")
    for stage in ("curate", "report"):
        there.verify(stage)
    types = json.loads((path / TYPES).read_text())["types"]
    if not types:
        raise RunError(f"{path} has no failure types, so there is nothing to confirm")
    changed: dict[str, Any] = {"out": str(path), **({"device": wanted.device} if wanted.device else {})}
    changed |= {"holdout": wanted.holdout} if wanted.holdout else {}
    if wanted.max_cost is not None:
        changed["endpoints"] = {**there.config["endpoints"], "max_cost": wanted.max_cost}
    config = load_config(overrides=there.config | changed, own_target=True)
    with closing(Run.create(path, there.config, resume=True)) as run, AnswerCache(path / "answers.sqlite") as cache:
        begun = time.monotonic()
        rules = {kind["name"]: read_rule(kind["predicate"]["rule"]) for kind in types}
        _Confirming(run, config, Cast(config, parts, cache), wanted, watcher, parts.pool).run(rules, begun)
    try:
        report_again(path)
    except RunError as error:  # the types are tested, whatever became of a repair's files
        watcher.say(f"The report does not show the test: {error}")
    return Run.open(path)


class _Confirming:
    def __init__(
        self, run: Run, config: AuditConfig, cast: Cast, wanted: Confirmation, watcher: Watcher,
        given: Iterable[PoolItem] | None,
    ) -> None:  # fmt: skip
        self._run, self._config, self._cast, self._wanted, self._watcher = run, config, cast, wanted, watcher
        self._given, self._faulty = given, set[str]()

    def run(self, rules: Mapping[str, Rule], begun: float) -> None:
        ways = self._ways()
        fresh = self._images()
        by_image: dict[str, list[Seed]] = defaultdict(list)
        for seed in fresh.seeds:
            by_image[seed.image_sha].append(seed)
        most = len(by_image) * (len(rules) * self._wanted.tries + LOTS)
        self._watcher.say(f"{plural(len(by_image), 'fresh image')}; at most {most:,} questions to each model.")
        ask = partial(self._ask, ImageMemory(fresh.store.get))
        items = self._items(rules, by_image, ask, ways)
        controls = self._controls(rules, by_image, ask, items, ways)
        found = decide(items, controls, rules, ways, Rules(self._wanted.level, self._wanted.margin))
        rows = [{**to_row(row), "drawn_for": name} for name, drawn in (*items.items(), (CONTROLS, controls))
                for row in drawn]  # fmt: skip
        self._run.reopen_stage(STAGE)  # a test that is done again: killed here, its old files are no result
        write_table(self._run.path / TABLE, rows, SCHEMA_OF_ITEMS)
        atomic_write_json(self._run.path / FILE, self._told(found, len(by_image)))
        self._run.finish_stage(STAGE, [str(FILE), str(TABLE)], time.monotonic() - begun)
        self._show()

    def _ways(self) -> list[Jury]:
        """Return who votes and who stands aside.

        Raises:
            ConfigError: nobody can.
        """
        cast = self._cast
        families = {model.id: model.family for model in cast.references}
        audited = json.loads((self._run.path / MODELS).read_text())
        ids = {audited["target"]["id"], *(model["id"] for model in audited["references"])}
        if {cast.target.id, *families} != ids:
            odd = sorted({cast.target.id, *families} ^ ids)[0]
            raise ConfigError(
                f"{odd}: the target and the references must be those of the audit ({', '.join(sorted(ids))})"
            )
        aside = cast.holdout.id if cast.holdout else ""
        count = len(set(families.values()))
        if not aside and count < FEWEST_FAMILIES:
            raise ConfigError(
                f"{count} families of references vote, and no model stands aside to hold the target against: name one "
                "with --holdout"
            )
        if aside in (cast.target.id, *families):
            raise ConfigError(f"holdout: {aside} is the target or a reference, wanted another model")
        if cast.holdout and cast.holdout.family in families.values():
            self._watcher.say(
                f"{aside} is of a family that votes ({cast.holdout.family}): what it shares with the voters looks like "
                "the truth"
            )
        return juries(families, aside, cast.judge, self._config.quorum)

    def _images(self) -> MoreImages:
        """Return the fresh images: as many as are wanted, or those of the run where its pool cannot be had again.

        Raises:
            RunError: there are none.
        """
        count = self._wanted.images
        if self._config.pool == GIVEN and self._given is None:
            return self._own_images()
        config = self._config.model_copy(update={"pool_size": count * SCANNED})
        folder = self._run.path / FOLDER / str(count)
        try:
            return fresh_images(config, count, folder, self._watcher.stage("confirm images"), self._given)
        except PoolError as error:
            found = self._own_images()
            self._watcher.say(f"The pool cannot be had again, so the run's own images are taken: {error}")
            return found

    def _own_images(self) -> MoreImages:
        seeds = (Seed(**row) for row in read_rows(self._run.path / "seeds.parquet"))  # type: ignore[arg-type]
        own = [seed for seed in seeds if seed.split == "confirm"]
        chosen = set(list(dict.fromkeys(seed.image_sha for seed in own))[: self._wanted.images])
        if not own:
            raise RunError(f"none of the images of {self._run.path} is of the split that confirms: take a larger pool")
        return MoreImages(self._run.images, tuple(seed for seed in own if seed.image_sha in chosen))

    def _items(
        self, rules: Mapping[str, Rule], images: Mapping[str, Sequence[Seed]], ask_and_vote: AskAndVote,
        ways: Sequence[Jury],
    ) -> dict[str, list[Judged]]:  # fmt: skip
        judged = self._trials()
        tell, every = self._watcher.stage("confirm types"), len(rules) * self._wanted.items
        items: dict[str, list[Judged]] = {}
        for place, (name, rule) in enumerate(rules.items()):
            wanted = Wanted(
                name, questions_of(rule, judged), partial(_of_type, rule, ways), partial(may_hold, rule),
                self._wanted.items, self._wanted.tries,
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
        items: Mapping[str, Sequence[Judged]], ways: Sequence[Jury],
    ) -> list[Judged]:  # fmt: skip
        """Return what is drawn for no type, on the images of items."""
        used = {row.probe.image_sha for drawn in items.values() for row in drawn}
        theirs = {sha: seeds for sha, seeds in images.items() if sha in used}
        asked = {folded(row.probe.question) for row in self._trials() if not row.probe.fault}
        asked |= {folded(seed.question) for seeds in images.values() for seed in seeds if seed.question}
        every, tell = EACH * len(theirs), self._watcher.stage("confirm controls")
        fits = partial(_of_no_type, list(rules.values()), ways)
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

    def _told(self, found: Sequence[Finding], images: int) -> dict[str, Any]:
        settings = asdict(self._wanted)
        return {
            "settings": {name: settings[name] for name in settings if name not in ("device", "max_cost")},
            "images": images,
            "aside": self._cast.holdout.id if self._cast.holdout else "",
            "types": [asdict(each) for each in found],
        }

    def _show(self) -> None:
        """Put the statuses into results.json; the pages follow."""
        run = self._run
        stage = run.stages["report"]
        results = with_confirmation(run, run.results())
        run.reopen_stage("report")  # killed here, the audit writes it again with --resume
        atomic_write_json(run.path / "results.json", results)
        run.finish_stage("report", list(stage.outputs), stage.seconds)


def _of_type(rule: Rule, ways: Sequence[Jury], rows: Sequence[Judged]) -> list[bool]:
    """Return which rows satisfy a rule by one of the ways to vote, each of which then has its own items."""
    told = [[satisfies(rule, row, said) for row, said in zip(rows, jury.agree(rows), strict=True)] for jury in ways]
    return [any(each) for each in zip(*told, strict=True)]


def _of_no_type(rules: Sequence[Rule], ways: Sequence[Jury], rows: Sequence[Judged]) -> list[bool]:
    """Return which rows have a consensus, by one of the ways to vote, with which they satisfy no rule."""
    told = [
        [said is not None and not any(satisfies(rule, row, said) for rule in rules)
         for row, said in zip(rows, jury.agree(rows), strict=True)]
        for jury in ways
    ]  # fmt: skip
    return [any(each) for each in zip(*told, strict=True)]
