"""A picture determines its scene: drawing and reading are each other's inverse."""

import random

import pytest
from PIL import Image

from auditdm_hub.playground.draw import GROUND, PAINT, SIZE, TILE, contents, draw, read, tile
from auditdm_hub.playground.sample import sample_scene
from auditdm_hub.playground.world import BACKGROUNDS, EMPTY, Scene, Thing

SCENE = Scene.parse("white; 0 large solid red circle; 5 digit 7; 10 clock 4; 15 bar cyan 5")


def test_random_scenes_are_read_back_from_their_pictures() -> None:
    rng = random.Random(2)
    for number in range(150):
        scene = sample_scene(rng, unseen=number % 2 == 0)
        assert read(draw(scene)) == scene


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_thing_is_read_back_on_every_background(background: str) -> None:
    held = contents()
    assert len(set(held)) == len(held)
    for start in range(0, len(held), len(EMPTY)):
        cells = (*held[start : start + len(EMPTY)], *EMPTY)[: len(EMPTY)]
        assert read(draw(Scene(background, cells))) == Scene(background, cells)


def test_no_two_tiles_look_alike() -> None:
    tiles = [tile(background, thing).tobytes() for background in BACKGROUNDS for thing in contents()]
    assert len(set(tiles)) == len(tiles)


def test_a_picture_is_made_of_tiles() -> None:
    picture = draw(SCENE)
    assert (picture.mode, picture.size) == ("RGB", (64, 64)) == ("RGB", (SIZE, SIZE))
    for cell, thing in enumerate(SCENE.cells):
        left, top = cell % 4 * TILE, cell // 4 * TILE
        assert picture.crop((left, top, left + TILE, top + TILE)).tobytes() == tile("white", thing).tobytes()


def test_colors_are_what_their_names_say() -> None:
    square = Thing("shape", "red", "square", "large", "solid")
    picture = draw(Scene("pink", EMPTY).put(6, square))
    assert picture.getpixel((2 * TILE + 8, TILE + 8)) == PAINT["red"]
    assert picture.getpixel((0, 0)) == GROUND["pink"]


def test_small_covers_less_than_large_and_stripes_less_than_solid() -> None:
    def covered(size: str, pattern: str) -> int:
        picture = tile("white", Thing("shape", "blue", "diamond", size, pattern))
        return picture.tobytes().count(bytes(PAINT["blue"]))

    for pattern in ("solid", "striped", "hollow"):
        assert 0 < covered("small", pattern) < covered("large", pattern)
    for size in ("small", "large"):
        assert max(covered(size, "striped"), covered(size, "hollow")) < covered(size, "solid")


def test_a_picture_with_transparency_is_read() -> None:
    assert read(draw(SCENE).convert("RGBA")) == SCENE


def spoilt() -> dict[str, Image.Image]:
    picture = draw(SCENE)
    dot, mixed, moved = picture.copy(), picture.copy(), Image.new("RGB", picture.size, GROUND["white"])
    dot.putpixel((8, 8), (1, 2, 3))
    mixed.paste(tile("black", None), (3 * TILE, 0))
    moved.paste(picture, (1, 0))
    return {
        "one pixel differs": dot,
        "two backgrounds": mixed,
        "moved by a pixel": moved,
        "scaled": picture.resize((2 * SIZE, 2 * SIZE)),
        "a part": picture.crop((0, 0, SIZE, SIZE - TILE)),
        "in gray": picture.convert("L"),
        "one color": Image.new("RGB", picture.size, (9, 9, 9)),
    }


@pytest.mark.parametrize(("reason", "picture"), spoilt().items())
def test_other_pictures_are_not_read(reason: str, picture: Image.Image) -> None:
    assert read(picture) is None, reason


def test_painting_on_a_picture_leaves_the_next_one_clean() -> None:
    picture = draw(SCENE)
    picture.putpixel((8, 8), (1, 2, 3))
    assert read(draw(SCENE)) == SCENE
