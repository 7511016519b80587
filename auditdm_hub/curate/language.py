"""How questions and answers are read: words without plural, answers without articles, classes of answers.

Predicates are evaluated on these, so the rules are few and plain enough to apply by hand:
a word is a run of letters and digits, in lower case; a plural counts as its singular; colour is color, grey is gray.
"""

import re
from functools import lru_cache
from typing import Literal, get_args

AnswerClass = Literal["number", "time", "yes or no", "color", "side", "letter", "text"]
ANSWER_CLASSES: tuple[AnswerClass, ...] = get_args(AnswerClass)

NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
COLORS = frozenset(
    "red green blue yellow purple orange cyan white black gray brown pink magenta violet turquoise teal gold silver "
    "beige navy maroon tan".split()
)
SIDES = frozenset("left right up down above below top bottom north south east west front behind center middle".split())
BRITISH = {"colour": "color", "coloured": "colored", "grey": "gray", "centre": "center"}
WORD = re.compile(r"[a-z0-9]+(?:[:.'][a-z0-9]+)*")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
TIME = re.compile(r"\d{1,2}:\d{2}")


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """Return the folded words of a text, in order."""
    return tuple(fold(word) for word in WORD.findall(text.lower()))


def fold(word: str) -> str:
    """Return a lower-case word without plural ending, in American spelling."""
    word = word.removesuffix("'s")
    word = BRITISH.get(word, word)
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "does")):
        return BRITISH.get(word[:-1], word[:-1])
    return word


@lru_cache(maxsize=65536)
def normalise(answer: str) -> str:
    """Return an answer in lower case, without articles and final punctuation, number words as digits."""
    parts = answer.lower().strip().strip(".,;!?\"'").split()
    kept = [part for part in parts if part not in ("a", "an", "the")] or parts  # the letter "a" is an answer
    return " ".join(NUMBER_WORDS.get(part, BRITISH.get(part, part)) for part in kept)


def number(answer: str) -> float | None:
    """Return the value of an answer that is a number, else None."""
    text = normalise(answer)
    return float(text) if NUMBER.fullmatch(text) else None


def answer_class(answer: str) -> AnswerClass:
    """Return what kind of answer this is."""
    text = normalise(answer)
    if NUMBER.fullmatch(text):
        return "number"
    if TIME.fullmatch(text):
        return "time"
    if text in ("yes", "no"):
        return "yes or no"
    if text in COLORS:
        return "color"
    if text in SIDES:
        return "side"
    return "letter" if len(text) == 1 and text.isalpha() else "text"
