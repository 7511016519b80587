"""What a model is repaired with, and asked before and after: from an audit, or from a released failure set."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from PIL.Image import Image

from auditdm_hub.auditing.curriculum import read_steps
from auditdm_hub.curate import curate, load_embedder, read_overrides
from auditdm_hub.curate.predicates import holds, read_rule
from auditdm_hub.evaluating.items import Item
from auditdm_hub.evaluating.released import CONTROLS, count_items, failure_items, lesson_items
from auditdm_hub.images import ImageStore
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.records import Judged, Seed
from auditdm_hub.rectifying.examples import FORGOTTEN, REPLAY, UNTYPED, Example, Mixture, candidates, may_teach
from auditdm_hub.releases.schema import UNASSIGNED, split_of
from auditdm_hub.runs import Run
from auditdm_hub.tables import read_rows
from auditdm_hub.workflows.more_lessons import DEPARTURES, IMAGES, REFUSALS, RESULTS, Extra, MoreLessons, trials_of
from auditdm_hub.workflows.planning import TRIALS
from auditdm_hub.workflows.refusals import refused
from auditdm_hub.workflows.specs import spec_of
from auditdm_hub.workflows.watching import Watcher


class Items(Protocol):
    """Items that can be gone through more than once, with one image in memory at a time."""

    def __iter__(self) -> Iterator[Item]:
        """Yield them in their order."""
        ...

    def __len__(self) -> int:
        """Return how many there are, at most."""
        ...


class Lessons(Protocol):
    """Where rows of training come from."""

    @property
    def target(self) -> ModelSpec:
        """The model that is repaired."""
        ...

    @property
    def more(self) -> Sequence[str]:
        """What is asked for it, by name."""
        ...

    def probe(self, name: str, watcher: Watcher) -> str:
        """Make one of them, and return the path of what was written, below its folder."""
        ...

    def kinds(self) -> Mapping[str, str]:
        """Return the failure type of each failure, by its id."""
        ...

    def examples(self, kinds: Mapping[str, str], mixture: Mixture) -> Iterable[Example]:
        """Return what there is to train on."""
        ...

    @property
    def left_out(self) -> int:
        """How many questions of a user's own data are left out because their images confirm or test."""
        ...

    def image(self, sha: str) -> Image:
        """Return an image of an example."""
        ...

    def items(self, kinds: Mapping[str, str]) -> Items:
        """Return failures and controls about images of the test split, each question about an image once."""
        ...


