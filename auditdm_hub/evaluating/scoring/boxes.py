"""Boxes in answers: as numbers in brackets, or as PaliGemma's location tokens; how far two of them overlap."""

import re
from dataclasses import dataclass
from typing import Self

NUMBER = r"(-?\d+(?:\.\d+)?)"
BRACKETS = re.compile(rf"\[\s*{NUMBER}\s*,\s*{NUMBER}\s*,\s*{NUMBER}\s*,\s*{NUMBER}\s*\]")
TOKENS = re.compile(r"<loc(\d{4})>" * 4)
BINS = 1024
"""Positions that a location token can have on each side (arXiv:2407.07726, 3.2.3)."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box by its left, top, right and bottom edge, as shares of the image's width and height."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def in_answer(cls, text: str) -> Self | None:
        """Return the first box that an answer names; None if it names none.

        `[left, top, right, bottom]` with numbers from 0 to 1, or four tokens `<locNNNN>` for top, left, bottom, right.
        """
        if found := BRACKETS.search(text):
            return cls(*(float(each) for each in found.groups()))
        if found := TOKENS.search(text):
            top, left, bottom, right = (int(each) / (BINS - 1) for each in found.groups())
            return cls(left, top, right, bottom)
        return None

    @property
    def area(self) -> float:
        """The area, as a share of the image's; of a box whose edges are swapped it is 0."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over the union of two boxes, in [0, 1]; 0 where both are empty."""
    shared = Box(
        max(one.left, other.left),
        max(one.top, other.top),
        min(one.right, other.right),
        min(one.bottom, other.bottom),
    ).area
    union = one.area + other.area - shared
    return shared / union if union else 0.0


def hit(answer: str, wanted: Box, threshold: float = 0.5) -> float:
    """Return 1 if the box in an answer overlaps with the wanted one by at least a threshold (RefCOCO's accuracy)."""
    said = Box.in_answer(answer)
    return float(said is not None and overlap(said, wanted) >= threshold)
