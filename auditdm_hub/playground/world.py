"""The world: a scene is a 4x4 grid of cells on a background colour; a cell is empty or holds one thing.

Things are values, not objects with identity: two red circles differ only by their cell. A scene serialises to one
line of text and back: `white; 0 large solid red circle; 5 digit 7; 9 clock 4`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["shape", "digit", "letter", "clock", "arrow", "die", "bar"]

SIDE = 4
COLORS = ("red", "green", "blue", "yellow", "purple", "orange", "cyan")
SHAPES = ("circle", "square", "triangle", "cross", "star", "diamond")
SIZES = ("small", "large")
PATTERNS = ("solid", "striped", "hollow")
BACKGROUNDS = ("white", "black", "gray", "brown", "pink")
DIGITS = tuple("0123456789")
LETTERS = tuple("abcefhklprst")
HOURS = tuple(str(hour) for hour in range(1, 13))
DIRECTIONS = ("up", "down", "left", "right")
DICE = tuple(str(dots) for dots in range(1, 7))
HEIGHTS = tuple(str(height) for height in range(1, 6))
CORNERS = {"top left": 0, "top right": SIDE - 1, "bottom left": SIDE * (SIDE - 1), "bottom right": SIDE * SIDE - 1}

VALUES: dict[Kind, tuple[str, ...]] = {
    "digit": DIGITS,
    "letter": LETTERS,
    "clock": HOURS,
    "arrow": DIRECTIONS,
    "die": DICE,
    "bar": HEIGHTS,
}
PLURALS = {shape: ("crosses" if shape == "cross" else f"{shape}s") for shape in SHAPES}
SINGULARS = {plural: shape for shape, plural in PLURALS.items()}


@dataclass(frozen=True, slots=True)
class Thing:
    """What a cell holds. Shapes use size, pattern, color and shape; a bar uses color and value; the rest use value."""

    kind: Kind
    color: str = ""
    shape: str = ""
    size: str = ""
    pattern: str = ""
    value: str = ""

    def __str__(self) -> str:
        """Return the thing's words in a serialised scene."""
        if self.kind == "shape":
            return f"{self.size} {self.pattern} {self.color} {self.shape}"
        return f"bar {self.color} {self.value}" if self.kind == "bar" else f"{self.kind} {self.value}"

    @classmethod
    def parse(cls, words: str) -> "Thing":
        """Read what `str` wrote. Raises ValueError."""
        match words.split():
            case [size, pattern, color, shape] if (
                size in SIZES and pattern in PATTERNS and color in COLORS and shape in SHAPES
            ):
                return cls("shape", color, shape, size, pattern)
            case ["bar", color, value] if color in COLORS and value in HEIGHTS:
                return cls("bar", color=color, value=value)
            case ["digit" | "letter" | "clock" | "arrow" | "die" as kind, value] if value in VALUES[kind]:
                return cls(kind, value=value)
        raise ValueError(f"not a thing of the playground: {words!r}")


@dataclass(frozen=True, slots=True)
class Scene:
    """A background colour and 16 cells, row by row from the top left."""

    background: str
    cells: tuple[Thing | None, ...]

    def things(self, kind: Kind) -> Iterator[tuple[int, Thing]]:
        """Yield (cell, thing) of every thing of that kind."""
        return ((cell, thing) for cell, thing in enumerate(self.cells) if thing is not None and thing.kind == kind)

    def shapes(self, color: str = "", shape: str = "", size: str = "", pattern: str = "") -> list[tuple[int, Thing]]:
        """Return (cell, thing) of the shapes that have all the attributes that are given."""
        return [
            (cell, thing)
            for cell, thing in self.things("shape")
            if color in ("", thing.color)
            and shape in ("", thing.shape)
            and size in ("", thing.size)
            and pattern in ("", thing.pattern)
        ]

    @property
    def possible(self) -> bool:
        """Whether the world has such scenes: one clock, arrow, die and letter, two digits, one bar of a colour.

        So a question about "the die" means the only one.
        """
        held = Counter((thing.kind, thing.color) for thing in self.cells if thing is not None and thing.kind != "shape")
        return all(count <= (2 if kind == "digit" else 1) for (kind, _), count in held.items())

    def free(self) -> list[int]:
        """Return the empty cells."""
        return [cell for cell, thing in enumerate(self.cells) if thing is None]

    def put(self, cell: int, thing: Thing | None) -> "Scene":
        """Return the scene with another content of one cell."""
        return replace(self, cells=(*self.cells[:cell], thing, *self.cells[cell + 1 :]))

    def __str__(self) -> str:
        """Return the scene as one line of text."""
        held = (f"{cell} {thing}" for cell, thing in enumerate(self.cells) if thing is not None)
        return "; ".join((self.background, *held))

    @classmethod
    def parse(cls, line: str) -> "Scene":
        """Read what `str` wrote. Raises ValueError."""
        background, *held = line.split("; ")
        if background not in BACKGROUNDS:
            raise ValueError(f"not a background of the playground: {background!r}")
        cells: list[Thing | None] = [None] * SIDE**2
        for item in held:
            cell, _, words = item.partition(" ")
            if not cell.isdecimal() or not int(cell) < SIDE**2:
                raise ValueError(f"not a cell of the playground: {item!r}")
            cells[int(cell)] = Thing.parse(words)
        return cls(background, tuple(cells))


EMPTY: tuple[Thing | None, ...] = (None,) * SIDE**2


def row(cell: int) -> int:
    """Return the row of a cell, 0 at the top."""
    return cell // SIDE


def column(cell: int) -> int:
    """Return the column of a cell, 0 at the left."""
    return cell % SIDE
