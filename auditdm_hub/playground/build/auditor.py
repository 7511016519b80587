"""What the auditor is supervised on before any reinforcement: random valid questions, captions and edits.

This is the prompt-only baseline of the playground, as an instruction-tuned VLM is in the paper: it writes well-formed
probes that mostly keep the premise of the question that they are for, and knows nothing of any target.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from auditdm_hub.playground.language import compose, describe, edit
from auditdm_hub.playground.sample import sample_edit, sample_question, sample_scene
from auditdm_hub.playground.skills import solve
from auditdm_hub.playground.skills.questions import FALSE_PREMISE
from auditdm_hub.playground.world import Scene

TRIES = 15
CAPTION_THINGS = 4
KEEPS_PREMISE = 0.85


@dataclass(frozen=True, slots=True)
class Writing:
    """One supervised example: the prompt's words and the tagged line to write."""

    prompt: str
    text: str


def _admits(scene: Scene | None, question: str) -> bool:
    truth = solve(scene, question) if scene else None
    return truth is not None and truth.skill != FALSE_PREMISE


def _caption(rng: random.Random, question: str) -> str:
    strict = rng.random() < KEEPS_PREMISE
    caption = ""
    for _ in range(TRIES * 4):
        scene = sample_scene(rng, unseen=False)
        held = [cell for cell, thing in enumerate(scene.cells) if thing is not None]
        keep = set(rng.sample(held, min(len(held), rng.randint(1, CAPTION_THINGS))))
        scene = replace(scene, cells=tuple(t if cell in keep else None for cell, t in enumerate(scene.cells)))
        caption = describe(scene)
        if not strict or _admits(compose(caption, 0), question):
            break
    return caption


def _edit(rng: random.Random, scene: Scene, question: str) -> str:
    strict = rng.random() < KEEPS_PREMISE
    instruction = ""
    for _ in range(TRIES):
        instruction = sample_edit(scene, rng)
        if not strict or _admits(edit(scene, instruction), question):
            break
    return instruction


def writings(scene: Scene, rng: random.Random, count: int) -> Iterator[Writing]:
    """Yield `count` examples of what an auditor may write on a scene: half questions, the rest captions and edits."""
    for _ in range(count):
        question, _ = sample_question(scene, rng) or ("what color is the background?", "")
        match rng.choice(("question", "question", "caption", "edit")):
            case "question":
                yield Writing("ask", f"<question> {question}")
            case "caption":
                yield Writing(f"draw for {question}", f"<caption> {_caption(rng, question)}")
            case "edit":
                yield Writing(f"edit for {question}", f"<edit> {_edit(rng, scene, question)}")
