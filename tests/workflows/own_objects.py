"""Objects of a user's own for every seam of an audit: pictures, a target with known weaknesses, references that mostly
know the answer, an auditor that asks what the target cannot do. A whole audit with them takes about a second."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from PIL.Image import Image

from auditdm_hub.auditing.generate import read_trials
from auditdm_hub.auditing.pool import PoolItem
from auditdm_hub.curate import load_embedder
from auditdm_hub.images import image_sha
from auditdm_hub.playground.backends import LICENCE, PlaygroundEditor, PlaygroundGenerator, pictures
from auditdm_hub.playground.draw import read
from auditdm_hub.playground.language import describe
from auditdm_hub.playground.sample import sample_edit, sample_question, sample_scene
from auditdm_hub.playground.skills import solve
from auditdm_hub.playground.skills.questions import ASKED
from auditdm_hub.playground.world import Scene
from auditdm_hub.protocols import Embedder
from auditdm_hub.records import Action, Judged
from auditdm_hub.runs import Run
from auditdm_hub.workflows import Watcher, audit

POOL, PROBES = 80, 100
SMALL = {"probes": 24, "pool_size": 40}
SWAPPED = {"left": "right", "right": "left"}
COUNTS = ("how many", "count", "what is the number of")
WANTED = [skill for skill in ASKED if skill.name in ("count all", "left or right")]
KNOWN: dict[tuple[str, str], str] = {}


def truth(image: Image, question: str) -> str:
    key = image_sha(image), question
    if key not in KNOWN:
        scene = read(image)
        answered = solve(scene, question) if scene else None
        KNOWN[key] = answered.answer if answered else "unanswerable"
    return KNOWN[key]


def able(question: str, right: str) -> str:
    return right


def weak(question: str, right: str) -> str:
    """Take left for right, and more than four for four."""
    crowd = question.startswith(COUNTS) and right.isdigit() and int(right) > 4
    return "4" if crowd else SWAPPED.get(right, right)


@dataclass
class Model:
    """Sees the scene and answers by `answers`, but says "nothing" to a share of all questions; counts its calls."""

    id: str
    family: str
    answers: Callable[[str, str], str] = able
    mistakes: float = 0.0
    calls: int = 0

    def answer(self, images: Sequence[Image], questions: Sequence[str]) -> list[str | None]:
        self.calls += 1
        return [self._one(image, question) for image, question in zip(images, questions, strict=True)]

    def _one(self, image: Image, question: str) -> str:
        drawn = random.Random(f"{self.id} {image_sha(image)} {question}").random() if self.mistakes else 1.0
        return "nothing" if drawn < self.mistakes else self.answers(question, truth(image, question))


@dataclass
class Author:
    """Draws a text that fits the picture, mostly a question that the target answers badly; counts its calls."""

    id: str = "own-author"
    tag: str = "<{}>"
    calls: int = 0

    def write(
        self,
        images: Sequence[Image],
        actions: Sequence[Action],
        questions: Sequence[str],
        themes: Sequence[str | None],
        seeds: Sequence[int],
    ) -> list[str]:
        self.calls += 1
        rows = zip(images, actions, seeds, strict=True)
        return [
            f"{self.tag.format(action)} {text_for(image, action, random.Random(seed))}" for image, action, seed in rows
        ]


def text_for(image: Image, action: Action, rng: random.Random) -> str:
    scene = read(image)
    assert isinstance(scene, Scene)
    if action == "caption":
        return describe(sample_scene(rng, unseen=True))
    if action == "edit":
        return sample_edit(scene, rng)
    found = sample_question(scene, rng, rng.choice((*WANTED, None))) or sample_question(scene, rng)
    return found[0] if found else "how many shapes are there?"


@cache
def pool(licence: str = LICENCE) -> tuple[PoolItem, ...]:
    return tuple(
        PoolItem(f"own#{number}", image, caption, question, licence=licence)
        for number, (image, caption, question) in enumerate(pictures(POOL, 0))
    )


@cache
def embedder() -> Embedder:
    return load_embedder()


def references() -> list[Model]:
    return [Model(f"own-{family}", family, mistakes=0.02) for family in ("owl", "hawk", "lynx")]


@dataclass
class Objects:
    """All objects of an audit; `audit` runs it in a folder, `calls` counts how often any model was asked."""

    target: Model = field(default_factory=lambda: Model("own-target", "mole", weak))
    references: list[Model] = field(default_factory=references)
    holdout: Model = field(default_factory=lambda: Model("own-holdout", "kite", mistakes=0.02))
    auditor: Author = field(default_factory=Author)

    def audit(self, out: Path | str, **settings: Any) -> Run:  # noqa: ANN401 - what `audit` takes
        own = {
            "target": self.target, "references": self.references, "holdout": self.holdout, "auditor": self.auditor,
            "pool": pool(), "editor": PlaygroundEditor(), "generator": PlaygroundGenerator(), "embedder": embedder(),
            "pool_size": POOL, "probes": PROBES, "out": str(out),
        }  # fmt: skip
        return audit(**{**own, **settings})

    @property
    def calls(self) -> int:
        return sum(each.calls for each in (self.target, *self.references, self.holdout, self.auditor))


def files(path: Path) -> dict[str, bytes]:
    """Return the bytes of every file of a run, by name."""
    return {
        file.relative_to(path).as_posix(): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()
    }  # fmt: skip


def tables(path: Path) -> dict[str, bytes]:
    """Return the bytes of what must not depend on the clock: tables, images, pool, types."""
    lasting = (".parquet", ".png", "pool.json", "types.json", "curation.yaml")
    return {name: content for name, content in files(path).items() if name.endswith(lasting)}


def timeless(run: Run) -> dict[str, Any]:
    """Return the results without what the clock says."""
    return {key: value for key, value in run.results().items() if key not in ("seconds", "date")}


def trials(run: Run, arm: str) -> list[Judged]:
    return read_trials(run.path / "exchanges" / arm)


def interrupting(stage: str, done: int) -> Watcher:
    """Return a watcher that behaves like Ctrl-C when the stage has come so far."""

    def begin(name: str) -> Callable[[int, int], None]:
        def progress(so_far: int, total: int) -> None:
            if name == stage and so_far >= done:
                raise KeyboardInterrupt

        return progress

    return Watcher(lambda line: None, begin)
