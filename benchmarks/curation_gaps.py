"""Judged exchanges with known gaps: short questions on drawn scenes, diffuse errors and a fallible consensus on top.

Own wordings and own gaps, so that nothing here is fitted to the playground's.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from auditdm_hub.records import Exchange, Judged, Outcome, Probe, Verdict

COLORS = ("red", "green", "blue", "yellow", "purple", "orange", "cyan")
SHAPES = ("circle", "square", "triangle", "cross", "star", "diamond")
PLURALS = ("circles", "squares", "triangles", "crosses", "stars", "diamonds")
SLOTS: Mapping[str, Sequence[str]] = {
    "color": COLORS,
    "other": COLORS,
    "shape": SHAPES,
    "second": SHAPES,
    "plural": PLURALS,
    "size": ("small", "large"),
    "pattern": ("solid", "striped", "hollow"),
    "corner": ("top left", "top right", "bottom left", "bottom right"),
    "side": ("left of", "right of", "above", "below"),
}
NUMBERS = tuple(map(str, range(10)))
THINGS = tuple(f"{color} {shape}" for color in COLORS for shape in SHAPES)


@dataclass(frozen=True)
class Skill:
    """Wordings of a question, and its answers."""

    wordings: tuple[str, ...]
    answers: tuple[str, ...]


SKILLS: Mapping[str, Skill] = {
    "color": Skill(
        (
            "what color is the {shape}?",
            "which colour does the {size} {shape} have?",
            "tell me the color of the {shape}",
        ),
        COLORS,
    ),
    "shape": Skill(
        ("what shape is the {color} object?", "which shape is {color}?", "what is the form of the {color} thing?"),
        SHAPES,
    ),
    "size": Skill(
        (
            "how big is the {color} {shape}?",
            "what is the size of the {shape}?",
            "is the {color} {shape} small or large?",
        ),
        ("small", "large"),
    ),
    "pattern": Skill(
        (
            "what pattern does the {shape} have?",
            "is the {color} {shape} solid, striped or hollow?",
            "how is the {shape} filled?",
        ),
        tuple(SLOTS["pattern"]),
    ),
    "count": Skill(
        (
            "how many {color} {plural} are there?",
            "how many shapes are there?",
            "count the {plural}",
            "how many {color} things do you see?",
            "what is the number of {plural}?",
        ),
        NUMBERS,
    ),
    "exists": Skill(
        ("is there a {color} {shape}?", "do you see any {plural}?", "does the image contain a {size} {shape}?"),
        ("yes", "no"),
    ),
    "side": Skill(
        (
            "is the {color} {shape} left or right of the {other} {second}?",
            "on which side of the {second} is the {shape}?",
            "left or right: where is the {shape} relative to the {second}?",
        ),
        ("left", "right"),
    ),
    "height": Skill(
        (
            "is the {color} {shape} above or below the {other} {second}?",
            "is the {shape} higher or lower than the {second}?",
            "above or below: where is the {shape} relative to the {second}?",
        ),
        ("above", "below"),
    ),
    "neighbour": Skill(
        (
            "what is directly {side} the {color} {shape}?",
            "which shape is {side} the {shape}?",
            "name the shape just {side} the {color} {shape}",
        ),
        SHAPES,
    ),
    "row": Skill(
        ("which row is the {color} {shape} in?", "in what row do you find the {shape}?", "row of the {shape}?"),
        ("1", "2", "3", "4"),
    ),
    "column": Skill(
        (
            "which column is the {color} {shape} in?",
            "in what column do you find the {shape}?",
            "column of the {shape}?",
        ),
        ("1", "2", "3", "4"),
    ),
    "corner": Skill(
        ("what is in the {corner} corner?", "which thing is at the {corner}?", "name the thing in the {corner} corner"),
        (*THINGS, "nothing"),
    ),
    "more": Skill(
        (
            "are there more {color} than {other} shapes?",
            "do the {plural} outnumber the {color} things?",
            "are {color} shapes more common than {other} ones?",
        ),
        ("yes", "no"),
    ),
    "same": Skill(
        (
            "do the {shape} and the {second} have the same color?",
            "are the {shape} and the {second} equally coloured?",
            "is the {shape} the same color as the {second}?",
        ),
        ("yes", "no"),
    ),
    "odd": Skill(("which shape is the odd one out?", "what is different from the rest?", "name the odd one"), SHAPES),
    "digit": Skill(("which digit is shown?", "what digit do you see?", "read the digit"), NUMBERS),
    "letter": Skill(("which letter is shown?", "what letter do you see?", "read the letter"), tuple("abcefhklprst")),
    "larger": Skill(
        ("which digit is larger?", "what is the bigger of the two digits?", "name the larger digit"), NUMBERS
    ),
    "sum": Skill(
        ("what is the sum of the digits?", "what do the digits add up to?", "add the digits"),
        tuple(map(str, range(2, 18))),
    ),
    "clock": Skill(
        ("what time is it?", "which hour does the clock show?", "what does the clock say?"),
        tuple(map(str, range(1, 13))),
    ),
    "arrow": Skill(
        ("where does the arrow point?", "which way is the arrow pointing?", "what is the direction of the arrow?"),
        ("up", "down", "left", "right"),
    ),
    "die": Skill(
        ("what does the die show?", "how many dots are on the die?", "read the dice"), tuple(map(str, range(1, 7)))
    ),
    "tallest": Skill(
        ("which bar is the tallest?", "what color is the highest bar?", "name the color of the tallest bar"), COLORS
    ),
    "bar": Skill(
        ("how tall is the {color} bar?", "what is the height of the {color} bar?", "how high is the {color} bar?"),
        ("1", "2", "3", "4", "5"),
    ),
    "background": Skill(
        ("what color is the background?", "which color does the background have?", "name the background color"),
        ("white", "black", "gray", "brown", "pink"),
    ),
    "weather": Skill(
        ("what is the weather like?", "how is the weather in this photo?", "describe the weather"),
        ("sunny", "rainy", "snowy", "cloudy"),
    ),
}


@dataclass(frozen=True)
class Gap:
    """What a target cannot do: on `skill`, where `applies(question, answer)`, it says `says(answer)`."""

    skill: str
    words: tuple[str, ...]
    applies: Callable[[str, str], bool]
    says: Callable[[str], str]
    rate: float = 1.0

    def names(self, name: str) -> bool:
        """Return whether a name says what the gap is: it has each word, or one of its alternatives ("4|four")."""
        return all(any(part in name.lower() for part in word.split("|")) for word in self.words)


def _swap(*pairs: str) -> Callable[[str], str]:
    table = {one: other for pair in pairs for one, other in (pair.split(), pair.split()[::-1])}
    return lambda answer: table.get(answer, answer)


GAPS: Mapping[str, Gap] = {
    "count": Gap("count", ("count", "4|four"), lambda q, a: int(a) > 4, lambda a: "4"),
    "side": Gap("side", ("left", "right"), lambda q, a: True, _swap("left right")),
    "clock": Gap("clock", ("clock|time", "7|six|seven"), lambda q, a: 7 <= int(a) <= 11, lambda a: str(12 - int(a))),
    "purple": Gap("color", ("purple",), lambda q, a: a == "purple", lambda a: "blue"),
    "digit": Gap("digit", ("digit", "6|9"), lambda q, a: a in "69", _swap("6 9")),
    "letter": Gap(
        "letter", ("letter", " e| h| p"), lambda q, a: a in "ehp", lambda a: {"e": "f", "h": "k", "p": "r"}[a]
    ),
    "striped": Gap("pattern", ("striped",), lambda q, a: a == "striped", lambda a: "solid"),
    "crosses": Gap("size", ("size", "cross"), lambda q, a: "cross" in q, _swap("small large")),
    "arrow": Gap("arrow", ("up", "down"), lambda q, a: a in ("up", "down"), _swap("up down")),
    "die": Gap("die", ("dice|die", "4|four"), lambda q, a: int(a) > 4, lambda a: str(9 - int(a) - 1)),
    "sum": Gap("sum", ("sum|add", "9|nine"), lambda q, a: int(a) > 9, lambda a: str(int(a) - 10)),
    "tallest": Gap("tallest", ("tallest",), lambda q, a: True, lambda a: COLORS[(COLORS.index(a) * 3 + 1) % 7]),
    "corner": Gap("corner", ("corner", "bottom"), lambda q, a: "bottom" in q and a != "nothing", lambda a: "nothing"),
    "same": Gap("same", ("same", "yes"), lambda q, a: a == "yes", lambda a: "no"),
    "row": Gap("row", ("row", "4"), lambda q, a: a == "4", lambda a: "3", rate=0.5),
}


def weights_of(style: str, rng: random.Random, gaps: Sequence[str]) -> list[float]:
    """Return how often each skill is asked: "even", "skewed" (a power law), "narrow" (two gaps take 70%)."""
    if style == "even":
        return [1.0] * len(SKILLS)
    if style == "skewed":
        ranks = list(range(len(SKILLS)))
        rng.shuffle(ranks)
        return [1 / (rank + 3) for rank in ranks]
    if not gaps:
        return [1.0] * len(SKILLS)
    favoured = {GAPS[name].skill for name in rng.sample(sorted(gaps), 2)}
    return [len(SKILLS) * 1.2 if name in favoured else 1.0 for name in SKILLS]


def make_exchanges(
    count: int,
    seed: int,
    gaps: Sequence[str],
    style: str = "even",
    diffuse: float = 0.025,
    wrong_consensus: float = 0.02,
    structured: bool = False,
) -> tuple[list[Judged], list[str]]:
    """Return judged exchanges and, for each, the gap that it lies in ("" for none).

    Args:
        count: how many.
        seed: of everything.
        gaps: names of the planted gaps.
        style: see `weights_of`.
        diffuse: rate of errors outside the gaps, independent of question and answer.
        wrong_consensus: rate of consensus answers that are wrong.
        structured: whether a diffuse error is always the same wrong answer to the same right one.
    """
    rng = random.Random(seed)
    weights = weights_of(style, rng, gaps)
    rows, truth = [], []
    for index in range(count):
        name = rng.choices(list(SKILLS), weights)[0]
        skill = SKILLS[name]
        question = rng.choice(skill.wordings).format(**{slot: rng.choice(values) for slot, values in SLOTS.items()})
        answer = rng.choice(skill.answers)
        if name == "count":
            answer = str(min(9, int(rng.expovariate(0.3))))
        wrong = [value for value in skill.answers if value != answer]
        usual = skill.answers[(skill.answers.index(answer) + 1) % len(skill.answers)]
        target = (usual if structured else rng.choice(wrong)) if rng.random() < diffuse else answer
        inside = ""
        for gap_name in gaps:
            gap = GAPS[gap_name]
            if gap.skill == name and gap.applies(question, answer):
                inside = gap_name
                if rng.random() < gap.rate:
                    target = gap.says(answer)
        consensus = rng.choice(wrong) if rng.random() < wrong_consensus else answer
        image = f"{seed}-{index * 7 % count}"
        probe = Probe(
            f"s{index}", "synthetic", "question", 0, question, question, "auditor", image, "original", "", image
        )
        outcome: Outcome = "agreement" if consensus == target else "failure"
        rows.append(Judged(Exchange(probe, target, {"a": consensus, "b": consensus}), Verdict(outcome, consensus, 1.0)))
        truth.append(inside)
    return rows, truth
