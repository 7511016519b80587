"""Scenes are values that survive the trip to text and back."""

import random

import pytest

from auditdm_hub.playground.draw import contents
from auditdm_hub.playground.sample import sample_scene
from auditdm_hub.playground.world import BACKGROUNDS, CORNERS, EMPTY, Scene, Thing, column, row

LINE = "white; 0 large solid red circle; 5 digit 7; 9 clock 12; 10 bar cyan 4; 15 small hollow red star"


def test_a_scene_is_read_as_it_is_written() -> None:
    scene = Scene.parse(LINE)
    assert scene.background == "white"
    assert scene.cells[0] == Thing("shape", "red", "circle", "large", "solid")
    assert scene.cells[9] == Thing("clock", value="12")
    assert scene.cells[10] == Thing("bar", color="cyan", value="4")
    assert str(scene) == LINE


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_an_empty_scene_is_its_background(background: str) -> None:
    assert str(Scene(background, EMPTY)) == background
    assert Scene.parse(background) == Scene(background, EMPTY)


def test_random_scenes_survive_the_round_trip() -> None:
    rng = random.Random(1)
    scenes = [sample_scene(rng, unseen=number % 2 == 0) for number in range(300)]
    assert [Scene.parse(str(scene)) for scene in scenes] == scenes
    assert len(set(map(str, scenes))) == len(set(scenes)) > 290


def test_every_thing_survives_the_round_trip() -> None:
    things = [thing for thing in contents() if thing is not None]
    assert [Thing.parse(str(thing)) for thing in things] == things
    assert len(set(map(str, things))) == len(things) == 7 * 6 * 2 * 3 + 7 * 5 + 10 + 12 + 12 + 4 + 6


@pytest.mark.parametrize(
    "line",
    [
        "", "teal", "white;", "white; 16 digit 7", "white; -1 digit 7", "white; digit 7", "white; 0", "white; 0 digit",
        "white; 0 digit 10", "white; 0 letter d", "white; 0 clock 0", "white; 0 die 7", "white; 0 arrow north",
        "white; 0 bar red 6", "white; 0 bar 3", "white; 0 large red circle", "white; 0 solid large red circle",
        "white; 0 large solid pink circle", "white; 0 shape 1", "white; 0 large solid red circle twice",
    ],
)  # fmt: skip
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(ValueError, match="of the playground"):
        Scene.parse(line)


@pytest.mark.parametrize(
    ("wanted", "cells"),
    [
        ({}, [0, 15]),
        ({"color": "red"}, [0, 15]),
        ({"shape": "star"}, [15]),
        ({"color": "red", "size": "large"}, [0]),
        ({"pattern": "hollow", "size": "large"}, []),
    ],
)
def test_shapes_are_found_by_their_look(wanted: dict[str, str], cells: list[int]) -> None:
    assert [cell for cell, _ in Scene.parse(LINE).shapes(**wanted)] == cells


def test_things_are_found_by_their_kind() -> None:
    scene = Scene.parse(LINE)
    assert [(cell, thing.value) for cell, thing in scene.things("digit")] == [(5, "7")]
    assert list(scene.things("die")) == []


def test_putting_changes_one_cell_of_a_copy() -> None:
    scene, three = Scene.parse(LINE), Thing("digit", value="3")
    changed = scene.put(5, three)
    assert str(changed) == LINE.replace("digit 7", "digit 3")
    assert str(scene) == LINE
    assert scene.put(5, None).free() == [1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14]
    assert scene.put(5, scene.cells[5]) == scene


def test_cells_are_counted_row_by_row() -> None:
    assert [(row(cell), column(cell)) for cell in (0, 3, 4, 15)] == [(0, 0), (0, 3), (1, 0), (3, 3)]
    assert {name: (row(cell), column(cell)) for name, cell in CORNERS.items()} == {
        "top left": (0, 0), "top right": (0, 3), "bottom left": (3, 0), "bottom right": (3, 3),
    }  # fmt: skip
