"""Multiple choice: which option an answer names, and when all orders of the options count as one item.

Reading follows MMMU's official evaluation (https://github.com/MMMU-Benchmark/MMMU), with two departures where that
would draw one of the options by lot. An answer that begins with a letter and a mark ("A. red", "B)") names that option,
as in the evaluations of MMBench and MMStar; any other that names none is wrong. On four options that costs up to 25
points of the share that cannot be read, so that share is reported beside the score.
"""

import re
from collections.abc import Mapping, Sequence

EDGES = (",", ".", "!", "?", ";", ":", "'")
LED = re.compile(r"[\W_]*([A-Z])\s*[.):]")
WORDS_FOR_CONTENT = 5
"""A longer answer may name an option by its text."""
INDICATORS = ("could be ", "so ", "is ", "thus ", "therefore ", "final ", "answer ", "result ")
"""What stands before the answer in a sentence, in MMMU's open questions."""
TRIVIAL = frozenset(":,.!?;'")
NUMBERS = (
    re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b"),
    re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d+"),
    re.compile(r"-?(?:\d+\.\d+|\.\d+|\d+\b)(?![eE][+-]?\d+)(?![,\d])"),
)


def option_named(answer: str, options: Mapping[str, str]) -> str | None:
    """Return the letter of the option that an answer names last; None if it names none.

    Args:
        answer: of the model.
        options: letter -> its text; "" where only the question says it.
    """
    led = LED.match(answer)
    for edge in EDGES:
        answer = answer.strip(edge)
    text = f" {answer} "
    for form in ("({})", " {} "):
        places = {letter: text.rfind(form.format(letter)) for letter in options}
        found = [letter for letter in options if places[letter] >= 0]
        if found:
            return max(found, key=lambda letter: places[letter])
    if len(text.split()) > WORDS_FOR_CONTENT:
        places = {letter: text.lower().rfind(content.lower()) for letter, content in options.items() if content}
        found = [letter for letter, place in places.items() if place >= 0]
        if found:
            return max(found, key=lambda letter: places[letter])
    return led[1] if led and led[1] in options else None


def open_answer(answer: str, wanted: Sequence[str]) -> float:
    """Return 1 if MMMU's evaluation finds a wanted text or number in the answer to an open question."""
    said = {form for part in _key_parts(answer) for text in (part, *_numbers_in(part)) for form in _forms(text)}
    for form in (form for each in wanted for form in _forms(each)):
        if any(form in each for each in said if isinstance(each, str)) if isinstance(form, str) else form in said:
            return 1.0
    return 0.0


def circular(right: Sequence[bool]) -> float:
    """Return 1 if an item is answered rightly with its options in every order (MMBench, arXiv:2307.06281)."""
    return float(all(right))


def _key_parts(answer: str) -> list[str]:
    """Return the ends of the lines after a word that announces an answer; the whole answer if there is none."""
    answer = answer.strip().strip(".").lower()
    lines = re.split(r"\.\s(?=[A-Z])|\n", answer)
    parts = []
    for number, line in enumerate(lines):
        marks = (*INDICATORS, "=") if number == len(lines) - 1 else INDICATORS
        ends = [line.split(mark)[-1].strip() for mark in marks if mark in line]
        shortest = min(ends, key=len, default="")
        if shortest and shortest not in TRIVIAL:
            parts.append(shortest)
    return parts or [answer]


def _numbers_in(text: str) -> list[str]:
    return [number for pattern in NUMBERS for number in pattern.findall(text)]


def _forms(text: str) -> list[str | float]:
    """Return how a text is compared: a number by its value, a single letter with a space on one side."""
    text = text.strip()
    try:
        return [round(float(text.replace(",", "")), 2)]
    except ValueError:
        text = text.lower()
        return [f" {text}", f"{text} "] if len(text) == 1 else [text]
