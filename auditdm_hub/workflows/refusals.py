"""What the target refuses to answer, and shall go on refusing: asked of the target alone.

A repair teaches it to answer, and so to answer what cannot be answered. What shows that are questions that nearly fit:
the question beside an image with one word changed, and questions from elsewhere, plain and changed. They need no
consensus: a target that refuses one of them is seldom wrong, and is asked for no more than to stay as it is. What it
answers is left alone.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from auditdm_hub.auditing.auditors import PoolQuestions
from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.evaluating.asking import ask_items, read_answers
from auditdm_hub.evaluating.items import Item
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.records import UNANSWERABLE, Seed
from auditdm_hub.rectifying.examples import REPLAY, Example
from auditdm_hub.workflows.more_images import MoreImages

PER_IMAGE = 3


def ask_near_misses(
    target: ModelSpec, about: MoreImages, near: PoolQuestions, count: int, folder: Path,
    progress: Callable[[int, int], None],
) -> None:  # fmt: skip
    """Ask the target so many questions that nearly fit an image that may be trained on.

    Args:
        target: the model that is repaired.
        about: what is asked about, up to `PER_IMAGE` questions each.
        near: writes the questions.
        count: how many; fewer if there are not so many images.
        folder: where its answers are kept; those that are there are not asked for again.
        progress: is told (done, in all).
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = list(_near_misses(about.seeds, near, count))
    items = (Item(f"{sha}/{number}", about.store.get(sha), question, UNANSWERABLE, sha)
             for number, (sha, question) in enumerate(wanted))  # fmt: skip
    ask_items(target.load(), items, folder, lambda done: progress(min(done, len(wanted)), len(wanted)))


def refused(folder: Path) -> Iterator[Example]:
    """Yield what the target refused, in its own words."""
    for row in read_answers(folder):
        if row.answer is not None and normalise(row.answer) == UNANSWERABLE:
            yield Example(row.group, row.question, row.answer, REPLAY, row.group)


def _near_misses(seeds: Iterable[Seed], near: PoolQuestions, count: int) -> Iterator[tuple[str, str]]:
    left = count
    for seed in seeds:
        rng = random.Random(f"near {seed.id}")
        for question in near.near_misses(seed.question, PER_IMAGE, rng)[:left]:
            yield seed.image_sha, question
            left -= 1
        if not left:
            return
