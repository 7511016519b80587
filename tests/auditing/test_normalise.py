import pytest

from auditdm_hub.auditing.normalise import normalise, number
from auditdm_hub.records import UNANSWERABLE


@pytest.mark.parametrize(
    ("answer", "normal"),
    [
        ("A Red  Circle.", "red circle"),
        ("the red circle", "red circle"),
        ("red/blue", "red blue"),
        ("up-left", "up left"),
        ("Four", "4"),
        ("4.0", "4"),
        ("4.", "4"),
        ("4.50", "4.5"),
        (".5", "0.5"),
        ("007", "7"),
        ("-3", "-3"),
        ("-0", "0"),
        ("3-4", "3 4"),
        ("1,000", "1000"),
        ("1, 2", "1 2"),
        ("twenty-one", "21"),
        ("twenty", "20"),
        ("seven ten", "7 10"),
        ("None", "0"),
        ("don't", "dont"),
        ("dont", "dont"),
        ("3:15", "3:15"),
        ("color: red", "color red"),
        ("50%", "50%"),
        ("Grey", "gray"),
        ("A", "a"),
        ("", ""),
        ("...", ""),
        ("Yes.", "yes"),
        ("yes, there is", "yes"),
        ("Yes there is a dog", "yes"),
        ("yep!", "yes"),
        ("No, it isn't.", "no"),
        ("nope", "no"),
        ("no parking", "no parking"),
        ("not red", "not red"),
        ("yesterday", "yesterday"),
    ],
)
def test_normal_spelling(answer: str, normal: str) -> None:
    assert normalise(answer) == normal
    assert normalise(normal) == normal


@pytest.mark.parametrize(
    "answer",
    [
        "unanswerable",
        "Unanswerable.",
        "It cannot be determined.",
        "can't tell",
        "I can not tell from this image",
        "I don't know",
        "It is not visible.",
        "no such object",
        "There is no such circle",
        "Unknown",
        "N/A",
        "not enough information",
        "hard to say",
        "impossible to tell",
    ],
)
def test_unanswerable(answer: str) -> None:
    assert normalise(answer) == UNANSWERABLE


@pytest.mark.parametrize("answer", ["no", "nothing", "clear", "visible", "no dogs", "nail", "not red", "knot", "n"])
def test_answerable(answer: str) -> None:
    assert normalise(answer) != UNANSWERABLE


def test_numbers() -> None:
    assert [number(text) for text in ("four", "4.0", "-2.5", "4 dogs", "red", "")] == [4, 4, -2.5, None, None, None]
