"""Random scenes, questions, edits and captions.

Some pairs of shapes (a hash decides: about one pair in sixteen) never stand together in a scene that a model was
trained on. Audits look at scenes that hold such a pair, so that a failure there is no memory of the training set.
"""

import hashlib
import random
from functools import cache

from auditdm_hub.playground.language import describe, edit
from auditdm_hub.playground.skills.questions import ASKED
from auditdm_hub.playground.skills.skill import Skill
from auditdm_hub.playground.world import (
    BACKGROUNDS,
    COLORS,
    CORNERS,
    PATTERNS,
    PLURALS,
    SHAPES,
    SIDE,
    SIZES,
    VALUES,
    Kind,
    Scene,
    Thing,
)

TRIES = 12
HELD_OUT_SHARE = 16
STYLES = ("mixed",) * 5 + ("crowded",) * 2 + ("odd",) * 2 + ("sparse",)


@cache
def held_out(one: tuple[str, str], two: tuple[str, str]) -> bool:
    """Whether two shapes, each (color, shape), never stand together in training."""
    text = " ".join(sum(sorted((one, two)), ()))
    return one != two and hashlib.sha256(text.encode()).digest()[0] % HELD_OUT_SHARE == 0


def is_held_out(scene: Scene) -> bool:
    """Whether a scene holds a pair of shapes that training never showed together."""
    looks = sorted({(thing.color, thing.shape) for _, thing in scene.things("shape")})
    return any(held_out(one, two) for k, one in enumerate(looks) for two in looks[:k])


def sample_shape(rng: random.Random, color: str = "") -> Thing:
    """Draw a shape; of one colour, if given."""
    return Thing(
        "shape", color or rng.choice(COLORS), rng.choice(SHAPES), rng.choice(SIZES), rng.choice(PATTERNS)
    )  # fmt: skip


def _shapes(rng: random.Random, style: str) -> list[Thing]:
    count = {"mixed": (1, 7), "crowded": (7, 12), "odd": (3, 6), "sparse": (1, 3)}[style]
    number = rng.randint(*count)
    if style == "odd":
        most, single = rng.sample(COLORS, 2)
        return [sample_shape(rng, single), *(sample_shape(rng, most) for _ in range(number - 1))]
    things: list[Thing] = []
    for _ in range(number):
        again = rng.choice(things) if things and rng.random() < 0.35 else None
        thing = sample_shape(rng, again.color if again and rng.random() < 0.7 else "")
        if again and rng.random() < 0.5:
            thing = Thing("shape", thing.color, again.shape, thing.size, thing.pattern)
        things.append(thing)
    return things


def _others(rng: random.Random) -> list[Thing]:
    kinds: list[Kind] = ["digit"] * rng.choice((0, 1, 2, 2))
    kinds += [kind for kind in ("letter", "clock", "arrow", "die") if rng.random() < 0.4]
    things = [Thing(kind, value=rng.choice(VALUES[kind])) for kind in kinds]
    if rng.random() < 0.5:
        colors = rng.sample(COLORS, rng.choice((1, 2, 3)))
        things += [Thing("bar", color=color, value=rng.choice(VALUES["bar"])) for color in colors]
    return things


def sample_scene(rng: random.Random, *, unseen: bool, style: str = "") -> Scene:
    """Draw a scene: one that holds a held-out pair of shapes if `unseen`, else one that holds none.

    `style` is one of `STYLES`; "" draws one.
    """
    style = style or rng.choice(STYLES)
    shapes = _shapes(rng, style)
    if unseen and len(shapes) > 1:
        while not any(held_out(_look(shapes[0]), _look(two)) for two in shapes[1:]):
            shapes[rng.randrange(2)] = sample_shape(rng)
    elif not unseen:
        kept: list[Thing] = []
        for shape in shapes:
            for _ in range(TRIES):
                if not any(held_out(_look(shape), _look(other)) for other in kept):
                    kept.append(shape)
                    break
                shape = sample_shape(rng, shape.color if style == "odd" else "")
        shapes = kept
    things = (shapes + _others(rng))[: SIDE**2]
    if style == "crowded":
        things = (shapes + _others(rng)[:3])[: SIDE**2]
    cells: list[Thing | None] = [*things, *(None,) * (SIDE**2 - len(things))]
    rng.shuffle(cells)
    return Scene(rng.choice(BACKGROUNDS), tuple(cells))


def _look(thing: Thing) -> tuple[str, str]:
    return thing.color, thing.shape


