"""Items of a benchmark: a question about an image, what the metric compares an answer with, and what was answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL.Image import Image

Wanted = str | Sequence[str] | Sequence[float] | Mapping[str, str]
"""What a metric compares with; it goes into tables as JSON."""


@dataclass(frozen=True, slots=True)
class Item:
    """A question of a benchmark.

    `question` is the whole text that a model gets. `group` names items that are scored or drawn together ("" = each
    for itself), `part` a subset for the breakdown.
    """

    id: str
    image: Image
    question: str
    wanted: Wanted
    group: str = ""
    part: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """An item after it was asked. `answer` is None where none was got: a fault, never a wrong answer."""

    id: str
    question: str
    wanted: Wanted
    answer: str | None
    group: str = ""
    part: str = ""
