"""What a question's noun phrases refer to: where they end, and what stands there."""

import random

import numpy as np
import pytest
import torch

from auditdm_hub.playground.build.data import tile_numbers
from auditdm_hub.playground.build.grounding import CLASSES, MOST, UNKNOWN, Heads, beside_classes, mentions
from auditdm_hub.playground.build.vocabulary import tokenizer
from auditdm_hub.playground.draw import contents
from auditdm_hub.playground.sample import sample_question, sample_scene
from auditdm_hub.playground.skills import parse_question
from auditdm_hub.playground.skills.questions import ASKED
from auditdm_hub.playground.world import BACKGROUNDS, COLORS, PATTERNS, SHAPES, SIDE, SIZES, Scene

SCENE = Scene.parse(
    "white; 0 large solid red circle; 1 small striped blue star; 4 digit 7; 5 large hollow red star; "
    "6 small solid cyan cross; 9 large solid red circle"
)
NOTHING = 0
TOKENIZER = tokenizer({"image_token": "<image>"})


def tokens(question: str) -> list[str]:
    return TOKENIZER.convert_ids_to_tokens(TOKENIZER.encode(question, add_special_tokens=False))


def look(color: str, shape: str, size: str, pattern: str) -> tuple[int, ...]:
    return COLORS.index(color), SHAPES.index(shape), SIZES.index(size), PATTERNS.index(pattern)


def beside(*colors: str) -> tuple[int, ...]:
    return tuple(1 + COLORS.index(color) if color else NOTHING for color in colors)


# one thing: its look, row, column, and the colors left, right, above and below
BLUE_STAR = (1, *look("blue", "star", "small", "striped"), 0, 1, *beside("red", "", "", "red"))
RED_STAR = (1, *look("red", "star", "large", "hollow"), 1, 1, *beside("", "cyan", "blue", "red"))
CROSS = (1, *look("cyan", "cross", "small", "solid"), 1, 2, *beside("red", "", "", ""))


def several(count: int) -> tuple[int, ...]:
    return (count, *(UNKNOWN,) * (len(CLASSES) - 1))


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("what color is the striped star?", [("star", BLUE_STAR)]),
        ("name the color of the star.", [("star", several(2))]),
        ("what shape is the hollow red thing?", [("red", RED_STAR)]),
        ("how big is the red circle?", [("circle", several(2))]),
        ("is the blue star solid, striped or hollow?", [("star", BLUE_STAR)]),
        ("is the cyan cross left or right of the blue star?", [("cross", CROSS), ("star", BLUE_STAR)]),
        ("left or right of the blue star, where is the cyan cross?", [("cross", CROSS), ("star", BLUE_STAR)]),
        ("what color is the shape above the red star?", [("star", RED_STAR)]),
        ("do the small cross and the diamond have the same color?", [("cross", CROSS), ("diamond", several(0))]),
        ("is there a blue star?", [("star", BLUE_STAR)]),
        ("how many stars are there?", [("stars", several(2))]),
        ("count the red stars.", [("stars", RED_STAR)]),
        ("count the red shapes.", [("red", several(3))]),
        ("are there more red shapes than cyan shapes?", [("red", several(3)), ("cyan", CROSS)]),
        ("how tall is the red bar?", []),
        ("what is in the top left corner?", []),
        ("how many shapes are there?", []),
        ("is this a question?", []),
    ],
)
def test_what_a_question_mentions(question: str, found: list[tuple[str, tuple[int, ...]]]) -> None:
    assert [(tokens(question)[place], classes) for place, classes in mentions(SCENE, question)] == found


def test_many_things_count_as_the_most_that_is_told_apart() -> None:
    crowd = Scene.parse("; ".join(["gray", *(f"{cell} large solid red star" for cell in range(9))]))
    assert [classes for _, classes in mentions(crowd, "count the red stars.")] == [several(MOST)]


def test_the_place_is_that_of_the_last_word_among_the_tokens() -> None:
    rng, held = random.Random(26), 0
    for skill in ASKED:
        for _ in range(20):
            scene = sample_scene(rng, unseen=False)
            question, _ = sample_question(scene, rng, skill) or ("", "")
            parsed = parse_question(question)
            last_words = {value.split()[-1] for value in parsed[1].values()} if parsed else set()
            for place, classes in mentions(scene, question):
                held += 1
                assert tokens(question)[place] in last_words
                assert len(classes) == len(CLASSES)
                assert all(c == UNKNOWN or 0 <= c < most for c, most in zip(classes, CLASSES, strict=True))
    assert held > 150


def test_the_heads_learn_what_they_are_shown() -> None:
    torch.manual_seed(0)
    heads, states = Heads(64), torch.randn(2, 5, 64)
    found = torch.tensor([(0, 3, *BLUE_STAR), (1, 4, *RED_STAR), (1, 0, *several(2))])
    optimiser = torch.optim.Adam(heads.parameters(), lr=0.05)
    first = float(heads(states, found).detach())
    for _ in range(60):
        optimiser.zero_grad()
        heads(states, found).backward()
        optimiser.step()
    assert float(heads(states, found).detach()) < 0.02 < 1 < first
    swapped = torch.tensor([(0, 3, *RED_STAR), (1, 4, *BLUE_STAR)])
    assert float(heads(states, swapped).detach()) > 1
    assert float(heads(states, found[:0])) == 0


def test_colors_beside_are_those_of_the_mentions() -> None:
    rng = random.Random(27)
    classes = np.array([1 + COLORS.index(t.color) if t and t.kind == "shape" else NOTHING for t in contents()])
    scenes = [sample_scene(rng, unseen=False) for _ in range(40)]
    numbers = np.stack([tile_numbers(scene) for scene in scenes])
    sides = np.stack(list(beside_classes(numbers, np.tile(classes, len(BACKGROUNDS)))), axis=-1)  # (B, 16, 4)
    compared = 0
    for scene, seen in zip(scenes, sides, strict=True):
        for _, thing in scene.shapes():
            for _, found in mentions(scene, f"which row is the {thing.color} {thing.shape} in?"):
                if found[0] == 1:
                    compared += 1
                    assert tuple(seen[found[5] * SIDE + found[6]]) == found[7:]
    assert compared > 60
