"""Draws scenes with Pillow, and reads them back from their pixels.

One cell is one tile of 16x16 pixels, which is one patch of the models' vision towers. Every tile of the world is
different, so a picture of the playground determines its scene exactly: `read` is how the playground's image editor
knows what it edits, without anything being passed beside the image.
"""

import math
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from auditdm_hub.playground.world import (
    BACKGROUNDS,
    COLORS,
    PATTERNS,
    SHAPES,
    SIDE,
    SIZES,
    VALUES,
    Scene,
    Thing,
)

TILE = 16
SIZE = TILE * SIDE
Point = tuple[float, float]

PAINT = {
    "red": (220, 40, 40), "green": (30, 160, 60), "blue": (40, 70, 225), "yellow": (245, 215, 40),
    "purple": (140, 50, 180), "orange": (245, 135, 25), "cyan": (40, 200, 220),
}  # fmt: skip
GROUND = {
    "white": (250, 250, 250), "black": (20, 20, 20), "gray": (128, 128, 128), "brown": (110, 70, 40),
    "pink": (250, 180, 200),
}  # fmt: skip
STROKES: dict[str, tuple[str, ...]] = {
    "0": ("###", "#.#", "#.#", "#.#", "###"), "1": (".#.", "##.", ".#.", ".#.", "###"),
    "2": ("###", "..#", "###", "#..", "###"), "3": ("###", "..#", "###", "..#", "###"),
    "4": ("#.#", "#.#", "###", "..#", "..#"), "5": ("###", "#..", "###", "..#", "###"),
    "6": ("###", "#..", "###", "#.#", "###"), "7": ("###", "..#", ".#.", ".#.", ".#."),
    "8": ("###", "#.#", "###", "#.#", "###"), "9": ("###", "#.#", "###", "..#", "###"),
    "a": (".#.", "#.#", "###", "#.#", "#.#"), "b": ("##.", "#.#", "##.", "#.#", "##."),
    "c": (".##", "#..", "#..", "#..", ".##"), "e": ("###", "#..", "##.", "#..", "###"),
    "f": ("###", "#..", "##.", "#..", "#.."), "h": ("#.#", "#.#", "###", "#.#", "#.#"),
    "k": ("#.#", "#.#", "##.", "#.#", "#.#"), "l": ("#..", "#..", "#..", "#..", "###"),
    "p": ("##.", "#.#", "##.", "#..", "#.."), "r": ("##.", "#.#", "##.", "##.", "#.#"),
    "s": (".##", "#..", ".#.", "..#", "##."), "t": ("###", ".#.", ".#.", ".#.", ".#."),
}  # fmt: skip
PIPS: dict[str, tuple[Point, ...]] = {
    "1": ((8, 8),), "2": ((5, 5), (11, 11)), "3": ((5, 5), (8, 8), (11, 11)),
    "4": ((5, 5), (11, 5), (5, 11), (11, 11)), "5": ((5, 5), (11, 5), (8, 8), (5, 11), (11, 11)),
    "6": ((5, 4), (11, 4), (5, 8), (11, 8), (5, 12), (11, 12)),
}  # fmt: skip


def _outline(shape: str, radius: int) -> list[Point]:
    """Return the corners of a shape around the middle of a tile, in pixels."""
    m, r = TILE / 2 - 0.5, radius
    if shape == "square":
        return [(m - r, m - r), (m + r, m - r), (m + r, m + r), (m - r, m + r)]
    if shape == "triangle":
        return [(m, m - r), (m + r, m + r), (m - r, m + r)]
    if shape == "diamond":
        return [(m, m - r), (m + r, m), (m, m + r), (m - r, m)]
    if shape == "cross":
        w = r / 3
        return [(m + x, m + y) for x, y in (
            (-w, -r), (w, -r), (w, -w), (r, -w), (r, w), (w, w), (w, r), (-w, r), (-w, w), (-r, w), (-r, -w), (-w, -w),
        )]  # fmt: skip
    points = 10 if shape == "star" else 24
    reach = (r + 0.5, r * 0.45) if shape == "star" else (r, r)
    angles = [(2 * math.pi * k / points - math.pi / 2, reach[k % 2]) for k in range(points)]
    return [(m + q * math.cos(a), m + q * math.sin(a)) for a, q in angles]


def _shape(thing: Thing, ground: tuple[int, int, int]) -> Image.Image:
    paint = PAINT[thing.color]
    mask = Image.new("1", (TILE, TILE))
    ImageDraw.Draw(mask).polygon(_outline(thing.shape, 7 if thing.size == "large" else 4), fill=1, outline=1)
    if thing.pattern == "striped":
        gaps = ImageDraw.Draw(mask)
        for y in range(0, TILE, 3):
            gaps.line([(0, y), (TILE, y)], fill=0)
    elif thing.pattern == "hollow":
        inner = 5 if thing.size == "large" else 2
        ImageDraw.Draw(mask).polygon(_outline(thing.shape, inner), fill=0, outline=0)
    tile = Image.new("RGB", (TILE, TILE), ground)
    tile.paste(paint, (0, 0), mask)
    return tile


