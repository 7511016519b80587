"""The arms of an audit: the trained auditor beside two baselines that get the same images and the same budget.

- prompt-only: the same base model, prompts, sampling and seeds without the adapter (the paper's baseline, 21.4%);
- random: texts drawn from a list without a look at the image. What it finds is what any question would find.
"""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL.Image import Image

from auditdm_hub.auditing.novelty import frame
from auditdm_hub.auditing.probe import ImageTools
from auditdm_hub.errors import FAULTS
from auditdm_hub.protocols import Auditor, VisionLanguageModel
from auditdm_hub.records import Action, Probe, content_id

ArmName = Literal["prompt_only", "random", "trained"]


@dataclass(frozen=True, slots=True)
class Arm:
    """An auditor and the part that it plays in the comparison."""

    name: ArmName
    auditor: Auditor
    answerer: VisionLanguageModel | None = None
    """The auditor as a model that answers, for a look at its own questions before they are asked; None = no look."""

    @property
    def description(self) -> str:
        """What a reader of the report must know of this arm."""
        return {
            "prompt_only": "the auditor's base model with the same prompts, untrained",
            "random": "questions, captions and edits drawn at random, without a look at the image",
            "trained": "the auditor after training",
        }[self.name]


def own_answers(arm: Arm, probes: Sequence[Probe], tools: ImageTools) -> list[str | None]:
    """Return what an auditor itself answers to probes; None for one that cannot be asked."""
    asked = [probe for probe in probes if not probe.fault]
    if not asked or arm.answerer is None:
        return [None] * len(probes)
    images = [tools.images.get(probe.image_sha) for probe in asked]
    try:
        answers = iter(arm.answerer.answer(images, [probe.question for probe in asked]))
    except FAULTS:  # not certain of anything
        return [None] * len(probes)
    return [None if probe.fault else next(answers) for probe in probes]


class RandomAuditor:
    """Draws texts at random, and tags them as the parser wants."""

    def __init__(self, texts: Mapping[Action, Sequence[str]]) -> None:
        """Take the texts to draw from, untagged, by action.

        Raises:
            ValueError: an action has an empty list.
        """
        for action, choices in texts.items():
            if not choices:
                raise ValueError(f"texts[{action!r}] must hold at least one text, got none")
        self._texts = {action: tuple(choices) for action, choices in texts.items()}
        self.id = f"random@{content_id(sorted(self._texts.items()), length=8)}"

    def write(
        self,
        images: Sequence[Image],
        actions: Sequence[Action],
        questions: Sequence[str],
        themes: Sequence[str | None],
        seeds: Sequence[int],
    ) -> list[str]:
        """Write one text per image; it depends on the action and the seed alone.

        Raises:
            ValueError: there are no texts for an action.
        """
        return [self._draw(action, seed) for action, seed in zip(actions, seeds, strict=True)]

    def _draw(self, action: Action, seed: int) -> str:
        choices = self._texts.get(action)
        if choices is None:
            raise ValueError(f"the random auditor has no texts for {action!r}, only for {', '.join(self._texts)}")
        return f"<{action}> {random.Random(seed).choice(choices)}"


class OwnQuestions:
    """Asks each image the question that stands beside it."""

    id = "own-questions"

    def write(
        self,
        images: Sequence[Image],
        actions: Sequence[Action],
        questions: Sequence[str],
        themes: Sequence[str | None],
        seeds: Sequence[int],
    ) -> list[str]:
        """Return one question per image; it depends on the image's own question and the seed alone."""
        return [f"<question> {self._pick(own, seed)}" for own, seed in zip(questions, seeds, strict=True)]

    def _pick(self, own: str, seed: int) -> str:
        del seed
        return own


class PoolQuestions(OwnQuestions):
    """Asks each image the question that stands beside it in the pool, or one that it may not admit.

    One image of three is asked a question about another image, and one of three its own with one word changed for
    another that stands there elsewhere: "what color is the large circle?" where there is a small one. It writes nothing
    of its own: what it brings is what a model is asked in use, questions that do not fit included.
    """

    OWN, ELSEWHERE, CHANGED = 0, 1, 2

    def __init__(self, others: Sequence[str]) -> None:
        """Take questions about other images.

        Each kind of question is as likely as another, however many wordings of it there are.

        Raises:
            ValueError: there are none.
        """
        if not others:
            raise ValueError("others must hold at least one question, got none")
        kinds: dict[str, list[str]] = {}
        self._alike: dict[tuple[str, int], list[list[str]]] = {}
        for question in others:
            kinds.setdefault(frame(question), []).append(question)
            self._alike.setdefault(_shape(question), []).append(question.split())
        self._others = list(kinds.values())
        self.id = f"pool-questions@{content_id(list(others), length=8)}"

    def _pick(self, own: str, seed: int) -> str:
        rng = random.Random(seed)
        way = rng.randrange(3) if own else self.ELSEWHERE
        if way == self.ELSEWHERE:
            return rng.choice(rng.choice(self._others))
        return self._changed(own, rng) if way == self.CHANGED else own

    def fitting(self, own: str, name: str) -> str:
        """Return the question that stands beside an image, or one about another where none does; `name` is its id."""
        rng = random.Random(f"fitting {name}")
        return own or rng.choice(rng.choice(self._others))

    def near_misses(self, own: str, most: int, rng: random.Random) -> list[str]:
        """Return up to `most` different questions that an image with the question `own` may nearly admit.

        One is its own with a word changed; the others are about other images: as they are, with a word changed, or with
        one thing in the place of two ("is the red star left or right of the red star?").
        """
        found = [self._changed(own, rng)] if own else []
        while len(found) < most:
            other = rng.choice(rng.choice(self._others))
            found.append(rng.choice((other, self._changed(other, rng), _with_one_thing(other, rng))))
        return [question for question in dict.fromkeys(found) if question != own]

    def _changed(self, own: str, rng: random.Random) -> str:
        """Return the question with one word as another of its kind and length has it; itself if there is none."""
        words = own.split()
        pairs = [
            (place, other[place])
            for other in self._alike.get(_shape(own), [])
            for place in range(len(words))
            if other[place] != words[place] and frame(other[place]) == frame(words[place]) == CONTENT
        ]
        if not pairs:
            return own
        place, word = rng.choice(pairs)
        return " ".join([*words[:place], word, *words[place + 1 :]])


CONTENT = frame("content")
"""What the frame of a word of content is."""


def _with_one_thing(question: str, rng: random.Random) -> str:
    """Return the question with one of the things in it named in the place of another; itself if it names one only."""
    spans = list[tuple[int, int]]()
    for word in re.finditer(r"\w+", question):
        if frame(word.group()) != CONTENT:
            continue
        begun, end = spans[-1] if spans else (0, -1)
        if end >= 0 and question[end : word.start()].isspace():
            spans[-1] = begun, word.end()
        else:
            spans.append(word.span())
    if len(spans) < 2:
        return question
    kept, (start, end) = rng.sample(spans, 2)
    return f"{question[:start]}{question[slice(*kept)]}{question[end:]}"


def _shape(question: str) -> tuple[str, int]:
    """Return what questions share in which a word can be changed for another: their frame and length."""
    return frame(question), len(question.split())
