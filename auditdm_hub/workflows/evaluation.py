"""Evaluate a model, or before and after an adapter, on benchmarks, on the playground's suite and on released failures.

A run folder keeps every answer (`answers/SIDE/BENCHMARK/`, in chunks), so that an evaluation that was killed goes on,
and `evaluation.json` can be read again. Sides: "model"; with an adapter "before" and "after"; and each of them "blind",
with a grey image in the place of the true one, if that was asked for.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from auditdm_hub.atomic import atomic_write_json
from auditdm_hub.config import refuse_answer_prompt
from auditdm_hub.errors import ConfigError, ModelError
from auditdm_hub.evaluating import lmms
from auditdm_hub.evaluating.asking import ask_items, forget_unanswered, read_answers
from auditdm_hub.evaluating.benchmark import Ask, Benchmark
from auditdm_hub.evaluating.benchmarks import SUITES, find
from auditdm_hub.evaluating.comparison import FILE, weights_of
from auditdm_hub.evaluating.items import Answered, Item
from auditdm_hub.evaluating.playground import NAME, PLAYGROUND, playground_items
from auditdm_hub.evaluating.released import count_items, failure_items, shared
from auditdm_hub.evaluating.sources import Source, find_source, find_weights, items_of, refuse_other_columns
from auditdm_hub.models.endpoint import is_endpoint
from auditdm_hub.playground.skills import SKILLS
from auditdm_hub.provenance import library_versions
from auditdm_hub.releases.address import is_releases, parse_address
from auditdm_hub.releases.download import download
from auditdm_hub.releases.manifest import open_manifest
from auditdm_hub.runs import Run
from auditdm_hub.workflows.evaluated import Evaluated
from auditdm_hub.workflows.evaluation_results import (
    AFTER,
    BEFORE,
    BLIND,
    RELEASED,
    Outcome,
    before_and_after,
    scores,
    with_and_without_image,
)
from auditdm_hub.workflows.revisions import keep_revision, read_revisions
from auditdm_hub.workflows.watching import SILENT, Watcher

if TYPE_CHECKING:
    from auditdm_hub.protocols import VisionLanguageModel

EACH_SKILL = 200
GREY = (128, 128, 128)
ASKED = "asked.json"
"""Whether the model takes PaliGemma's prefixes."""
DRIVERS = ("native", lmms.NAME)
BATCH_SIZE = 64
FREE = ("device", "batch_size", "keys", "price", "max_cost")
"""Options on which no result depends."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is evaluated; each is an option of `auditdm-hub evaluate`.

    `limit` is of rows of a benchmark, of questions of a skill of the playground, and of failures of a type; None = all
    (200 of a skill).
    `driver`: "native", or "lmms-eval" for its tasks, prompts and metrics; then `data` is a folder with further tasks.
    `answer_prompt`: text around "{question}" in which a chat model is asked skills and failures, as in its audit.
    `keys`: of a model behind an endpoint, server (host, or host:port) -> environment variable; {} = OPENAI_API_KEY.
    `price`: of a million tokens that it reads, and of a million that it writes; `max_cost`: the cost at which the
    evaluation stops, to be resumed; 0 = no limit.
    `revisions`: benchmark -> branch, tag or commit of its data set. `split`: of the released failures.
    """

    model: str
    adapter: str = ""
    benchmarks: tuple[str, ...] = ()
    suite: str = ""
    failures: str = ""
    split: str = "all"
    limit: int | None = None
    data: str = ""
    revisions: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    price: tuple[float, ...] = ()
    max_cost: float = 0.0
    blind: bool = False
    driver: str = "native"
    seed: int = 0
    answer_prompt: str = ""
    device: str = "auto"
    batch_size: int = BATCH_SIZE


