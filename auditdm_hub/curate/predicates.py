"""Predicates: falsifiable statements of which trials belong to a failure type, and their evaluation.

A rule can be checked by eye on a question, a consensus answer and an edit instruction. It is a conjunction, or, after
a merge by hand, several of them ("and" binds closer than "or"):

    rule      = "any question" | all { " or " all }
    all       = condition { " and " condition }
    condition = ("question" | "instruction") (" has any(" | " has all(" | " lacks any(") phrase { ", " phrase } ")"
              | ("answer in {" | "answer not in {") value { ", " value } "}"
              | "answer is " ("number" | "time" | "yes or no" | "color" | "side" | "letter" | "text")
              | "answer " (">" | ">=" | "<" | "<=") " " decimal

Phrases and values are JSON strings. A phrase is in a text if its words follow one another there; words are compared
in lower case and without plural ending, answers as `auditdm_hub.curate.language.normalise` writes them. The parser is
one regular expression per condition: nothing is evaluated.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from auditdm_hub.curate.language import ANSWER_CLASSES, AnswerClass, answer_class, normalise, number, words
from auditdm_hub.errors import ConfigError
from auditdm_hub.records import Predicate

Field = Literal["question", "instruction"]
Mode = Literal["has any", "has all", "lacks any"]
Comparison = Literal[">", ">=", "<", "<="]
ANY_QUESTION = "any question"

_STRING = r'"(?:[^"\\]|\\.)*"'
_STRINGS = rf"{_STRING}(?:, {_STRING})*"
_PHRASES = re.compile(rf"(question|instruction) (has any|has all|lacks any)\(({_STRINGS})\)")
_VALUES = re.compile(rf"answer (in|not in) \{{({_STRINGS})\}}")
_CLASS = re.compile(rf"answer is ({'|'.join(ANSWER_CLASSES)})")
_BOUND = re.compile(r"answer (>=|<=|>|<) (-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Phrases:
    """`field` has any, has all or lacks any of the phrases."""

    field: Field
    mode: Mode
    phrases: tuple[str, ...]

    def __str__(self) -> str:
        """Return the condition as the grammar writes it."""
        return f"{self.field} {self.mode}({_quoted(self.phrases)})"

    def holds(self, question: str, consensus: str, instruction: str) -> bool:
        """Return whether a trial satisfies the condition."""
        del consensus
        text = words(question if self.field == "question" else instruction)
        found = (contains(text, words(phrase)) for phrase in self.phrases)
        if self.mode == "has all":
            return all(found)
        return any(found) == (self.mode == "has any")


@dataclass(frozen=True, slots=True)
class Values:
    """The consensus answer is one of these, or, if `excluded`, none of them."""

    values: tuple[str, ...]
    excluded: bool = False

    def __str__(self) -> str:
        """Return the condition as the grammar writes it."""
        return f"answer {'not in' if self.excluded else 'in'} {{{_quoted(self.values)}}}"

    def holds(self, question: str, consensus: str, instruction: str) -> bool:
        """Return whether a trial satisfies the condition."""
        del question, instruction
        return (normalise(consensus) in {normalise(value) for value in self.values}) != self.excluded


@dataclass(frozen=True, slots=True)
class IsClass:
    """The consensus answer is of a class."""

    kind: AnswerClass

    def __str__(self) -> str:
        """Return the condition as the grammar writes it."""
        return f"answer is {self.kind}"

    def holds(self, question: str, consensus: str, instruction: str) -> bool:
        """Return whether a trial satisfies the condition."""
        del question, instruction
        return answer_class(consensus) == self.kind


@dataclass(frozen=True, slots=True)
class Bound:
    """The consensus answer is a number on one side of a bound."""

    comparison: Comparison
    bound: float

    def __str__(self) -> str:
        """Return the condition as the grammar writes it."""
        return f"answer {self.comparison} {_decimal(self.bound)}"

    def holds(self, question: str, consensus: str, instruction: str) -> bool:
        """Return whether a trial satisfies the condition."""
        del question, instruction
        value = number(consensus)
        if value is None:
            return False
        match self.comparison:
            case ">":
                return value > self.bound
            case ">=":
                return value >= self.bound
            case "<":
                return value < self.bound
            case "<=":
                return value <= self.bound


Condition = Phrases | Values | IsClass | Bound
Conjunction = tuple[Condition, ...]
Rule = tuple[Conjunction, ...]


def contains(text: Sequence[str], phrase: Sequence[str]) -> bool:
    """Return whether the words of `phrase` follow one another in `text`."""
    if not phrase or phrase[0] not in text:  # most do not
        return False
    size = len(phrase)
    return size == 1 or any(tuple(text[i : i + size]) == tuple(phrase) for i in range(len(text) - size + 1))


def write_rule(rule: Rule) -> str:
    """Return the text of a rule; `read_rule` reads it back. An empty conjunction holds always."""
    return ANY_QUESTION if () in rule else " or ".join(" and ".join(map(str, every)) for every in rule)


def read_rule(text: str) -> Rule:
    """Return the alternatives of a rule, each a conjunction of conditions.

    Raises:
        ConfigError: the text does not follow the grammar; the message shows where.
    """
    if text == ANY_QUESTION:
        return ((),)
    alternatives: list[list[Condition]] = [[]]
    start = 0
    while True:
        condition, start = _read_condition(text, start)
        alternatives[-1].append(condition)
        if start == len(text):
            return tuple(map(tuple, alternatives))
        if text.startswith(" and ", start):
            start += len(" and ")
        elif text.startswith(" or ", start):
            alternatives.append([])
            start += len(" or ")
        else:
            raise ConfigError(
                f'rule {text!r}: expected " and " or " or " at character {start}, got {text[start : start + 20]!r}'
            )


def matches(predicate: Predicate, question: str, consensus: str, instruction: str = "") -> bool:
    """Return whether a trial satisfies the predicate's rule.

    Raises:
        ConfigError: the rule does not follow the grammar.
    """
    return holds(read_rule(predicate.rule), question, consensus, instruction)


def holds(rule: Rule, question: str, consensus: str, instruction: str = "") -> bool:
    """Return whether a trial satisfies every condition of one of the alternatives."""
    return any(all(condition.holds(question, consensus, instruction) for condition in every) for every in rule)


def _read_condition(text: str, start: int) -> tuple[Condition, int]:
    if found := _PHRASES.match(text, start):
        phrases = Phrases(cast("Field", found[1]), cast("Mode", found[2]), _unquoted(found[3]))
        return phrases, found.end()
    if found := _VALUES.match(text, start):
        return Values(_unquoted(found[2]), excluded=found[1] == "not in"), found.end()
    if found := _CLASS.match(text, start):
        return IsClass(cast("AnswerClass", found[1])), found.end()
    if found := _BOUND.match(text, start):
        return Bound(cast("Comparison", found[1]), float(found[2])), found.end()
    raise ConfigError(
        f"rule {text!r}: cannot read {text[start : start + 30]!r} at character {start}; "
        'write conditions such as \'question has any("left", "right") and answer > 4\''
    )


def _quoted(parts: tuple[str, ...]) -> str:
    return ", ".join(json.dumps(part, ensure_ascii=False) for part in parts)


def _unquoted(text: str) -> tuple[str, ...]:
    try:
        return tuple(json.loads(f"[{text}]"))
    except ValueError as error:
        raise ConfigError(f"rule: cannot read the strings {text}: {error}; escape as JSON does") from error


def _decimal(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
