"""Controlled English for counterfactuals: edit instructions and captions.

`edit` changes exactly one thing of a scene; `compose` makes a scene from a caption. What does not parse, or cannot be
done (no such shape, two of them, an occupied cell, a second clock, nothing would change), gives None, never an
exception.

    make the red circle blue | small | striped        turn the red circle into a star
    add a small solid green star in the top left corner | in row 2 column 3
    add the digit 7 in row 1 column 1                 remove the red circle | the clock | the digit 7
    move the red circle to row 4 column 1             set the clock to 4 | the die to 5 | the letter to k
    point the arrow up                                make the red bar 4 tall
    change the digit 7 to 3                           fill row 1 with large solid red squares
    make the background gray

    a white background with 3 large solid red circles, a small hollow blue star in row 1 column 2, the digit 7,
    the clock at 4, the arrow pointing up, the die at 5, a red bar 3 tall
"""

import random
import re
from dataclasses import replace

from auditdm_hub.playground.skills.skill import only
from auditdm_hub.playground.world import (
    BACKGROUNDS,
    COLORS,
    CORNERS,
    EMPTY,
    PATTERNS,
    PLURALS,
    SHAPES,
    SIDE,
    SINGULARS,
    SIZES,
    VALUES,
    Kind,
    Scene,
    Thing,
)

_C, _S, _Z, _P = ("|".join(words) for words in (COLORS, SHAPES, SIZES, PATTERNS))
NAMED = f"(?P<named>(?:(?:{_Z}) )?(?:(?:{_P}) )?(?:{_C}) (?:{_S}))"
NEW = (
    rf"(?:a (?P<size>{_Z}) (?P<pattern>{_P}) (?P<color>{_C}) (?P<shape>{_S})|a (?P<bar>{_C}) bar (?P<height>\d+) tall"
    r"|the (?P<sign>digit|letter) (?P<value>\w+)|the (?P<dial>clock|die) at (?P<shown>\d+)"
    r"|the arrow pointing (?P<way>\w+))"
)
PLACE = rf"(?:in the (?P<corner>{'|'.join(CORNERS)}) corner|in row (?P<row>[1-{SIDE}]) column (?P<column>[1-{SIDE}]))"
OTHER = rf"(?P<kind>clock|die|arrow)|(?P<sign>digit|letter) (?P<value>\w+)|(?P<bar>{_C}) bar"
GOAL = rf"(?:the (?P<corner>{'|'.join(CORNERS)}) corner|row (?P<row>[1-{SIDE}]) column (?P<column>[1-{SIDE}]))"
EDITS = {
    name: re.compile(pattern)
    for name, pattern in {
        "look": rf"make the {NAMED} (?P<look>{_C}|{_Z}|{_P})",
        "turn": rf"turn the {NAMED} into a (?P<into>{_S})",
        "add": rf"add {NEW} {PLACE}",
        "remove": rf"remove the (?:{NAMED}|{OTHER})",
        "move": rf"move the {NAMED} to {GOAL}",
        "set": r"set the (?P<kind>clock|die|letter) to (?P<to>\w+)",
        "point": r"point the arrow (?P<to>\w+)",
        "bar": rf"make the (?P<bar>{_C}) bar (?P<to>\d+) tall",
        "digit": r"change the digit (?P<value>\w+) to (?P<to>\w+)",
        "fill": rf"fill row (?P<row>[1-{SIDE}]) with (?P<size>{_Z}) (?P<pattern>{_P}) (?P<color>{_C}) (?P<plural>\w+)",
        "background": rf"make the background (?P<background>{'|'.join(BACKGROUNDS)})",
    }.items()
}
CAPTION = re.compile(rf"a (?P<background>{'|'.join(BACKGROUNDS)}) background(?: with (?P<items>.+))?")
ITEM = re.compile(rf"{NEW}(?: {PLACE})?")
GROUP = re.compile(rf"(?P<count>\d+) (?P<size>{_Z}) (?P<pattern>{_P}) (?P<color>{_C}) (?P<plural>\w+)")
Fields = dict[str, str | None]


def _cell(fields: Fields) -> int | None:
    if fields.get("corner"):
        return CORNERS[str(fields["corner"])]
    if fields.get("row"):
        return (int(str(fields["row"])) - 1) * SIDE + int(str(fields["column"])) - 1
    return None


def _new(fields: Fields) -> Thing | None:
    """Return the thing that a NEW phrase describes; None if it has an impossible value."""
    if fields.get("shape"):
        color, shape, size, pattern = (str(fields[name]) for name in ("color", "shape", "size", "pattern"))
        return Thing("shape", color, shape, size, pattern)
    if fields.get("bar"):
        thing = Thing("bar", color=str(fields["bar"]), value=str(fields["height"]))
    elif fields.get("way"):
        thing = Thing("arrow", value=str(fields["way"]))
    else:
        kind: Kind = fields.get("sign") or fields.get("dial")  # type: ignore[assignment]
        thing = Thing(kind, value=str(fields.get("value") or fields.get("shown")))
    return thing if thing.value in VALUES[thing.kind] else None