def run_evaluation(
    wanted: Evaluation, out: Path, resume: bool = False, own: "VisionLanguageModel | None" = None,
    watcher: Watcher = SILENT,
) -> Run:  # fmt: skip
    """Evaluate, and return the run that holds the answers and `evaluation.json`.

    Args:
        wanted: what.
        out: folder of the run.
        resume: go on with the run that is there.
        own: a model of the user's own, in the place of the name.
        watcher: is told how it comes along.

    Raises:
        AuditDMError: a model, a data set or an option cannot be used; the message says what to do.
    """
    names = _names(wanted)
    if own is not None and wanted.adapter:
        raise ConfigError("--adapter needs weights to go on, and the model is an object: name a folder or a Hub id")
    run = Run.create(out, asdict(wanted), resume=resume, free=FREE)
    with closing(run):
        try:
            with closing(_Evaluating(run, wanted, names, own, watcher)) as evaluating:
                evaluating.run()
        except BaseException:
            run.forget()
            raise
    return run


def _names(wanted: Evaluation) -> list[str]:
    """Return the benchmarks that are wanted, each once.

    Raises:
        ConfigError: one is unknown, or nothing is wanted.
    """
    refuse_answer_prompt(wanted.answer_prompt)
    suites = {**SUITES, NAME: (NAME,)}
    if wanted.suite and wanted.suite not in suites:
        raise ConfigError(f"--suite: got {wanted.suite!r}, wanted one of {', '.join(suites)}")
    if wanted.split not in ("train", "test", "all"):
        raise ConfigError(f"--split: got {wanted.split!r}, wanted train, test or all")
    names = list(dict.fromkeys([*wanted.benchmarks, *suites.get(wanted.suite, ())]))
    if wanted.driver not in DRIVERS:
        raise ConfigError(f"--driver: got {wanted.driver!r}, wanted {' or '.join(DRIVERS)}")
    _refuse_elsewhere(wanted)
    if wanted.driver == lmms.NAME:
        if wanted.revisions:
            raise ConfigError("--revision goes without --driver lmms-eval, whose tasks say which data they read")
        lmms.refuse_unknown([name for name in names if name != NAME], wanted.data)
        return names
    for name in names:
        if name != NAME:
            find(name)
    unused = sorted(set(wanted.revisions) - set(names))
    if unused:
        raise ConfigError(f"--revision {unused[0]}: that benchmark is not evaluated here")
    if not names and not wanted.failures:
        raise ConfigError(
            "nothing to evaluate on: add --benchmark NAME, --suite playground, or --failures REPO@VERSION"
        )
    return names


def _refuse_elsewhere(wanted: Evaluation) -> None:
    for option, given in (("--adapter", wanted.adapter), (f"--driver {lmms.NAME}", wanted.driver == lmms.NAME)):
        if given and is_endpoint(wanted.model):
            raise ConfigError(f"{option} needs weights, and {wanted.model} is behind an endpoint")
    for option, priced in (("--price", bool(wanted.price)), ("--max-cost", wanted.max_cost > 0)):
        if priced and not is_endpoint(wanted.model):
            raise ConfigError(f"{option} is of a model behind an endpoint (URL#MODEL), and {wanted.model} is none")
    if wanted.max_cost and not wanted.price:
        raise ConfigError("--max-cost needs --price READ,WRITTEN: what a million tokens of either cost")


