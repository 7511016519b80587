"""Answers in one spelling, so that equal answers are equal strings.

The steps are those of the VQA evaluation (Antol et al., arXiv 1505.00468; visualqa.org/evaluation.html), written anew:
lower case, no articles, number words as digits, no punctuation but decimal points, contractions with and without
apostrophe alike. Beyond it, because an audit counts each misjudged answer as a failure:

- numbers are read by value: "4.0", "four" and "4" are one, "twenty one" is 21, "1,000" is 1000, and a minus sign stays;
- "yes, there is", "yep" and "yes." are "yes"; likewise "no" (but "no parking", read from a sign, is not);
- "cannot be determined", "not visible", "no such object" and their like are all "unanswerable";
- "grey" and "colour" are "gray" and "color".
"""

import re
from functools import lru_cache

from auditdm_hub.records import UNANSWERABLE

ARTICLES = frozenset({"a", "an", "the"})
UNITS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
TENS = {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
# "none" is a count, as in the VQA evaluation.
NUMBER_WORDS = {**UNITS, **TENS, "none": 0}
SPELLINGS = {"grey": "gray", "colour": "color", "colours": "colors", "coloured": "colored", "centre": "center"}
NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
APOSTROPHES = re.compile(r"['\u2019`]")
# Kept: letters, digits, "%" and "$", ":" and "." between digits (or before one), a minus sign before a number.
DROPPED = re.compile(r"\.(?!\d)|(?<=[^\W\d])\.|:(?!\d)|(?<!\d):|(?<=\w)-|-(?!\.?\d)|[^\w\s:.%$-]|_")
OPENING = {"yes": "yes|yeah|yea|yep|yup", "no": "no|nope|nah"}
# A comma after the word, or a clause that only repeats the question; anything else may be the text of a sign.
CLAUSE = (
    r"(?:\s*[,.;!:-].*"
    r"|\s+(?:it|there|they|he|she|that|this|these|those)\s+(?:is|are|was|were|does|do|has|have|can)\b.*)?"
)
POLARITY = {answer: re.compile(rf"(?:{words}){CLAUSE}\s*", re.DOTALL) for answer, words in OPENING.items()}
KNOW = r"(?:determined?|tell|told|say|said|know|known|see|seen|answer(?:ed)?|identif(?:y|ied)|judged?|made\ out)"
UNANSWERABLE_TEXT = re.compile(
    rf"""
    un(?:answerable|known|clear|certain|determined|identifiable|sure) | indeterminate | undeterminable
    | (?:not|isnt|arent)\ (?:answerable|visible|shown|clear|certain|sure|known|specified|applicable|pictured|depicted
        |possible(?:\ to\ {KNOW})?)
    | (?:can\ ?not|cant|could\ not|couldnt)\ (?:be\ |really\ )?{KNOW}
    | (?:unable|impossible|hard|difficult)\ to\ {KNOW}
    | not\ (?:enough|sufficient)\ (?:information|info|detail|details|context|evidence) | insufficient\ information
    | (?:do\ not|dont|does\ not|doesnt)\ (?:know|exist|say|show)
    | no\ such\b | no\ answer\b | not\ in\ image | there\ is\ no\ such\b
    """,
    re.VERBOSE,
)
# What may stand before such a phrase: "it is", "the question is", "I am", "this".
SUBJECT = re.compile(
    r"(?:(?:i|im|it|its|this|that|they|there|you|we|answer|question|image|picture|information)\s+)?(?:(?:is|are|am|be)\s+)?"
)


@lru_cache(maxsize=65536)
def normalise(answer: str) -> str:
    """Return the answer in its normal spelling; "" for an answer without a word."""
    text = " ".join(answer.lower().split())
    if text.strip(". ") in ("n/a", "n.a"):
        return UNANSWERABLE
    for polarity, pattern in POLARITY.items():
        if pattern.fullmatch(text.strip("\"'.!? ")):
            return polarity
    text = DROPPED.sub(" ", THOUSANDS.sub("", APOSTROPHES.sub("", text)))
    spelt = [SPELLINGS.get(word, word) for word in text.split()]
    words = [word for word in spelt if word not in ARTICLES] or spelt  # "a" alone is a letter
    if is_unanswerable(" ".join(words)):
        return UNANSWERABLE
    return " ".join(_numbers(words))


def is_unanswerable(text: str) -> bool:
    """Tell whether a text in lower case, without punctuation and articles, says that there is no answer."""
    start = SUBJECT.match(text)
    return bool(text) and UNANSWERABLE_TEXT.match(text, start.end() if start else 0) is not None


def number(answer: str) -> float | None:
    """Return the value of an answer that is a number, else None."""
    text = normalise(answer)
    return float(text) if NUMBER.fullmatch(text) else None


def _numbers(words: list[str]) -> list[str]:
    """Write numbers as digits, without trailing zeros; "twenty one" is one number."""
    done: list[str] = []
    for k, word in enumerate(words):
        if word in UNITS and 0 < UNITS[word] < 10 and k and words[k - 1] in TENS:
            done[-1] = str(TENS[words[k - 1]] + UNITS[word])
        elif word in NUMBER_WORDS:
            done.append(str(NUMBER_WORDS[word]))
        elif NUMBER.fullmatch(word):
            whole, _, decimals = word.partition(".")
            kept = decimals.rstrip("0")
            sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
            value = (digits.lstrip("0") or "0") + (f".{kept}" if kept else "")
            done.append(value if value == "0" else sign + value)
        else:
            done.append(word)
    return done
