"""The suite of the playground: fresh questions of each of its skills, with the truth from the scene.

Scenes are of the kind that no model of the playground was trained on; an answer is right if it is the executor's. The
same seed gives the same items, so two models meet the same questions.
"""

import random
from collections.abc import Iterator

from auditdm_hub.auditing.normalise import normalise
from auditdm_hub.evaluating.benchmark import Ask, Benchmark, Row, each, texts
from auditdm_hub.evaluating.items import Item
from auditdm_hub.playground.draw import draw
from auditdm_hub.playground.sample import STYLES, sample_scene, sample_wording
from auditdm_hub.playground.skills import SKILLS, solve
from auditdm_hub.playground.skills.questions import ASKED, CROWDED, FALSE_PREMISE
from auditdm_hub.playground.world import Scene

NAME = "playground"
TRIES = 500
"""Scenes that are drawn for a skill before it counts as one that scenes do not admit."""


def _none(row: Row, ask: Ask) -> Iterator[Item]:
    del row, ask
    return iter(())


PLAYGROUND = Benchmark(
    NAME, NAME, "unseen", "accuracy against the executor, by skill", (), _none,
    each(lambda answer, wanted: float(normalise(answer) == normalise(texts(wanted)[0]))), prompt="{question}",
    prefix="{question}", max_new_tokens=8,
)  # fmt: skip


def playground_items(each_skill: int, seed: int = 0) -> Iterator[Item]:
    """Yield so many questions of every skill, in the order of the skills.

    Args:
        each_skill: questions of a skill.
        seed: of scenes and questions.
    """
    for skill in SKILLS:
        rng = random.Random(f"suite {seed} {skill}")
        made = 0
        while made < each_skill:
            scene, question, answer = _question(skill, rng)
            name = f"{skill}/{made}"
            yield Item(name, draw(scene), question, answer, part=skill)
            made += 1


def _question(skill: str, rng: random.Random) -> tuple[Scene, str, str]:
    """Draw a scene and a question of a skill; crowds and false premises are skills of their own."""
    asked = [one for one in ASKED if skill in (one.name, FALSE_PREMISE)]
    asked = asked or [one for one in ASKED if one.name == "count all"]
    for _ in range(TRIES):
        scene = sample_scene(rng, unseen=True, style="crowded" if skill == CROWDED else rng.choice(STYLES))
        question, _ = sample_wording(scene, rng.choice(asked), rng)
        truth = solve(scene, question)
        if truth is not None and truth.skill == skill:
            return scene, question, truth.answer
    raise RuntimeError(f"{TRIES} scenes admit no question of the skill {skill!r}")
