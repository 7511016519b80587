"""Where a target that was repaired a first time departs from what it was: asked of both, alone.

A repair changes answers to questions that it was never shown: it mends, and it breaks. A question whose answer it does
not change has nothing to teach. So the questions of many images are asked of the target and of its first repair, the
draft; where their answers differ the references are asked, too. What the draft broke is replayed, what it mended is one
lesson more. This is query by committee (Seung, Opper and Sompolinsky, 1992) with a committee of two.

    FOLDER/before/   answers of the target
           after/    answers of the draft
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from auditdm_hub.auditing.auditors import PoolQuestions
from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.auditing.parse import parse
from auditdm_hub.auditing.pool import PoolItem
from auditdm_hub.evaluating.asking import ask_items, read_answers
from auditdm_hub.evaluating.items import Answered, Item
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.records import Seed
from auditdm_hub.workflows.more_images import MoreImages

SIDES = BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Questions about images that may be trained on: the one beside each, or one about another where there is none.

    `known` is what was asked before, as (image, question); `count`: how many questions, fewer if there are not so many.
    `folder`: where answers are kept; those that are there are not asked for again.
    """

    about: MoreImages
    near: PoolQuestions
    known: frozenset[tuple[str, str]]
    count: int
    folder: Path

    def ask(self, target: ModelSpec, draft: Path, report: Callable[[str], Callable[[int, int], None]]) -> None:
        """Ask the target, and the target with the adapter `draft`; `report` gives what is told (done, in all)."""
        wanted = list(self._asked())
        for side, adapter in ((BEFORE, None), (AFTER, str(draft))):
            folder, progress = self.folder / side, report(side)
            folder.mkdir(parents=True, exist_ok=True)
            items = (Item(seed.id, self.about.store.get(seed.image_sha), asked, "", seed.image_sha)
                     for seed, asked in wanted)  # fmt: skip
            ask_items(
                target.load(adapter), items, folder,
                lambda done, tell=progress: tell(min(done, len(wanted)), len(wanted)),  # type: ignore[misc]
            )  # fmt: skip

    def departing(self) -> frozenset[str]:
        """Return the ids of the seeds to whose questions the two gave different answers."""
        before, after = (read_answers(self.folder / side) for side in SIDES)
        return frozenset(one.id for one, two in zip(before, after, strict=True) if _differ(one, two))

    def items(self) -> Iterator[PoolItem]:
        """Yield the images to whose questions the two gave different answers, with what was asked."""
        chosen = self.departing()
        for seed, asked in self._asked():
            if seed.id in chosen:
                answer = seed.answer if seed.question else ""
                image = self.about.store.get(seed.image_sha)
                yield PoolItem(seed.source, image, seed.caption, asked, answer, seed.licence)

    def _asked(self) -> Iterator[tuple[Seed, str]]:
        return islice(self._admitted(), self.count)

    def _admitted(self) -> Iterator[tuple[Seed, str]]:
        """Yield what an audit can ask, in its words: of some questions it would say that they are several, or none."""
        for seed in self.about.seeds:
            read = parse(f"<question> {self.near.fitting(seed.question, seed.id)}", "question", seed.question)
            if not read.fault and (seed.image_sha, read.question) not in self.known:
                yield seed, read.question


def _differ(one: Answered, two: Answered) -> bool:
    """Whether both answered, each something else."""
    return one.answer is not None and two.answer is not None and normalise(one.answer) != normalise(two.answer)
