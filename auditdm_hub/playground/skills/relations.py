"""Where things are, and how two shapes relate."""

from auditdm_hub.playground.skills.skill import Executor, Skill, Slots, only
from auditdm_hub.playground.world import CORNERS, SIDE, Scene, column, row

STEPS = {"left of": (0, -1), "right of": (0, 1), "above": (-1, 0), "below": (1, 0)}


def _side(horizontal: bool) -> Executor:
    low, high = ("left", "right") if horizontal else ("above", "below")

    def execute(scene: Scene, slots: Slots) -> str | None:
        one, two = only(scene, slots["one"]), only(scene, slots["two"])
        if not one or not two:
            return None
        a, b = (column(one[0]), column(two[0])) if horizontal else (row(one[0]), row(two[0]))
        return None if a == b else low if a < b else high

    return execute


def _place(horizontal: bool) -> Executor:
    def execute(scene: Scene, slots: Slots) -> str | None:
        found = only(scene, slots["one"])
        return None if not found else str(1 + (column if horizontal else row)(found[0]))

    return execute


def _neighbour(scene: Scene, slots: Slots) -> str | None:
    found = only(scene, slots["one"])
    if not found:
        return None
    down, right = STEPS[slots["side"]]
    y, x = row(found[0]) + down, column(found[0]) + right
    thing = scene.cells[y * SIDE + x] if 0 <= y < SIDE and 0 <= x < SIDE else None
    return thing.color if thing is not None and thing.kind == "shape" else None


def _corner(scene: Scene, slots: Slots) -> str:
    thing = scene.cells[CORNERS[slots["corner"]]]
    return "nothing" if thing is None else thing.shape or thing.kind


def _same_color(scene: Scene, slots: Slots) -> str | None:
    one, two = only(scene, slots["colorless"]), only(scene, slots["shape"])
    if not one or not two or one == two:
        return None
    return "yes" if one[1].color == two[1].color else "no"


SKILLS = (
    Skill(
        "left or right",
        ("is the {one} left or right of the {two}?", "on which side of the {two} is the {one}, left or right?",
         "left or right of the {two}, where is the {one}?"),
        _side(horizontal=True),
    ),
    Skill(
        "above or below",
        ("is the {one} above or below the {two}?", "is the {one} higher or lower than the {two}, above or below?",
         "above or below the {two}, where is the {one}?"),
        _side(horizontal=False),
    ),
    Skill(
        "neighbour",
        ("what color is the shape {side} the {one}?", "which color does the shape {side} the {one} have?",
         "name the color of the shape {side} the {one}."),
        _neighbour,
    ),
    Skill(
        "row",
        ("which row is the {one} in?", "in which row is the {one}?", "what is the row of the {one}?"),
        _place(horizontal=False),
    ),
    Skill(
        "column",
        ("which column is the {one} in?", "in which column is the {one}?", "what is the column of the {one}?"),
        _place(horizontal=True),
    ),
    Skill(
        "corner",
        ("what is in the {corner} corner?", "which thing is in the {corner} corner?",
         "name the thing in the {corner} corner."),
        _corner,
    ),
    Skill(
        "same color",
        ("do the {colorless} and the {shape} have the same color?", "is the {colorless} the same color as the {shape}?",
         "are the {colorless} and the {shape} of one color?"),
        _same_color,
    ),
)  # fmt: skip