class AuditLessons:
    """Lessons from a finished audit, and from more that is asked for them."""

    def __init__(self, run: Run, folder: Path, extra: Extra) -> None:
        """Take a run, the folder in which more audits may lie, and how many trials those shall have."""
        self._run, self._folder, self._extra = run, folder, extra
        self.target = spec_of(run.config, str(run.config["target"]))
        self._asking = MoreLessons(run, folder, extra, self.target)
        self.more = self._asking.names
        self._made: dict[str, Run] = {}
        self._read: dict[Path, list[Judged]] = {}

    def probe(self, name: str, watcher: Watcher) -> str:
        """Ask what there is to ask under a name."""
        return self._asking.ask(name, watcher)

    def kinds(self) -> Mapping[str, str]:
        """Return the type of each failure: of one curation of everything that there is now.

        Curation drops what repeats another failure. A repetition about another image is a lesson of its own, so that it
        gets the type whose rule it satisfies.
        """
        judged = [*self._judged(), *self.training]
        embedder = load_embedder(str(self._run.config["embedder"]))
        overrides = read_overrides(self._run.path)
        curation = curate(judged, embedder, overrides, int(self._run.config["seed"]))
        rules = [(kind.name, read_rule(kind.predicate.rule)) for kind in curation.types]
        kinds = dict(curation.assignments)
        for row in judged:
            if row.failed and row.probe.id not in kinds:
                probe, answer = row.probe, row.verdict.consensus
                ruled = (name for name, rule in rules if holds(rule, probe.question, answer, probe.instruction))
                kinds[probe.id] = next(ruled, UNTYPED)
        return kinds

    def examples(self, kinds: Mapping[str, str], mixture: Mixture) -> Iterator[Example]:
        """Yield what the exchanges can teach or keep, and what else the target refused."""
        for run in self.runs:
            known = self._answers(run) if self._extra.labelled and run is not self._run else {}
            rows = candidates(self._trials(run), kinds, mixture, known)
            yield from map(as_forgotten, rows) if run.path == self._folder / DEPARTURES else rows
        yield from candidates(self.training, kinds, mixture)
        yield from self.refused

    @property
    def refused(self) -> Iterator[Example]:
        """What the target refused when it was asked alone, and the references were not."""
        if REFUSALS in self.more:
            asked = {(row.probe.image_sha, row.probe.question) for row in (*self._judged(), *self.training)}
            rows = refused(self._folder / REFUSALS)
            yield from (row for row in rows if (row.image_sha, row.question) not in asked)

    @property
    def left_out(self) -> int:
        """How many questions of a labelled data set are left out because their images confirm or test."""
        made = [run for run in self.runs if self._extra.labelled and run is not self._run]
        return sum(not may_teach(row.probe.source_image_sha) for run in made for row in self._trials(run))

    def image(self, sha: str) -> Image:
        """Return an image of one of the runs."""
        stores = (*(run.images for run in self.runs), ImageStore(self._folder / IMAGES))
        held = (store for store in stores if store.path(sha).is_file())
        return next(held, self._run.images).get(sha)

    def items(self, kinds: Mapping[str, str]) -> Items:
        """Return failures and controls about images of the test split, each question about an image once."""
        items, seen = dict[str, list[Judged]](), set[tuple[str, str]]()
        for row in self._judged():
            key = row.probe.image_sha, row.probe.question
            agreed = row.verdict.outcome == "agreement"
            if key in seen or not (row.failed or agreed) or split_of(row.probe.source_image_sha) != "test":
                continue
            seen.add(key)
            items.setdefault(CONTROLS if agreed else kinds.get(row.probe.id) or UNASSIGNED, []).append(row)
        return _JudgedItems([(part, row) for part in sorted(items) for row in items[part]], self.image)

    @property
    def runs(self) -> list[Run]:
        """The audit, and those that were made for the purpose so far."""
        for name in self.more:
            if name not in self._made and (self._folder / name / RESULTS).is_file():
                self._made[name] = Run.open(self._folder / name)
        return [self._run, *self._made.values()]

    def _trials(self, run: Run) -> list[Judged]:
        """Return the trials of a finished audit, which are read once."""
        if run.path not in self._read:
            self._read[run.path] = trials_of(run)
        return self._read[run.path]

    def _judged(self) -> list[Judged]:
        return [row for run in self.runs for row in self._trials(run)]

    @cached_property
    def training(self) -> list[Judged]:
        """The trials of the auditor's training, by all its states, about images that were kept: those of the pool."""
        folder, images = self._run.path / TRIALS, self._run.images
        rows = read_steps(folder) if folder.is_dir() else []
        return [row for row in rows if not row.probe.fault and images.path(row.probe.image_sha).is_file()]

    def _answers(self, run: Run) -> dict[str, str]:
        """Return the answers that a labelled data set gives to its own questions, by the ids of the probes."""
        seeds = {str(row["id"]): Seed(**row) for row in read_rows(run.path / "seeds.parquet")}  # type: ignore[arg-type]
        probes = (row.probe for row in self._trials(run) if row.probe.image_source == "original")
        asked = {probe: seeds[probe.seed_id] for probe in probes}
        return {
            probe.id: seed.answer for probe, seed in asked.items() if seed.answer and probe.question == seed.question
        }


@dataclass(frozen=True, slots=True)
class _JudgedItems:
    """Trials as items: (failure type or controls, trial), and what returns an image by its hash."""

    rows: Sequence[tuple[str, Judged]]
    image: Callable[[str], Image]

    def __iter__(self) -> Iterator[Item]:
        for part, row in self.rows:
            probe, wanted = row.probe, row.verdict.consensus
            yield Item(probe.id, self.image(probe.image_sha), probe.question, wanted, probe.source_image_sha, part)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class _ReleasedItems:
    """Failures and controls of a split of a release."""

    release: Path
    split: str

    def __iter__(self) -> Iterator[Item]:
        return failure_items(self.release, self.split)

    def __len__(self) -> int:
        return count_items(self.release, self.split, None)


class ReleaseLessons:
    """Lessons from a released failure set: its failures and agreements of the split "train"."""

    more = ()
    left_out = 0

    def __init__(self, release: Path, target: ModelSpec, images: ImageStore) -> None:
        """Take a verified release, the model to repair, and where images are kept."""
        self._release, self._images = release, images
        self.target = target

    def probe(self, name: str, watcher: Watcher) -> str:
        """There is nothing more to ask."""
        raise AssertionError(name)

    def kinds(self) -> Mapping[str, str]:
        """Return nothing: the rows of a release have their type with them."""
        return {}

    def examples(self, kinds: Mapping[str, str], mixture: Mixture) -> Iterator[Example]:
        """Yield the rows of the split "train", and keep their images."""
        del kinds
        for item, agreement in lesson_items(self._release, "train"):
            if agreement >= mixture.agreement:
                part = REPLAY if item.part == CONTROLS else item.part
                yield Example(self._images.put(item.image), item.question, str(item.wanted), part, item.group)

    def image(self, sha: str) -> Image:
        """Return an image that was kept."""
        return self._images.get(sha)

    def items(self, kinds: Mapping[str, str]) -> Items:
        """Return failures and controls of the split "test".

        Raises:
            ReleaseError: there are none.
        """
        del kinds
        next(failure_items(self._release, "test"))
        return _ReleasedItems(self._release, "test")


def as_forgotten(example: Example) -> Example:
    """Return what target and references agree on, and the draft does not, as a replay that comes before others."""
    return replace(example, part=FORGOTTEN) if example.part == REPLAY else example