def _target(scene: Scene, fields: Fields) -> tuple[int, Thing] | None:
    """Return the one thing that an instruction names."""
    if fields.get("named"):
        return only(scene, str(fields["named"]))
    kind: Kind = "bar" if fields.get("bar") else fields.get("kind") or fields.get("sign") or "arrow"  # type: ignore[assignment]
    found = [
        (cell, thing)
        for cell, thing in scene.things(kind)
        if fields.get("value") in (None, thing.value) and fields.get("bar") in (None, thing.color)
    ]
    return found[0] if len(found) == 1 else None


def _fill(scene: Scene, fields: Fields) -> Scene | None:
    shape = SINGULARS.get(str(fields["plural"]))
    if shape is None:
        return None
    thing = Thing("shape", str(fields["color"]), shape, str(fields["size"]), str(fields["pattern"]))
    start = (int(str(fields["row"])) - 1) * SIDE
    return replace(scene, cells=(*scene.cells[:start], *(thing,) * SIDE, *scene.cells[start + SIDE :]))


def _relook(thing: Thing, word: str) -> Thing:
    if word in COLORS:
        return replace(thing, color=word)
    return replace(thing, size=word) if word in SIZES else replace(thing, pattern=word)


def _apply(name: str, fields: Fields, scene: Scene) -> Scene | None:
    if name == "background":
        return replace(scene, background=str(fields["background"]))
    if name == "fill":
        return _fill(scene, fields)
    if name == "add":
        cell, thing = _cell(fields), _new(fields)
        return scene.put(cell, thing) if cell is not None and thing and scene.cells[cell] is None else None
    if name == "digit":
        fields = {**fields, "kind": "digit"}
    found = _target(scene, fields)
    if found is None:
        return None
    cell, thing = found
    if name == "remove":
        return scene.put(cell, None)
    if name == "look":
        return scene.put(cell, _relook(thing, str(fields["look"])))
    if name == "turn":
        return scene.put(cell, replace(thing, shape=str(fields["into"])))
    if name == "move":
        goal = _cell(fields)
        return scene.put(cell, None).put(goal, thing) if goal is not None and scene.cells[goal] is None else None
    value = str(fields["to"])
    return scene.put(cell, replace(thing, value=value)) if value in VALUES[thing.kind] else None


def edit(scene: Scene, instruction: str) -> Scene | None:
    """Return the scene after the instruction; None if it does not parse, cannot be done, or would change nothing."""
    text = instruction.strip().removesuffix(".").strip()
    for name, pattern in EDITS.items():
        found = pattern.fullmatch(text)
        if found:
            changed = _apply(name, found.groupdict(), scene)
            return changed if changed != scene and changed is not None and changed.possible else None
    return None


def compose(caption: str, seed: int) -> Scene | None:
    """Return a scene that a caption describes; what has no place is put on free cells drawn by `seed`."""
    found = CAPTION.fullmatch(caption.strip().removesuffix(".").strip())
    if not found:
        return None
    placed: list[tuple[int, Thing]] = []
    free: list[Thing] = []
    for words in (found["items"] or "").split(", ") if found["items"] else []:
        group, item = GROUP.fullmatch(words), ITEM.fullmatch(words)
        if group and group["plural"] in SINGULARS:
            thing = Thing("shape", group["color"], SINGULARS[group["plural"]], group["size"], group["pattern"])
            free += [thing] * min(int(group["count"]), SIDE**2 + 1)
        elif item:
            new, cell = _new(item.groupdict()), _cell(item.groupdict())
            if new is None:
                return None
            if cell is None:
                free.append(new)
            else:
                placed.append((cell, new))
        else:
            return None
    scene = Scene(found["background"], EMPTY)
    if len({cell for cell, _ in placed}) < len(placed) or len(placed) + len(free) > SIDE**2:
        return None
    for cell, thing in placed:
        scene = scene.put(cell, thing)
    cells = scene.free()
    random.Random(seed).shuffle(cells)
    for cell, thing in zip(cells, free, strict=False):
        scene = scene.put(cell, thing)
    return scene if scene.possible else None


def _words(thing: Thing) -> str:
    """Return a NEW phrase for a thing."""
    if thing.kind == "shape":
        return f"a {thing}"
    if thing.kind == "bar":
        return f"a {thing.color} bar {thing.value} tall"
    if thing.kind == "arrow":
        return f"the arrow pointing {thing.value}"
    return f"the {thing.kind} {'at ' if thing.kind in ('clock', 'die') else ''}{thing.value}"


def describe(scene: Scene) -> str:
    """Return a caption of the scene, without places: like shapes are grouped, in the order of their first cell."""
    counts: dict[Thing, int] = {}
    for thing in scene.cells:
        if thing is not None:
            counts[thing] = counts.get(thing, 0) + 1
    items = []
    for thing, count in counts.items():
        if count > 1 and thing.kind == "shape":
            items.append(f"{count} {thing.size} {thing.pattern} {thing.color} {PLURALS[thing.shape]}")
        else:
            items += [_words(thing)] * count
    return f"a {scene.background} background" + (f" with {', '.join(items)}" if items else "")
