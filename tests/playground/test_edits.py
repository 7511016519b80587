"""An instruction changes what it says and nothing else; what cannot be done gives None and raises nothing."""

import random

import pytest

from auditdm_hub.playground.language import EDITS, edit
from auditdm_hub.playground.sample import sample_edit, sample_scene
from auditdm_hub.playground.world import SIDE, Scene, row

DESK = (
    "white; 0 large solid red circle; 1 small striped blue star; 2 small hollow blue star; 5 digit 7; 6 digit 2; "
    "8 clock 4; 9 letter b; 10 arrow left; 12 die 5; 13 bar red 2; 14 bar cyan 4"
)

DONE = [
    ("make the red circle blue", "0 large solid red circle", "0 large solid blue circle"),
    ("make the red circle small", "0 large solid red circle", "0 small solid red circle"),
    ("make the large solid red circle striped.", "0 large solid red circle", "0 large striped red circle"),
    ("turn the striped blue star into a cross", "1 small striped blue star", "1 small striped blue cross"),
    ("remove the red circle", "; 0 large solid red circle", ""),
    ("remove the clock", "; 8 clock 4", ""),
    ("remove the digit 2", "; 6 digit 2", ""),
    ("remove the letter b", "; 9 letter b", ""),
    ("remove the cyan bar", "; 14 bar cyan 4", ""),
    ("add a small solid green star in the bottom right corner", "cyan 4", "cyan 4; 15 small solid green star"),
    ("move the red circle to row 1 column 4", "0 large solid red circle; 1 small striped blue star; 2 small hollow "
     "blue star", "1 small striped blue star; 2 small hollow blue star; 3 large solid red circle"),
    ("set the clock to 11", "clock 4", "clock 11"),
    ("set the die to 1", "die 5", "die 1"),
    ("set the letter to k", "letter b", "letter k"),
    ("point the arrow up", "arrow left", "arrow up"),
    ("make the red bar 5 tall", "bar red 2", "bar red 5"),
    ("change the digit 7 to 3", "digit 7", "digit 3"),
    ("change the digit 7 to 2", "digit 7", "digit 2"),
    ("make the background gray", "white", "gray"),
    ("fill row 4 with large solid red squares", "12 die 5; 13 bar red 2; 14 bar cyan 4",
     "; ".join(f"{cell} large solid red square" for cell in (12, 13, 14, 15))),
]  # fmt: skip
BARE = "white; 5 digit 7; 14 bar cyan 4"
ADDED = [
    ("add the digit 2 in row 4 column 4", f"{BARE}; 15 digit 2"),
    ("add the clock at 12 in row 4 column 4", f"{BARE}; 15 clock 12"),
    ("add the arrow pointing up in row 1 column 1", BARE.replace("5 digit", "0 arrow up; 5 digit")),
    ("add a red bar 5 tall in the top right corner", BARE.replace("5 digit", "3 bar red 5; 5 digit")),
]
UNDONE = [
    "add the digit 3 in row 4 column 4", "add the letter k in row 4 column 4", "add the clock at 3 in row 4 column 4",
    "add the die at 3 in row 4 column 4", "add the arrow pointing up in row 4 column 4",
    "add a cyan bar 1 tall in row 4 column 4",
    "make the red circle red", "make the red circle large", "make the background white", "change the digit 7 to 7",
    "set the clock to 4", "turn the red circle into a circle", "make the green circle blue", "make the blue star red",
    "make the small blue star red", "make the red circle pink", "turn the red circle into a digit",
    "remove the digit 9", "remove the green bar", "remove the star", "remove everything",
    "add a small solid green star in the top left corner", "add the digit 10 in row 4 column 4",
    "add the digit 3 in row 5 column 1", "add the digit 3", "add the letter d in row 4 column 4",
    "add the clock at 13 in row 4 column 4", "add the arrow pointing north in row 4 column 4",
    "add a red bar 6 tall in row 4 column 4", "add a green star in row 4 column 4",
    "move the red circle to row 1 column 1", "move the red circle to row 1 column 2", "move the red circle to row 0",
    "set the clock to 13", "set the clock to 0", "set the die to 7", "set the letter to d", "set the letter to 3",
    "point the arrow north", "make the red bar 6 tall", "make the green bar 3 tall", "change the digit 9 to 1",
    "fill row 4 with large solid red square", "fill row 5 with large solid red squares",
    "fill row 4 with large solid red digits", "", ".", "\x00", "make the", "Make the red circle blue",
    "make the red circle blue and small", "make the red circle blue\nmake the background gray", "(", "\\",
    "remove the ",
    "change the digit 7 to \u0663", "make the red bar \u0663 tall", "set the die to \u00b2", "x" * 5000,
    f"make the red bar {'9' * 5000} tall",
]  # fmt: skip


@pytest.mark.parametrize(("instruction", "before", "after"), DONE)
def test_what_an_instruction_does(instruction: str, before: str, after: str) -> None:
    assert DESK.count(before) == 1
    changed = edit(Scene.parse(DESK), instruction)
    assert str(changed) == DESK.replace(before, after)


@pytest.mark.parametrize(("instruction", "after"), ADDED)
def test_what_the_world_has_once_can_be_added_once(instruction: str, after: str) -> None:
    changed = edit(Scene.parse(BARE), instruction)
    assert str(changed) == after
    assert changed is not None
    assert edit(changed, f"{instruction.partition(' in ')[0]} in row 3 column 3") is None


def test_the_table_holds_every_kind_of_instruction() -> None:
    kinds = {name for name, form in EDITS.items() for text, *_ in DONE if form.fullmatch(text.removesuffix("."))}
    assert kinds == set(EDITS)


@pytest.mark.parametrize("instruction", UNDONE)
def test_what_cannot_be_done(instruction: str) -> None:
    assert edit(Scene.parse(DESK), instruction) is None


def test_one_of_two_like_shapes_cannot_be_named() -> None:
    twins = Scene.parse("white; 0 large solid red circle; 1 large solid red circle; 2 clock 1; 3 clock 2")
    assert edit(twins, "remove the large solid red circle") is None
    assert edit(twins, "set the clock to 5") is None


def test_a_random_edit_changes_exactly_one_thing() -> None:
    rng = random.Random(3)
    for number in range(400):
        scene = sample_scene(rng, unseen=number % 2 == 0)
        instruction = sample_edit(scene, rng)
        changed = edit(scene, instruction)
        assert changed is not None
        cells = [cell for cell, held in enumerate(scene.cells) if held != changed.cells[cell]]
        if instruction.startswith("make the background"):
            assert cells == [] and changed.background in instruction and changed.background != scene.background
            continue
        assert changed.background == scene.background
        if instruction.startswith("fill row"):
            assert {row(cell) for cell in cells} == {int(instruction.split()[2]) - 1} and 1 <= len(cells) <= SIDE
        elif instruction.startswith("move"):
            old, new = sorted(cells, key=lambda cell: scene.cells[cell] is None)
            assert (changed.cells[new], changed.cells[old], scene.cells[new]) == (scene.cells[old], None, None)
        else:
            assert len(cells) == 1, instruction


def test_jumbled_instructions_raise_nothing() -> None:
    rng = random.Random(4)
    scene = Scene.parse(DESK)
    words = " ".join(text for text, *_ in DONE).split()
    done = [edit(scene, " ".join(rng.choices(words, k=rng.randint(1, 9)))) for _ in range(500)]
    assert set(done) == {None}
    cut = [edit(scene, text[: rng.randrange(len(text) - 1)]) for text, *_ in DONE for _ in range(5)]
    assert all(found is None or isinstance(found, Scene) for found in cut)
