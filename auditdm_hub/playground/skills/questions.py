"""Reads a question of the playground's language and answers it from the scene.

Every well-formed question has an answer: where its premise is false (there is no such thing, or more than one) the
answer is "unanswerable" and the skill "false premise". Counting more than six shapes is a skill of its own,
"count crowded": crowds are hard in another way than small numbers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from auditdm_hub.playground.skills import attributes, counting, reading, relations
from auditdm_hub.playground.skills.skill import SLOT_PATTERNS, Skill, Slots
from auditdm_hub.playground.world import Scene
from auditdm_hub.records import UNANSWERABLE

ASKED: tuple[Skill, ...] = (*attributes.SKILLS, *counting.SKILLS, *relations.SKILLS, *reading.SKILLS)
FALSE_PREMISE, CROWDED = "false premise", "count crowded"
SKILLS: tuple[str, ...] = (*(skill.name for skill in ASKED), CROWDED, FALSE_PREMISE)
CROWD = 6


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with its truth: the skill that it needs and the right answer."""

    skill: str
    answer: str
    slots: tuple[tuple[str, str], ...]


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Skill], ...]:
    return tuple((pattern, skill) for skill in ASKED for pattern in skill.patterns())


@lru_cache(maxsize=65536)
def parse_question(question: str) -> tuple[Skill, Slots] | None:
    """Return the skill and the slots of a question, or None if it is not of the playground's language."""
    for pattern, skill in _patterns():
        found = pattern.fullmatch(question)
        if found:
            return skill, found.groupdict()
    return None


def solve(scene: Scene, question: str) -> Answered | None:
    """Answer a question from the scene; None if it is not of the playground's language."""
    parsed = parse_question(question)
    if parsed is None:
        return None
    skill, slots = parsed
    answer = skill.execute(scene, slots)
    held = tuple(sorted(slots.items()))
    if answer is None:
        return Answered(FALSE_PREMISE, UNANSWERABLE, held)
    if skill.name == "count all" and int(answer) > CROWD:
        return Answered(CROWDED, answer, held)
    return Answered(skill.name, answer, held)


def question_words() -> Iterator[str]:
    """Yield every wording and every slot value, for a tokenizer's vocabulary."""
    for skill in ASKED:
        for wording in skill.wordings:
            yield re.sub(r"\{\w+\}", " ", wording)
    for pattern in SLOT_PATTERNS.values():
        yield re.sub(r"[^a-z ]+", " ", pattern)
