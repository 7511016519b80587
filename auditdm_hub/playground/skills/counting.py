"""Counting, existence and comparing groups. Counting never fails: there may be none."""

from auditdm_hub.playground.skills.skill import Skill, Slots
from auditdm_hub.playground.world import SINGULARS, Scene


def _count(scene: Scene, slots: Slots) -> str:
    return str(len(scene.shapes(color=slots.get("color", ""), shape=SINGULARS.get(slots.get("plural", ""), ""))))


def _exists(scene: Scene, slots: Slots) -> str:
    return "yes" if scene.shapes(color=slots["color"], shape=slots["shape"]) else "no"


def _more(scene: Scene, slots: Slots) -> str | None:
    if slots["color"] == slots["other"]:
        return None
    return "yes" if len(scene.shapes(color=slots["color"])) > len(scene.shapes(color=slots["other"])) else "no"


def _odd_one_out(scene: Scene, slots: Slots) -> str | None:
    colors = [thing.color for _, thing in scene.things("shape")]
    if len(colors) < 3 or len(set(colors)) != 2:
        return None
    single = [color for color in set(colors) if colors.count(color) == 1]
    return single[0] if single else None


SKILLS = (
    Skill(
        "count all",
        ("how many shapes are there?", "count the shapes.", "what is the number of shapes?"),
        _count,
    ),
    Skill(
        "count color",
        ("how many {color} shapes are there?", "count the {color} shapes.", "what is the number of {color} shapes?"),
        _count,
    ),
    Skill(
        "count shape",
        ("how many {plural} are there?", "count the {plural}.", "what is the number of {plural}?"),
        _count,
    ),
    Skill(
        "count both",
        ("how many {color} {plural} are there?", "count the {color} {plural}.",
         "what is the number of {color} {plural}?"),
        _count,
    ),
    Skill(
        "existence",
        ("is there a {color} {shape}?", "can you see a {color} {shape}?", "does the picture show a {color} {shape}?"),
        _exists,
    ),
    Skill(
        "more than",
        ("are there more {color} shapes than {other} shapes?", "do {color} shapes outnumber {other} shapes?",
         "are {color} shapes more frequent than {other} shapes?"),
        _more,
    ),
    Skill(
        "odd one out",
        ("which color is the odd one out?", "what color is the shape that differs?",
         "name the color of the odd shape."),
        _odd_one_out,
    ),
)  # fmt: skip
