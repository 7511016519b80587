"""What is true of scenes that were made by hand, for every skill; and what cannot be answered."""

import pytest

from auditdm_hub.playground.skills import SKILLS, solve
from auditdm_hub.playground.skills.questions import CROWDED, FALSE_PREMISE
from auditdm_hub.playground.world import Scene

# row 1: large solid red circle | small striped blue star | - | digit 7
# row 2: large hollow red cross | -                       | - | digit 2
# row 3: small solid green star | letter k | clock 11 | arrow left
# row 4: die 6 | bar red 2 | bar cyan 5 | large striped blue diamond
DESK = (
    "pink; 0 large solid red circle; 1 small striped blue star; 3 digit 7; 4 large hollow red cross; 7 digit 2; "
    "8 small solid green star; 9 letter k; 10 clock 11; 11 arrow left; 12 die 6; 13 bar red 2; 14 bar cyan 5; "
    "15 large striped blue diamond"
)
ODD = "white; 2 large solid red circle; 6 small solid red star; 9 large solid green circle"
CROWD = "; ".join(["gray", *(f"{cell} large solid red circle" for cell in range(8)), "9 digit 4", "10 digit 4"])
EMPTY = "black"

TRUTHS = [
    ("color", DESK, "what color is the circle?", "red"),
    ("color", DESK, "which color does the striped star have?", "blue"),
    ("color", DESK, "name the color of the small diamond.", None),
    ("color", DESK, "what color is the star?", None),
    ("color", DESK, "what color is the triangle?", None),
    ("shape", DESK, "what shape is the green thing?", "star"),
    ("shape", DESK, "which shape does the hollow red thing have?", "cross"),
    ("shape", DESK, "name the shape of the large red thing.", None),
    ("shape", DESK, "what shape is the cyan thing?", None),
    ("size", DESK, "how big is the green star?", "small"),
    ("size", DESK, "is the hollow red cross small or large?", "large"),
    ("size", DESK, "what size is the solid red cross?", None),
    ("pattern", DESK, "how is the large blue diamond filled?", "striped"),
    ("pattern", DESK, "is the red cross solid, striped or hollow?", "hollow"),
    ("pattern", DESK, "what pattern does the small red circle have?", None),
    ("background", DESK, "what color is the background?", "pink"),
    ("background", EMPTY, "name the color of the background.", "black"),
    ("count all", DESK, "how many shapes are there?", "5"),
    ("count all", EMPTY, "count the shapes.", "0"),
    ("count color", DESK, "count the blue shapes.", "2"),
    ("count color", CROWD, "what is the number of red shapes?", "8"),
    ("count shape", DESK, "how many stars are there?", "2"),
    ("count shape", DESK, "what is the number of triangles?", "0"),
    ("count both", DESK, "count the red crosses.", "1"),
    ("count both", DESK, "how many green circles are there?", "0"),
    ("existence", DESK, "is there a green star?", "yes"),
    ("existence", DESK, "can you see a green circle?", "no"),
    ("more than", DESK, "are there more red shapes than green shapes?", "yes"),
    ("more than", DESK, "do red shapes outnumber blue shapes?", "no"),
    ("more than", DESK, "are red shapes more frequent than red shapes?", None),
    ("odd one out", ODD, "which color is the odd one out?", "green"),
    ("odd one out", DESK, "what color is the shape that differs?", None),
    ("odd one out", CROWD, "name the color of the odd shape.", None),
    ("left or right", DESK, "is the red cross left or right of the blue star?", "left"),
    ("left or right", DESK, "on which side of the red circle is the blue diamond, left or right?", "right"),
    ("left or right", DESK, "left or right of the blue star, where is the red circle?", "left"),
    ("left or right", DESK, "is the red circle left or right of the red cross?", None),
    ("above or below", DESK, "is the red cross above or below the blue star?", "below"),
    ("above or below", DESK, "above or below the green star, where is the red circle?", "above"),
    ("above or below", DESK, "is the red circle higher or lower than the blue star, above or below?", None),
    ("neighbour", DESK, "what color is the shape right of the red circle?", "blue"),
    ("neighbour", DESK, "which color does the shape above the green star have?", "red"),
    ("neighbour", DESK, "name the color of the shape left of the blue star.", "red"),
    ("neighbour", DESK, "what color is the shape below the red cross?", "green"),
    ("neighbour", DESK, "what color is the shape right of the green star?", None),
    ("neighbour", DESK, "what color is the shape right of the blue diamond?", None),
    ("neighbour", DESK, "what color is the shape left of the red cross?", None),
    ("row", DESK, "which row is the green star in?", "3"),
    ("row", DESK, "in which row is the green circle?", None),
    ("column", DESK, "what is the column of the blue star?", "2"),
    ("column", DESK, "which column is the blue circle in?", None),
    ("corner", DESK, "what is in the top left corner?", "circle"),
    ("corner", DESK, "which thing is in the bottom left corner?", "die"),
    ("corner", DESK, "name the thing in the bottom right corner.", "diamond"),
    ("corner", ODD, "what is in the top right corner?", "nothing"),
    ("same color", DESK, "do the circle and the cross have the same color?", "yes"),
    ("same color", DESK, "is the solid star the same color as the circle?", "no"),
    ("same color", DESK, "are the large circle and the circle of one color?", None),
    ("same color", DESK, "are the circle and the star of one color?", None),
    ("digit", "pink; 3 digit 0", "which digit is shown?", "0"),
    ("digit", DESK, "read the digit.", None),
    ("letter", DESK, "what letter do you see?", "k"),
    ("letter", ODD, "read the letter.", None),
    ("larger digit", DESK, "which digit is larger?", "7"),
    ("larger digit", CROWD, "what is the larger digit?", None),
    ("digit sum", DESK, "add the two digits.", "9"),
    ("digit sum", CROWD, "what do the digits add up to?", "8"),
    ("digit sum", ODD, "what is the sum of the digits?", None),
    ("clock", DESK, "what time is it?", "11"),
    ("clock", "gray; 0 clock 1; 1 clock 2", "which hour does the clock show?", None),
    ("arrow", DESK, "which way does the arrow point?", "left"),
    ("arrow", ODD, "where does the arrow point?", None),
    ("die", DESK, "how many dots does the die have?", "6"),
    ("die", ODD, "read the die.", None),
    ("tallest bar", DESK, "which bar is the tallest?", "cyan"),
    ("tallest bar", "gray; 0 bar red 3; 1 bar blue 3", "what color is the tallest bar?", None),
    ("tallest bar", "gray; 0 bar red 3", "name the color of the tallest bar.", None),
    ("bar height", DESK, "how tall is the red bar?", "2"),
    ("bar height", DESK, "read the height of the green bar.", None),
    (CROWDED, CROWD, "how many shapes are there?", "8"),
]  # fmt: skip


@pytest.mark.parametrize(("skill", "scene", "question", "answer"), TRUTHS)
def test_what_is_true(skill: str, scene: str, question: str, answer: str | None) -> None:
    truth = solve(Scene.parse(scene), question)
    assert truth is not None
    assert (truth.skill, truth.answer) == ((FALSE_PREMISE, "unanswerable") if answer is None else (skill, answer))


def test_the_table_holds_every_skill() -> None:
    assert {skill for skill, _, _, answer in TRUTHS if answer is not None} == set(SKILLS) - {FALSE_PREMISE}


def test_six_shapes_are_no_crowd() -> None:
    seven = Scene.parse(CROWD).put(7, None)
    answers = [solve(scene, "count the shapes.") for scene in (seven, seven.put(6, None))]
    assert [(truth.skill, truth.answer) for truth in answers if truth] == [(CROWDED, "7"), ("count all", "6")]
