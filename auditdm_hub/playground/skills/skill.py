"""A skill: the wordings of a question, and an executor that answers it from the scene graph."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from auditdm_hub.playground.world import COLORS, CORNERS, PATTERNS, PLURALS, SHAPES, SIZES, Scene, Thing

Slots = Mapping[str, str]
Executor = Callable[[Scene, Slots], str | None]

_COLOR, _SHAPE, _SIZE, _PATTERN = ("|".join(words) for words in (COLORS, SHAPES, SIZES, PATTERNS))
SLOT_PATTERNS = {
    "color": _COLOR,
    "other": _COLOR,
    "shape": _SHAPE,
    "plural": "|".join(PLURALS.values()),
    "corner": "|".join(CORNERS),
    "side": "left of|right of|above|below",
    # noun phrases: each leaves out the attribute that its question asks for
    "colorless": f"(?:(?:{_SIZE}|{_PATTERN}) )?(?:{_SHAPE})",
    "shapeless": f"(?:(?:{_SIZE}|{_PATTERN}) )?(?:{_COLOR})",
    "sizeless": f"(?:(?:{_PATTERN}) )?(?:{_COLOR}) (?:{_SHAPE})",
    "patternless": f"(?:(?:{_SIZE}) )?(?:{_COLOR}) (?:{_SHAPE})",
    "one": f"(?:{_COLOR}) (?:{_SHAPE})",
    "two": f"(?:{_COLOR}) (?:{_SHAPE})",
}


@dataclass(frozen=True, slots=True)
class Skill:
    """A kind of question.

    `wordings` hold slots of `SLOT_PATTERNS` in braces. `execute` returns the answer, or None where what the question
    presupposes is not so in the scene ("what color is the star?" without a star, or with two).
    """

    name: str
    wordings: tuple[str, ...]
    execute: Executor

    def patterns(self) -> list[re.Pattern[str]]:
        """Return one regular expression per wording, with a named group per slot."""
        return [
            re.compile(re.sub(r"\\\{(\w+)\\\}", lambda m: f"(?P<{m[1]}>{SLOT_PATTERNS[m[1]]})", re.escape(wording)))
            for wording in self.wordings
        ]


def described(scene: Scene, phrase: str) -> list[tuple[int, Thing]]:
    """Return (cell, shape) of the shapes that a noun phrase such as "large red circle" describes."""
    words = phrase.split()
    attributes = {}
    for name, values in (("color", COLORS), ("shape", SHAPES), ("size", SIZES), ("pattern", PATTERNS)):
        attributes[name] = next((word for word in words if word in values), "")
    return scene.shapes(**attributes)


def only(scene: Scene, phrase: str) -> tuple[int, Thing] | None:
    """Return the one shape that a phrase describes; None if there is none, or more than one."""
    found = described(scene, phrase)
    return found[0] if len(found) == 1 else None
