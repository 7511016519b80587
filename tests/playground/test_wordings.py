"""Questions are read as they were worded, and nothing else is taken for a question."""

import random
import re

import pytest

from auditdm_hub.playground.skills import SKILLS, Skill, parse_question, question_words, solve
from auditdm_hub.playground.skills.questions import ASKED
from auditdm_hub.playground.skills.skill import SLOT_PATTERNS, described, only
from auditdm_hub.playground.world import COLORS, CORNERS, PATTERNS, PLURALS, SHAPES, SIZES, Scene

WORDED = [(skill, wording) for skill in ASKED for wording in skill.wordings]
PHRASES = {
    "color": COLORS,
    "other": COLORS,
    "shape": SHAPES,
    "plural": tuple(PLURALS.values()),
    "corner": tuple(CORNERS),
    "side": ("left of", "right of", "above", "below"),
    "colorless": tuple(f"{look} {shape}".strip() for look in ("", *SIZES, *PATTERNS) for shape in SHAPES),
    "shapeless": tuple(f"{look} {color}".strip() for look in ("", *SIZES, *PATTERNS) for color in COLORS),
    "sizeless": ("red cross", "hollow blue star", "striped cyan circle"),
    "patternless": ("red cross", "small blue star", "large cyan circle"),
    "one": ("red cross", "blue star"),
    "two": ("orange diamond", "red square"),
}


def test_there_are_enough_skills() -> None:
    assert len(set(SKILLS)) == len(SKILLS) >= 24
    assert {len(set(skill.wordings)) for skill in ASKED} == {3}
    assert PHRASES.keys() == SLOT_PATTERNS.keys()


@pytest.mark.parametrize(("skill", "wording"), WORDED)
def test_a_wording_is_read_back_with_its_slots(skill: Skill, wording: str) -> None:
    rng = random.Random(wording)
    for _ in range(20):
        slots = {name: rng.choice(PHRASES[name]) for name in re.findall(r"\{(\w+)\}", wording)}
        parsed = parse_question(wording.format(**slots))
        assert parsed is not None
        assert (parsed[0].name, parsed[1]) == (skill.name, slots)


@pytest.mark.parametrize(("skill", "wording"), WORDED)
def test_no_question_is_of_two_skills(skill: Skill, wording: str) -> None:
    question = wording.format(**{name: phrases[-1] for name, phrases in PHRASES.items()})
    fitting = [(other.name, pattern) for other in ASKED for pattern in other.patterns() if pattern.fullmatch(question)]
    assert [name for name, _ in fitting] == [skill.name]


@pytest.mark.parametrize(("name", "phrases"), PHRASES.items())
def test_every_value_of_a_slot_is_let_in(name: str, phrases: tuple[str, ...]) -> None:
    assert [phrase for phrase in phrases if not re.fullmatch(SLOT_PATTERNS[name], phrase)] == []


@pytest.mark.parametrize(
    "text",
    ["", "?", "what color is the circle", "What color is the circle?", "what color is the circle??",
     " what color is the circle?", "what color is the red circle?", "what color is the pink thing?",
     "what shape is the star thing?", "how many pink shapes are there?", "what size is the large red star?",
     "what is in the middle corner?", "what color is the circle?\n", "how many circle are there?", "\x00", "(",
     "{one}"],
)  # fmt: skip
def test_other_texts_are_no_questions(text: str) -> None:
    assert parse_question(text) is None
    assert solve(Scene.parse("white; 0 large solid red circle"), text) is None


@pytest.mark.parametrize(
    ("phrase", "cells"),
    [("red", [0, 1, 5]), ("circle", [0, 1, 4]), ("red circle", [0, 1]), ("small red circle", [1]),
     ("striped circle", [4]), ("hollow", []), ("large solid red star", [5])],
)  # fmt: skip
def test_a_phrase_picks_what_it_describes(phrase: str, cells: list[int]) -> None:
    scene = Scene.parse(
        "white; 0 large solid red circle; 1 small solid red circle; 2 digit 1; 3 bar red 2; "
        "4 small striped blue circle; 5 large solid red star"
    )
    found = described(scene, phrase)
    assert [cell for cell, _ in found] == cells
    assert only(scene, phrase) == (found[0] if len(cells) == 1 else None)


def test_the_vocabulary_of_questions_is_made_of_words() -> None:
    held = set(" ".join(question_words()).split())
    assert {"outnumber", "cyan", "crosses", "bottom", "hollow"} <= held
    assert {word for word in held if not re.fullmatch(r"[a-z]+|[a-z]*[?.,]", word)} == set()