def _slots(scene: Scene, rng: random.Random) -> dict[str, str]:
    """Draw a value for every slot, mostly from what is in the scene."""
    present = [thing for _, thing in scene.things("shape")]
    one = rng.choice(present) if present and rng.random() < 0.95 else sample_shape(rng)
    two = rng.choice(present) if present and rng.random() < 0.95 else sample_shape(rng)
    size, pattern = (one.size, ""), (one.pattern, "")
    bars = [thing.color for _, thing in scene.things("bar")]
    adjective = rng.choice((one.size, one.pattern, "", ""))
    return {
        "color": one.color if rng.random() < 0.8 else rng.choice(COLORS),
        "bar": rng.choice(bars) if bars else one.color,
        "other": two.color if rng.random() < 0.8 else rng.choice(COLORS),
        "shape": two.shape,
        "plural": PLURALS[one.shape if rng.random() < 0.8 else rng.choice(SHAPES)],
        "corner": rng.choice(tuple(CORNERS)),
        "side": rng.choice(("left of", "right of", "above", "below")),
        "colorless": f"{adjective} {one.shape}".strip(),
        "shapeless": f"{adjective} {one.color}".strip(),
        "sizeless": f"{rng.choice(pattern)} {one.color} {one.shape}".strip(),
        "patternless": f"{rng.choice(size)} {one.color} {one.shape}".strip(),
        "one": f"{one.color} {one.shape}",
        "two": f"{two.color} {two.shape}",
    }


def sample_wording(scene: Scene, skill: Skill, rng: random.Random) -> tuple[str, str | None]:
    """Draw a question of a skill and its answer; the answer is None where its premise is false."""
    slots = _slots(scene, rng)
    if skill.name == "bar height":
        slots["color"] = slots["bar"]
    if skill.name in ("existence", "count both") and rng.random() < 0.5:
        thing = rng.choice([thing for _, thing in scene.things("shape")] or [sample_shape(rng)])
        slots |= {"color": thing.color, "shape": thing.shape, "plural": PLURALS[thing.shape]}
    wording = rng.choice(skill.wordings)
    used = {name: value for name, value in slots.items() if f"{{{name}}}" in wording}
    return wording.format(**used), skill.execute(scene, used)


def sample_question(scene: Scene, rng: random.Random, skill: Skill | None = None) -> tuple[str, str] | None:
    """Draw a question with a true premise, and its answer; None if the scene does not admit the skill."""
    for _ in range(TRIES):
        question, answer = sample_wording(scene, skill or rng.choice(ASKED), rng)
        if answer is not None:
            return question, answer
    return None


def sample_edit(scene: Scene, rng: random.Random) -> str:
    """Draw an edit instruction that can be done."""
    while True:
        instruction = _edit(scene, rng)
        if edit(scene, instruction) is not None:
            return instruction


def _place(scene: Scene, rng: random.Random) -> str:
    cell = rng.choice(scene.free() or [0])
    for name, corner in CORNERS.items():
        if corner == cell and rng.random() < 0.5:
            return f"in the {name} corner"
    return f"in row {cell // SIDE + 1} column {cell % SIDE + 1}"


def _edit(scene: Scene, rng: random.Random) -> str:
    new = sample_shape(rng)
    held = [thing for thing in scene.cells if thing is not None]
    thing = rng.choice(held) if held else new
    match rng.choice(("add", "add", "fill", "background", "thing", "thing", "thing", "thing")):
        case "add":
            other = rng.choice((new, new, *(_others(rng) or [new])))
            words = describe(Scene(scene.background, (other,))).split(" with ")[1]
            return f"add {words} {_place(scene, rng)}"
        case "fill":
            words = f"{new.size} {new.pattern} {new.color} {PLURALS[new.shape]}"
            return f"fill row {rng.randint(1, SIDE)} with {words}"
        case "background":
            return f"make the background {rng.choice(BACKGROUNDS)}"
    if thing.kind == "shape":
        name = " ".join(w for w in (rng.choice((thing.size, "", "")), thing.color, thing.shape) if w)
        look = rng.choice((new.color, new.color, new.size, new.pattern))
        return rng.choice(
            (f"make the {name} {look}", f"turn the {name} into a {new.shape}", f"remove the {name}",
             f"move the {name} to {_place(scene, rng).removeprefix('in ')}")
        )  # fmt: skip
    value = rng.choice(VALUES[thing.kind])
    return {
        "bar": f"make the {thing.color} bar {value} tall",
        "arrow": f"point the arrow {value}",
        "digit": f"change the digit {thing.value} to {value}",
    }.get(thing.kind, f"set the {thing.kind} to {value}")