class _Evaluating:
    """One evaluation; models are loaded when they are first needed."""

    def __init__(
        self, run: Run, wanted: Evaluation, names: Sequence[str], own: "VisionLanguageModel | None", watcher: Watcher
    ) -> None:
        self._run, self._wanted, self._names, self._own, self._watcher = run, wanted, names, own, watcher
        self._models = Evaluated(asdict(wanted), own, lambda: self._adapter, run.path)
        self._scorers: dict[str, Callable[[Sequence[Answered]], list[float]]] = {}

    def run(self) -> None:
        begun = time.monotonic()
        if not self._run.stages:
            self._refuse_early()
        sources = self._sources
        for side in self._sides:
            for name in self._names:
                self._ask(side, name)
            if self._wanted.failures:
                self._ask(side, RELEASED)
        if not self._run.stage_done("score"):
            atomic_write_json(self._run.path / FILE, self._results(sources))
            self._run.finish_stage("score", [FILE], time.monotonic() - begun)

    def close(self) -> None:
        self._models.close()

    def _refuse_early(self) -> None:
        """Find out whether everything is there: what cannot be had leaves no run behind."""
        if self._wanted.failures:
            self._release  # noqa: B018 - downloads
        if self._wanted.adapter:
            self._adapter  # noqa: B018
        if self._models.remote:
            self._models.remote.refuse_silent()
        loaded = self._models.load(self._sides[0]) if self._models.is_loaded_here else None
        prefix = bool(loaded and loaded.takes_prefix)
        atomic_write_json(self._run.path / ASKED, {"prefix": prefix})
        for name in self._names:
            if name == NAME or self._by_lmms(name):
                continue
            if find(name).prefix_only and not prefix:
                raise ConfigError(
                    f"{name} reads the segmentation tokens that PaliGemma writes, and {self._wanted.model} is none: "
                    f"{name.removesuffix('-seg')} compares boxes"
                )
            self._benchmark(name)  # loads what its metric needs
            refuse_other_columns(find(name), self._found[name])
        if loaded and self._wanted.adapter:
            loaded.refuse_misfit(self._adapter)

    @property
    def _sides(self) -> tuple[str, ...]:
        sides = (BEFORE, AFTER) if self._wanted.adapter else ("model",)
        return tuple(each for side in sides for each in ((side, side + BLIND) if self._wanted.blind else (side,)))

    @cached_property
    def _found(self) -> dict[str, Source]:
        """Where the data are now."""
        wanted, data = self._wanted, Path(self._wanted.data) if self._wanted.data else None
        names = [name for name in self._names if not self._by_lmms(name) and name != NAME]
        return {name: find_source(find(name), data, wanted.revisions.get(name, "")) for name in names}

    @cached_property
    def _sources(self) -> dict[str, Source]:
        """Where the data of each benchmark are; found out once, so that a resumed run reads the same."""
        file = self._run.path / "sources.json"
        if not self._run.stage_done("sources"):
            atomic_write_json(file, {name: asdict(each) for name, each in self._found.items()})
            self._run.finish_stage("sources", ["sources.json"], 0.0)
        return {name: Source(**each) for name, each in json.loads(file.read_text()).items()}

    @cached_property
    def _release(self) -> Path:
        folder = download(parse_address(self._wanted.failures), say=self._watcher.say)
        manifest = open_manifest(folder)
        keep_revision(
            self._run.path, f"failures {self._wanted.failures}", f"{manifest.version} ({manifest.digest[:12]})"
        )
        return folder

    def _ask(self, side: str, name: str) -> None:
        stage = f"{side} {name}"
        if self._run.stage_done(stage):
            return
        begun = time.monotonic()
        self._watcher.say(f"{name}, {side}")
        report = self._watcher.stage(stage)
        if self._by_lmms(name):
            self._run_task(side, name)
            self._run.finish_stage(stage, [self._folder(side, name).relative_to(self._run.path).as_posix()],
                                   time.monotonic() - begun)  # fmt: skip
            return
        benchmark = PLAYGROUND if name in (NAME, RELEASED) else find(name)
        model, ask = self._models.asked(side.removesuffix(BLIND), benchmark, as_audited=benchmark is PLAYGROUND)
        items = self._items(name, ask)
        total = self._total(name)
        items = _blinded(items) if side.endswith(BLIND) else items
        folder = self._folder(side, name)
        if self._models.remote:
            forget_unanswered(folder)  # a server that was down may answer now
        ask_items(model, items, folder, lambda done: report(done, max(done, total)))
        if self._models.remote and all(row.answer is None for row in read_answers(folder)):
            raise ModelError(
                f"{self._wanted.model} answered none of the questions of {name}: see whether it runs, then continue "
                "with --resume"
            )
        self._run.finish_stage(stage, [self._folder(side, name).relative_to(self._run.path).as_posix()],
                               time.monotonic() - begun)  # fmt: skip

    def _by_lmms(self, name: str) -> bool:
        return self._wanted.driver == lmms.NAME and name not in (NAME, RELEASED)

    def _run_task(self, side: str, name: str) -> None:
        if self._own is not None:
            raise ConfigError("--driver lmms-eval asks models that are loaded by name, not objects")
        model = self._models.load(side.removesuffix(BLIND))
        change = _grey if side.endswith(BLIND) else _same
        lmms.run_task(model, name, self._wanted.limit, self._wanted.data, self._folder(side, name), change)

    def _benchmark(self, name: str) -> Benchmark:
        if name == NAME:
            return PLAYGROUND
        if self._by_lmms(name):
            return lmms.benchmark_of(name, self._folder(self._sides[0], name))
        found = find(name)
        if found.scorer is None:
            return found
        if name not in self._scorers:
            self._scorers[name] = found.scorer(
                find_weights(found, Path(self._wanted.data) if self._wanted.data else None)
            )
        return replace(found, score=self._scorers[name])

    def _folder(self, side: str, name: str) -> Path:
        folder = self._run.path / "answers" / side / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _total(self, name: str) -> int:
        limit = self._wanted.limit
        if name == NAME:
            return len(SKILLS) * (limit or EACH_SKILL)
        return count_items(self._release, self._wanted.split, limit) if name == RELEASED else limit or 0

    def _items(self, name: str, ask: Ask) -> Iterator[Item]:
        wanted = self._wanted
        if name == NAME:
            return playground_items(wanted.limit or EACH_SKILL, wanted.seed)
        if name == RELEASED:
            return failure_items(self._release, wanted.split, wanted.limit)
        return items_of(find(name), self._sources[name], ask, wanted.limit)

    @cached_property
    def _adapter(self) -> str:
        """The folder of the adapter; one that is named as a release is downloaded and verified."""
        name = self._wanted.adapter
        folder = Path(name)
        if not folder.is_dir() or is_releases(folder):
            folder = download(parse_address(name), repo_type="model", say=self._watcher.say)
        keep_revision(self._run.path, f"adapter {name}", weights_of(folder)[:12])
        return str(folder)

    def _results(self, sources: Mapping[str, Source]) -> dict[str, Any]:
        outcome = Outcome(
            tuple(self._names),
            self._sides,
            {
                (side, name): read_answers(self._folder(side, name))
                for side in self._sides
                for name in self._asked_names
            },
            self._benchmark,
            lambda name: self._source(name, sources),
        )
        prefix = bool(json.loads((self._run.path / ASKED).read_text())["prefix"])
        released = {side: shared(self._release, self._wanted.split, outcome.answers[side, RELEASED])
                    for side in self._sides if self._wanted.failures}  # fmt: skip
        return {
            "format_version": 1,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": self._wanted.model,
            "revisions": read_revisions(self._run.path),
            "adapter": self._wanted.adapter,
            "adapter_sha256": weights_of(Path(self._adapter)) if self._wanted.adapter else "",
            "versions": library_versions(),
            "limit": self._wanted.limit,
            "cost": self._models.cost,
            "scores": {side: [asdict(score) for score in every] for side, every in scores(outcome, prefix).items()},
            "failures": {side: asdict(each) for side, each in released.items()},
            "comparisons": [asdict(each) for each in before_and_after(outcome)],
            "blind": [asdict(each) for each in with_and_without_image(outcome)],
        }

    def _source(self, name: str, sources: Mapping[str, Source]) -> Source | None:
        if self._by_lmms(name):
            return Source(self._benchmark(name).dataset, "")
        return Source(NAME, f"seed {self._wanted.seed}") if name == NAME else sources.get(name)

    @property
    def _asked_names(self) -> tuple[str, ...]:
        return (*self._names, *((RELEASED,) if self._wanted.failures else ()))


def _blinded(items: Iterator[Item]) -> Iterator[Item]:
    for item in items:
        yield replace(item, image=_grey(item.image))


def _grey(image: Image.Image) -> Image.Image:
    return Image.new("RGB", image.size, GREY)


def _same(image: Image.Image) -> Image.Image:
    return image
