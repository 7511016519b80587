"""Captions: composed scenes hold what the caption says; what cannot be drawn gives None and raises nothing."""

import random
from collections import Counter

import pytest

from auditdm_hub.playground.draw import contents
from auditdm_hub.playground.language import compose, describe
from auditdm_hub.playground.sample import sample_scene
from auditdm_hub.playground.world import BACKGROUNDS, EMPTY, Scene, Thing

FULL = (
    "a white background with 3 large solid red circles, a small hollow blue star in row 1 column 2, the digit 7, "
    "the clock at 4, the arrow pointing up, the die at 5, a red bar 3 tall, the letter k in the bottom right corner"
)


def held(scene: Scene) -> Counter[str]:
    return Counter(str(thing) for thing in scene.cells if thing is not None)


def test_a_caption_is_drawn_as_it_says() -> None:
    scene = compose(FULL, 0)
    assert scene is not None
    assert scene.background == "white"
    assert str(scene.cells[1]) == "small hollow blue star"
    assert str(scene.cells[15]) == "letter k"
    assert held(scene) == {
        "large solid red circle": 3, "small hollow blue star": 1, "digit 7": 1, "clock 4": 1, "arrow up": 1,
        "die 5": 1, "bar red 3": 1, "letter k": 1,
    }  # fmt: skip


def test_a_description_is_composed_to_the_same_things() -> None:
    rng = random.Random(5)
    for number in range(300):
        scene = sample_scene(rng, unseen=number % 2 == 0)
        composed = compose(describe(scene), number)
        assert composed is not None
        assert (composed.background, held(composed)) == (scene.background, held(scene))


def test_every_thing_can_be_described() -> None:
    for thing in filter(None, contents()):
        composed = compose(describe(Scene("gray", EMPTY).put(3, thing)), 1)
        assert composed is not None
        assert [cell for cell in composed.cells if cell is not None] == [thing]


def test_like_shapes_are_grouped_in_the_order_of_their_first_cell() -> None:
    scene = Scene.parse("pink; 1 digit 7; 2 large solid red cross; 3 digit 7; 9 large solid red cross; 11 arrow left")
    assert describe(scene) == (
        "a pink background with the digit 7, the digit 7, 2 large solid red crosses, the arrow pointing left"
    )


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_an_empty_scene_is_a_background(background: str) -> None:
    assert describe(Scene(background, EMPTY)) == f"a {background} background"
    assert compose(f"a {background} background.", 0) == Scene(background, EMPTY)


def test_the_seed_places_what_the_caption_leaves_open() -> None:
    scenes = [compose(FULL, seed) for seed in range(20)]
    assert scenes == [compose(FULL, seed) for seed in range(20)]
    assert len({str(scene) for scene in scenes}) > 10
    assert len({str(sorted(held(scene).items())) for scene in scenes if scene}) == 1


def test_the_picture_can_be_filled_but_not_over_filled() -> None:
    full = compose("a gray background with 15 large solid red circles, the die at 1 in row 1 column 1", 3)
    assert full is not None
    assert full.free() == []
    assert full.cells[0] == Thing("die", value="1")
    assert compose("a gray background with 16 large solid red circles, the die at 1", 3) is None
    assert compose("a gray background with 99 large solid red circles", 3) is None


@pytest.mark.parametrize(
    "caption",
    [
        "", ".", "a", "a teal background", "a white background with", "a white background with ", "A white background",
        "a white background with a star", "a white background with a large solid red circles",
        "a white background with two large solid red circles", "a white background with 2 large solid red circle",
        "a white background with 2 large solid red digits", "a white background with the digit 10",
        "a white background with the die at 1, the die at 1", "a white background with the letter k, the letter p",
        "a white background with the digit 1, the digit 2, the digit 3",
        "a white background with a red bar 1 tall, a red bar 2 tall",
        "a white background with the letter d", "a white background with the clock at 0",
        "a white background with the clock at 13", "a white background with the die at 7",
        "a white background with the arrow pointing north", "a white background with a red bar 6 tall",
        "a white background with a red bar 0 tall", "a white background with the digit 1 in row 5 column 1",
        "a white background with the digit 1 in row 1 column 1, the digit 2 in the top left corner",
        "a white background with the digit 1,the digit 2", "a white background with the digit 1, ",
        "a white background with the digit 1 and the digit 2", "a white background\nwith the digit 1",
        "a white background with the digit \u0663", "a white background with the die at \u0663", "\x00", "(",
        "x" * 5000,
        f"a white background with a red bar {'9' * 5000} tall",
    ],
)  # fmt: skip
def test_what_cannot_be_drawn(caption: str) -> None:
    assert compose(caption, 0) is None


def test_jumbled_captions_raise_nothing() -> None:
    rng = random.Random(6)
    words = FULL.split()
    found = [compose(" ".join(rng.choices(words, k=rng.randint(1, 12))), 0) for _ in range(300)]
    found += [compose("a white background with " + " ".join(rng.choices(words, k=4)), 0) for _ in range(300)]
    assert {scene for scene in found if scene is not None and scene.background != "white"} == set()
    assert sum(scene is None for scene in found) > 550
