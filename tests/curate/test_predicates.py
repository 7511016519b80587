"""Rules: read, write, hold; the grammar refuses the rest."""

import pytest

from auditdm_hub.curate.language import answer_class, fold, normalise, words
from auditdm_hub.curate.predicates import matches, read_rule, write_rule
from auditdm_hub.errors import ConfigError
from auditdm_hub.records import Predicate

RULES = (
    'question has any("left", "right of") and answer > 4',
    'answer in {"purple"}',
    'question has all("how many", "shapes") and question lacks any("die") and answer >= 1.5 and answer <= 11',
    'answer is yes or no and instruction has any("make the \\"red\\" one and answer > 3")',
    "answer < -2",
    'answer > 4 and question has any("die") or answer is side',
    'answer not in {"nothing", "unanswerable"}',
    "any question",
)


@pytest.mark.parametrize("text", RULES)
def test_a_rule_survives_the_round_trip(text: str) -> None:
    assert write_rule(read_rule(text)) == text


@pytest.mark.parametrize(
    ("rule", "question", "answer", "expected"),
    [
        (RULES[0], "Is it right of the Cross?", "five", True),
        (RULES[0], "Is it right, of course?", "5", True),
        (RULES[0], "Is it the right one?", "5", False),
        (RULES[0], "Is it left?", "4", False),
        (RULES[0], "Is it left?", "many", False),
        (RULES[1], "", "Purple.", True),
        (RULES[1], "purple?", "blue", False),
        (RULES[2], "How many large shapes?", "11", True),
        (RULES[2], "How many shapes on the dice or die?", "3", False),
        (RULES[2], "How many circles?", "3", False),
        (RULES[7], "anything", "", True),
        (RULES[5], "the dice", "5", False),
        (RULES[5], "the die", "5", True),
        (RULES[5], "the die", "left", True),
        (RULES[6], "", "the circle", True),
        (RULES[6], "", "Nothing", False),
        ('question has any("colour of")', "the color of it", "", True),
        ("answer is color", "", "grey", True),
    ],
)
def test_what_rules_say(rule: str, question: str, answer: str, expected: bool) -> None:
    assert matches(Predicate("", rule), question, answer, "") is expected


def test_instructions_can_be_read() -> None:
    predicate = Predicate("", 'instruction has all("add", "star")')
    assert matches(predicate, "", "", "add two stars")
    assert not matches(predicate, "add a star", "", "")


@pytest.mark.parametrize(
    "text",
    ["", "answer > ", "answer == 4", "question has any()", "answer in {left}", "answer is big",
     "answer > 4 or", 'answer in {"\\q"}', 'question has any("a") and ',
     "answer > 4, answer < 2", 'target in {"blue"}', '__import__("os")'],
)  # fmt: skip
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="rule"):
        read_rule(text)


def test_language() -> None:
    assert words("How many CROSSES' colours, at 7:30?") == ("how", "many", "cross", "color", "at", "7:30")
    assert [fold(word) for word in ("dice", "boxes", "is", "glass", "bus", "hours", "gas", "cities")] == [
        "dice", "box", "is", "glass", "bus", "hour", "gas", "city",
    ]  # fmt: skip
    assert [normalise(text) for text in ("A", "a dog", "The")] == ["a", "dog", "the"]
    assert normalise(" The Two red  circles. ") == "2 red circles"
    assert [answer_class(text) for text in ("Seven", "7:00", "No", "teal", "Left", "b", "a dog", "")] == [
        "number", "time", "yes or no", "color", "side", "letter", "text", "text",
    ]  # fmt: skip
