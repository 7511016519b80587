"""Read what an auditor wrote: one line with one tag, or a fault that says why it cannot be used.

1. Exactly one line that is not blank, starting with the tag of the action that was asked for; a closing tag is allowed.
2. White space is normalised, also before punctuation, where a word-level tokenizer leaves some.
3. A question ends with its only question mark, or is an order without one ("Count the cups.") that starts with a verb
   in `ORDERS`. A second mark, text after it, or a second clause that asks ("..., and how many ...") is a fault, and so
   is anything that tells the answer: a target that copies it from the question has not looked at the image.
4. A word three times in a row is a fault. The one word "pass" is an auditor that does not want to make the trial.
5. A caption or an edit is asked with the question that stands beside the image; without one it is a fault.

Nothing here raises: a fault is a trial that failed, and stays in every denominator.
"""

import re
from dataclasses import dataclass

from auditdm_hub.auditing.themes import PASSED
from auditdm_hub.records import Action

MAX_WORDS: dict[Action, int] = {"question": 60, "caption": 160, "edit": 60}
MAX_CHARACTERS_PER_WORD = 12
ORDERS = frozenset(
    "add choose compare count decide describe determine estimate find give identify list locate match name pick point "
    "read report say select spell state sum tell transcribe".split()
)
TAG = re.compile(r"<(question|caption|edit)>", re.IGNORECASE)
ANY_TAG = re.compile(r"</?(?:question|caption|edit)>", re.IGNORECASE)
SECOND_QUESTION = re.compile(r"\b(?:and|or|also|then),? (?:what|how many|how much|which|where|who|whose|when|why)\b")
ANSWER = re.compile(
    r"[(\[]\s*(?:the )?(?:correct )?(?:answer|hint|solution)\b"
    r"|\b(?:answer|solution|hint)\s*[:=]"
    r"|\b(?:correct|right|true|expected) answer\b"
    r"|\banswer (?:is|should be|would be)\b"
)
# "shapes shapes shapes": models agree on much that is no language, and an auditor would learn to write it.
REPEATED = re.compile(r"\b(\w+)(?:\W+\1\b){2,}", re.IGNORECASE)
PUNCTUATION = re.compile(r"\s+([?.!,;:])")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text as read. `question` is what will be asked, `instruction` the caption or the edit ("" for a question).

    With a `fault` the other two hold what could be read, for the record.
    """

    question: str
    instruction: str
    fault: str = ""


def parse(text: str, action: Action, seed_question: str) -> Parsed:
    """Read one text.

    Args:
        text: what the auditor wrote.
        action: what it was asked to write.
        seed_question: the question that stands beside the image; asked with a caption or an edit.
    """
    body, fault = _body(text, action)
    fault = fault or _length_fault(body, action)
    if fault == PASSED:
        return Parsed(normalise(seed_question) if action != "question" else "", "", fault)
    if action == "question":
        return Parsed(body, "", fault or _question_fault(body))
    if not fault and body.endswith("?"):
        fault = f"unparsed: a question, wanted {'a caption' if action == 'caption' else 'an instruction'}"
    if not fault and not seed_question.strip():
        fault = "no question: the pool has none for this image"
    return Parsed(normalise(seed_question), body, fault)


def normalise(text: str) -> str:
    """Return the text on one line, single spaces, none before punctuation."""
    return PUNCTUATION.sub(r"\1", " ".join(text.split()))


def _body(text: str, action: Action) -> tuple[str, str]:
    """Return what follows the tag, and a fault."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "", "empty"
    if len(lines) > 1:
        return normalise(text), f"unparsed: {len(lines)} lines, wanted one"
    found = TAG.match(lines[0])
    if not found and normalise(lines[0]).rstrip(".").lower() == "pass":
        return "", PASSED
    if not found:
        return normalise(lines[0]), f"unparsed: no tag, wanted <{action}>"
    body = normalise(lines[0][found.end() :].removesuffix(f"</{action}>"))
    if found[1].lower() != action:
        return body, f"unparsed: tag <{found[1].lower()}>, wanted <{action}>"
    if ANY_TAG.search(body):
        return body, "unparsed: several tags"
    return body, "" if any(letter.isalnum() for letter in body) else "empty"


def _length_fault(body: str, action: Action) -> str:
    words = len(body.split())
    if words > MAX_WORDS[action]:
        return f"too long: {words} words, at most {MAX_WORDS[action]}"
    if len(body) > MAX_WORDS[action] * MAX_CHARACTERS_PER_WORD:
        return f"too long: {len(body)} characters, at most {MAX_WORDS[action] * MAX_CHARACTERS_PER_WORD}"
    repeated = REPEATED.search(body)
    return f"repeats itself: {repeated[1]}" if repeated else ""


def _question_fault(question: str) -> str:
    lower = question.lower()
    if ANSWER.search(lower):
        return "gives the answer away"
    if lower.count("?") > 1 or SECOND_QUESTION.search(lower):
        return "several questions"
    if "?" in lower:
        return "" if lower.endswith("?") else "unparsed: text after the question mark"
    first = lower.split(maxsplit=1)[0].strip(".,:;!")
    return "" if first in ORDERS else "unparsed: no question mark"
