"""What the auditor is supervised on before any reinforcement: random valid questions, captions and edits.

This is the prompt-only baseline of the playground, as an instruction-tuned VLM is in the paper: it writes well-formed
probes that mostly keep the premise of the question that they are for, and knows nothing of any target.

Like such a VLM it also follows a wish ("ask about hour clock answer 8"): words that the question is to hold and the
answer that it is to have; of a caption or an edit, the answer that its question is to get. A wish is taken from the
example itself in hindsight. It does not learn to pass: an auditor
taught to write "pass" where a picture does not admit a wish did so on half of all pictures, whatever they showed. It
knows better when it answers its own question, which it goes on learning in every second batch (`lessons.py`).
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from auditdm_hub.playground.language import compose, describe, edit
from auditdm_hub.playground.sample import sample_edit, sample_question, sample_scene
from auditdm_hub.playground.skills import solve
from auditdm_hub.playground.skills.questions import FALSE_PREMISE
from auditdm_hub.playground.world import SIDE, Scene

TRIES = 15
CAPTION_THINGS = 4
CAPTIONS = 10_000
KEEPS_PREMISE = 0.85
ALIKE, MOST_ALIKE = 0.35, 12  # share of captions with a crowd of one shape, and how many at most
EDITS = 80  # edits that are drawn until one changes the answer
ACTIONS = ("question", "question", "caption", "edit", "edit")
WISHED = 0.6  # share of the texts that are written after a wish
NAMES_ANSWER = 0.7
KINDS = ("question", "caption", "edit")


@dataclass(frozen=True, slots=True)
class Writing:
    """One supervised example: the prompt's words, what to write, and of which of the `KINDS` that is."""

    prompt: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Wish:
    """Words that a question is to hold, and its answer ("" = any)."""

    words: tuple[str, ...]
    answer: str

    def __str__(self) -> str:
        return " ".join(("about", *self.words, *(("answer", self.answer) if self.answer else ())))


def _words(question: str) -> list[str]:
    return re.findall(r"\w+", question)


def wish_for(question: str, answer: str, rng: random.Random) -> Wish:
    """Draw a wish that a question with its answer meets: some of its words, in their order, and mostly the answer."""
    share = rng.uniform(0.1, 0.9)
    kept = tuple(word for word in _words(question) if rng.random() < share)
    named = answer if rng.random() < NAMES_ANSWER else ""
    return Wish(kept if kept or named else (rng.choice(_words(question)),), named)


def _truth(scene: Scene | None, question: str) -> str | None:
    """Return the answer to a question with a true premise."""
    truth = solve(scene, question) if scene else None
    return truth.answer if truth is not None and truth.skill != FALSE_PREMISE else None


def _pictured(rng: random.Random) -> Scene:
    """Draw what a caption describes: some things, at times one of them often."""
    scene = sample_scene(rng, unseen=False)
    held = [cell for cell, thing in enumerate(scene.cells) if thing is not None]
    keep = set(rng.sample(held, min(len(held), rng.randint(1, CAPTION_THINGS))))
    cells = [thing if cell in keep else None for cell, thing in enumerate(scene.cells)]
    shapes = [thing for thing in cells if thing is not None and thing.kind == "shape"]
    if shapes and rng.random() < ALIKE:
        free = [cell for cell in range(SIDE**2) if cells[cell] is None]
        again = rng.choice(shapes)
        for cell in rng.sample(free, min(len(free), rng.randint(1, MOST_ALIKE))):
            cells[cell] = again
    return replace(scene, cells=tuple(cells))


@cache
def _captions() -> tuple[tuple[str, Scene | None, Scene | None], ...]:
    """Return captions, each with two drawings of it."""
    rng = random.Random("playground captions")
    texts = [describe(_pictured(rng)) for _ in range(CAPTIONS)]
    return tuple((text, compose(text, 0), compose(text, 1)) for text in texts)


def _caption(rng: random.Random, question: str, strict: bool) -> tuple[str, str | None]:
    """Draw a caption, and the answer that the question has on what is drawn of it.

    An answer that hangs on where things were put is none that a caption can aim at.
    """
    caption, answer = "", None
    for _ in range(TRIES * 4):
        caption, *drawings = rng.choice(_captions())
        answers = {_truth(drawing, question) for drawing in drawings}
        answer = answers.pop() if len(answers) == 1 else None
        if answer is not None or not strict:
            break
    return caption, answer


def _edit(rng: random.Random, scene: Scene, question: str, strict: bool) -> tuple[str, str | None]:
    """Draw an edit, and the answer after it; if `strict`, one that changes the answer, where one is found."""
    if strict:
        before = _truth(scene, question)
        for _ in range(EDITS):
            instruction = sample_edit(scene, rng)
            answer = _truth(edit(scene, instruction), question)
            if answer not in (None, before):
                return instruction, answer
    return sample_edit(scene, rng), None


def _asked(scene: Scene, rng: random.Random) -> Writing:
    """Return a question, free or after a wish that it meets."""
    question, answer = sample_question(scene, rng) or ("what color is the background?", scene.background)
    wish = f" {wish_for(question, answer, rng)}" if rng.random() < WISHED else ""
    return Writing(f"ask{wish}", f"<question> {question}", "question")


def _changed(scene: Scene, rng: random.Random, action: str) -> Writing:
    """Return a caption or an edit for a question, mostly after a wish for its answer."""
    question, _ = sample_question(scene, rng) or ("what color is the background?", scene.background)
    wished = rng.random() < WISHED
    strict = wished or rng.random() < KEEPS_PREMISE
    text, after = _caption(rng, question, strict) if action == "caption" else _edit(rng, scene, question, strict)
    wish = f" about answer {after}" if wished and after is not None else ""
    return Writing(f"{'draw' if action == 'caption' else 'edit'}{wish} for {question}", f"<{action}> {text}", action)


def writings(scene: Scene, rng: random.Random, count: int) -> Iterator[Writing]:
    """Yield `count` examples of what an auditor may write on a scene: mostly questions, the rest captions and edits."""
    for _ in range(count):
        action = rng.choice(ACTIONS)
        if action == "question":
            yield _asked(scene, rng)
        else:
            yield _changed(scene, rng, action)
