"""Reading digits, letters, instruments and charts."""

from auditdm_hub.playground.skills.skill import Executor, Skill, Slots
from auditdm_hub.playground.world import Kind, Scene


def _read(kind: Kind) -> Executor:
    def execute(scene: Scene, slots: Slots) -> str | None:
        values = [thing.value for _, thing in scene.things(kind)]
        return values[0] if len(values) == 1 else None

    return execute


def _digits(scene: Scene) -> list[int]:
    return [int(thing.value) for _, thing in scene.things("digit")]


def _larger(scene: Scene, slots: Slots) -> str | None:
    digits = _digits(scene)
    return str(max(digits)) if len(digits) == 2 and digits[0] != digits[1] else None


def _sum(scene: Scene, slots: Slots) -> str | None:
    digits = _digits(scene)
    return str(sum(digits)) if len(digits) == 2 else None


def _tallest(scene: Scene, slots: Slots) -> str | None:
    bars = sorted((int(thing.value), thing.color) for _, thing in scene.things("bar"))
    return bars[-1][1] if len(bars) > 1 and bars[-1][0] > bars[-2][0] else None


def _height(scene: Scene, slots: Slots) -> str | None:
    values = [thing.value for _, thing in scene.things("bar") if thing.color == slots["color"]]
    return values[0] if len(values) == 1 else None


SKILLS = (
    Skill("digit", ("which digit is shown?", "what digit do you see?", "read the digit."), _read("digit")),
    Skill("letter", ("which letter is shown?", "what letter do you see?", "read the letter."), _read("letter")),
    Skill(
        "larger digit",
        ("which digit is larger?", "what is the larger digit?", "name the larger of the two digits."),
        _larger,
    ),
    Skill(
        "digit sum",
        ("what is the sum of the digits?", "what do the digits add up to?", "add the two digits."),
        _sum,
    ),
    Skill(
        "clock",
        ("what time is it?", "which hour does the clock show?", "what hour is it on the clock?"),
        _read("clock"),
    ),
    Skill(
        "arrow",
        ("where does the arrow point?", "which way does the arrow point?", "what is the direction of the arrow?"),
        _read("arrow"),
    ),
    Skill(
        "die",
        ("what number does the die show?", "how many dots does the die have?", "read the die."),
        _read("die"),
    ),
    Skill(
        "tallest bar",
        ("which bar is the tallest?", "what color is the tallest bar?", "name the color of the tallest bar."),
        _tallest,
    ),
    Skill(
        "bar height",
        ("how tall is the {color} bar?", "what is the height of the {color} bar?",
         "read the height of the {color} bar."),
        _height,
    ),
)  # fmt: skip