def _clock(pen: ImageDraw.ImageDraw, hour: str) -> None:
    pen.ellipse([0, 0, 15, 15], fill=(255, 255, 255), outline=(60, 60, 60))
    angle = math.pi * (int(hour) - 3) / 6
    pen.line([(7.5, 7.5), (7.5 + 6 * math.cos(angle), 7.5 + 6 * math.sin(angle))], fill=(0, 0, 0), width=2)
    pen.point((8, 1), fill=(200, 0, 0))


def _arrow(pen: ImageDraw.ImageDraw, direction: str, ink: tuple[int, int, int]) -> None:
    turn = {"right": 0, "down": 1, "left": 2, "up": 3}[direction]
    head: list[Point] = [(14, 7.5), (8, 2), (8, 6), (1, 6), (1, 9), (8, 9), (8, 13)]
    for _ in range(turn):
        head = [(15 - y, x) for x, y in head]
    pen.polygon(head, fill=ink)


def _die(pen: ImageDraw.ImageDraw, dots: str) -> None:
    pen.rectangle([1, 1, 14, 14], fill=(255, 255, 255), outline=(0, 0, 0))
    for x, y in PIPS[dots]:
        pen.rectangle([x - 1, y - 1, x, y], fill=(0, 0, 0))


def _sign(pen: ImageDraw.ImageDraw, thing: Thing, ink: tuple[int, int, int]) -> None:
    """Draw a digit, or a letter: narrower and underlined."""
    width = 3 if thing.kind == "digit" else 2
    for y, line in enumerate(STROKES[thing.value]):
        for x, mark in enumerate(line):
            if mark == "#":
                left, top = int(8 - width * 1.5 + x * width), int(1 + y * 2.8)
                pen.rectangle([left, top, left + width - 1, top + 2], fill=ink)
    if thing.kind == "letter":
        pen.line([(2, 15), (13, 15)], fill=ink)


@cache
def tile(background: str, thing: Thing | None) -> Image.Image:
    """Return the 16x16 picture of one cell."""
    ground = GROUND[background]
    if thing is None:
        return Image.new("RGB", (TILE, TILE), ground)
    if thing.kind == "shape":
        return _shape(thing, ground)
    picture = Image.new("RGB", (TILE, TILE), ground)
    pen = ImageDraw.Draw(picture)
    ink = (240, 240, 240) if background in ("black", "brown") else (10, 10, 10)
    if thing.kind in ("digit", "letter"):
        _sign(pen, thing, ink)
    elif thing.kind == "clock":
        _clock(pen, thing.value)
    elif thing.kind == "arrow":
        _arrow(pen, thing.value, ink)
    elif thing.kind == "die":
        _die(pen, thing.value)
    else:
        pen.rectangle([4, 15 - 3 * int(thing.value), 11, 15], fill=PAINT[thing.color], outline=ink)
    return picture


@cache
def contents() -> tuple[Thing | None, ...]:
    """Return everything that a cell can hold, the empty cell first, in a fixed order."""
    shapes = [Thing("shape", c, s, z, p) for c, s, z, p in product(COLORS, SHAPES, SIZES, PATTERNS)]
    bars = [Thing("bar", color=c, value=v) for c, v in product(COLORS, VALUES["bar"])]
    others = [Thing(kind, value=v) for kind, values in VALUES.items() if kind != "bar" for v in values]
    return (None, *shapes, *bars, *others)


@cache
def _tiles() -> dict[bytes, tuple[str, Thing | None]]:
    return {tile(b, thing).tobytes(): (b, thing) for b in BACKGROUNDS for thing in contents()}


@cache
def _pixels(background: str, thing: Thing | None) -> NDArray[np.uint8]:
    return np.asarray(tile(background, thing))  # (16, 16, 3)


def draw(scene: Scene) -> Image.Image:
    """Return the scene's picture, RGB, 64x64 pixels."""
    picture = np.empty((SIDE, TILE, SIDE, TILE, 3), np.uint8)  # rows of cells, of pixels, columns of cells, of pixels
    for cell, thing in enumerate(scene.cells):
        picture[cell // SIDE, :, cell % SIDE] = _pixels(scene.background, thing)
    return Image.frombytes("RGB", (SIZE, SIZE), picture.tobytes())


def read(picture: Image.Image) -> Scene | None:
    """Return the scene that a picture shows, or None if it is not a picture of the playground."""
    if picture.size != (SIZE, SIZE):
        return None
    rgb = np.asarray(picture.convert("RGB")).reshape(SIDE, TILE, SIDE, TILE, 3)
    known = _tiles()
    grounds: set[str] = set()
    cells: list[Thing | None] = []
    for cell in range(SIDE**2):
        found = known.get(rgb[cell // SIDE, :, cell % SIDE].tobytes())
        if found is None:
            return None
        grounds.add(found[0])
        cells.append(found[1])
    return Scene(grounds.pop(), tuple(cells)) if len(grounds) == 1 else None
