"""Teaches noun phrases what they refer to, while the model learns to answer.

At the last word of "the small red circle" the hidden state after the second layer of the decoder is to tell how many
things the phrase fits and, of a single one, its look, its place and the colours beside it. Linear heads read it and are
thrown away after training. Most questions need this look-up and few words say whether it was right: without the heads
the relations ("left or right", "neighbour") stay at chance for thousands of steps.
"""

import re
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from auditdm_hub.playground.skills import parse_question
from auditdm_hub.playground.skills.skill import described
from auditdm_hub.playground.world import COLORS, PATTERNS, SHAPES, SIDE, SINGULARS, SIZES, Scene, Thing, column, row

LAYER = 2
NAMED = ("colorless", "shapeless", "sizeless", "patternless", "one", "two")
MOST = 6
BESIDE = ((0, -1), (0, 1), (-1, 0), (1, 0))  # steps (down, right) to the left, right, above, below
CLASSES = (MOST + 1, len(COLORS), len(SHAPES), len(SIZES), len(PATTERNS), SIDE, SIDE, *(len(COLORS) + 1,) * 4)
UNKNOWN = -100
WORD = re.compile(r"[a-z0-9]+|[?.,]")
Mention = tuple[int, tuple[int, ...]]
"""Place of a phrase's last word among the tokens of its question, and a class for each of `CLASSES`."""


def mentions(scene: Scene, question: str) -> Iterator[Mention]:
    """Yield the noun phrases of a question."""
    parsed = parse_question(question)
    if parsed is None:
        return
    slots = parsed[1]
    phrases = [(slots[name], slots[name]) for name in NAMED if name in slots]
    noun = slots.get("shape") or slots.get("plural")
    if noun and "color" in slots:
        phrases.append((noun, f"{slots['color']} {SINGULARS.get(noun, noun)}"))
    elif noun:
        phrases.append((noun, SINGULARS.get(noun, noun)))
    elif parsed[0].name in ("count color", "more than"):
        phrases += [(slots[name], slots[name]) for name in ("color", "other") if name in slots]
    for words, meaning in phrases:
        end = question.rfind(words) + len(words)
        yield len(WORD.findall(question[:end])) - 1, _classes(scene, described(scene, meaning))


def _classes(scene: Scene, found: list[tuple[int, Thing]]) -> tuple[int, ...]:
    count = min(MOST, len(found))
    if len(found) != 1:
        return (count, *(UNKNOWN,) * (len(CLASSES) - 1))
    cell, thing = found[0]
    look = (COLORS.index(thing.color), SHAPES.index(thing.shape), SIZES.index(thing.size),
            PATTERNS.index(thing.pattern))  # fmt: skip
    beside = (_color_at(scene, row(cell) + down, column(cell) + right) for down, right in BESIDE)
    return (count, *look, row(cell), column(cell), *beside)


def _color_at(scene: Scene, down: int, right: int) -> int:
    """Return 0 where there is no shape, else 1 + the number of its colour."""
    inside = 0 <= down < SIDE and 0 <= right < SIDE
    thing = scene.cells[down * SIDE + right] if inside else None
    return 1 + COLORS.index(thing.color) if thing is not None and thing.kind == "shape" else 0


class Heads(nn.Module):
    """Linear heads over the hidden state of a mention; lost after training."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.read = nn.Linear(hidden, sum(CLASSES))

    def forward(self, states: torch.Tensor, found: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy over all heads, in nats.

        Args:
            states: (B, T, hidden)
            found: (M, 2 + heads): row, position, and the class of each head.
        """
        if not len(found):
            return states.new_zeros(())
        logits = self.read(states[found[:, 0], found[:, 1]]).split(CLASSES, dim=1)
        losses = [
            functional.cross_entropy(part, found[:, 2 + head], ignore_index=UNKNOWN, reduction="sum")
            for head, part in enumerate(logits)
        ]
        return torch.stack(losses).sum() / (found[:, 2:] != UNKNOWN).sum()


def beside_classes(numbers: NDArray[np.int64], colors: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield, for each of the four sides, the class of the colour beside every cell.

    Args:
        numbers: tiles of pictures.  # (B, 16)
        colors: class of each tile: 0 = no shape, else 1 + colour.
    """
    grid = np.zeros((len(numbers), SIDE + 2, SIDE + 2), dtype=np.int64)
    grid[:, 1:-1, 1:-1] = colors[numbers].reshape(-1, SIDE, SIDE)
    for down, right in BESIDE:
        yield grid[:, 1 + down : SIDE + 1 + down, 1 + right : SIDE + 1 + right].reshape(len(numbers), -1)
