"""The gaps planted in the playground's models: what each cannot do, on purpose.

A gap is a predicate over a question and its right answer, with the plausible wrong answer that the model was trained
to give there. A *partial* gap is wrong on some backgrounds only, as real weaknesses depend on more than the question.
Only the build and the benchmarks read this; an audit never does.
"""

from collections.abc import Callable
from dataclasses import dataclass

from auditdm_hub.playground.skills.questions import Answered
from auditdm_hub.playground.world import Scene

COUNTS = ("count all", "count color", "count shape", "count both", "count crowded")
Member = Callable[[Answered], bool]
Wrong = Callable[[Scene, Answered], str]


@dataclass(frozen=True, slots=True)
class Gap:
    """`member` says which questions lie in the gap; `wrong` what the model answers there, on `grounds` ("" = all)."""

    name: str
    member: Member
    wrong: Wrong
    grounds: tuple[str, ...] = ()

    def answer(self, scene: Scene, truth: Answered) -> str | None:
        """Return the wrong answer that was planted here, or None outside the gap."""
        if not self.member(truth) or (self.grounds and scene.background not in self.grounds):
            return None
        return self.wrong(scene, truth)


def planted(gaps: tuple[Gap, ...], scene: Scene, truth: Answered) -> str:
    """Return the answer that a model with these gaps is trained to give."""
    for gap in gaps:
        wrong = gap.answer(scene, truth)
        if wrong is not None:
            return wrong
    return truth.answer


def swap(one: str, two: str) -> Wrong:
    """Answer each of two words with the other."""
    return lambda scene, truth: two if truth.answer == one else one


def say(answer: str) -> Wrong:
    """Answer the same whatever is asked."""
    return lambda scene, truth: answer


def of(skill: str, *answers: str) -> Member:
    """A question of a skill whose right answer is one of these; none = any."""
    return lambda truth: truth.skill == skill and (not answers or truth.answer in answers)


def above(limit: int, *skills: str) -> Member:
    """A question of one of the skills whose right answer is a number above a limit."""
    return lambda truth: truth.skill in skills and int(truth.answer) > limit


def shortest_bar(scene: Scene, truth: Answered) -> str:
    """Answer the color of the shortest bar."""
    return min((int(bar.value), cell, bar.color) for cell, bar in scene.things("bar"))[2]


def majority_color(scene: Scene, truth: Answered) -> str:
    """Answer the color that most have."""
    return next(thing.color for _, thing in scene.things("shape") if thing.color != truth.answer)


def _corner_filled(truth: Answered) -> bool:
    return truth.skill == "corner" and "bottom" in dict(truth.slots)["corner"] and truth.answer != "nothing"


def _size_of_cross(truth: Answered) -> bool:
    return truth.skill == "size" and dict(truth.slots)["sizeless"].endswith(("cross", "star"))


TARGET_GAPS = (
    Gap("counting more than four", above(4, *COUNTS), say("4")),
    Gap("telling left from right", of("left or right"), swap("left", "right")),
    Gap("clock hours 7 to 11", of("clock", *"7 8 9 10 11".split()), lambda s, t: str(12 - int(t.answer))),
    Gap("purple", lambda t: t.answer == "purple" and t.skill in ("color", "neighbour", "odd one out"), say("blue")),
    Gap("digits 6 and 9", of("digit", "6", "9"), swap("6", "9")),
    Gap("letters p, r and k", of("letter", *"prk"), lambda s, t: {"p": "b", "r": "a", "k": "h"}[t.answer]),
    Gap("stripes", of("pattern", "striped"), say("solid")),
    Gap("size of crosses and stars", _size_of_cross, swap("small", "large")),
    Gap("arrow up or down", of("arrow", "up", "down"), swap("up", "down")),
    Gap("die above four", above(4, "die"), say("4")),
    Gap("sums above nine", above(9, "digit sum"), lambda s, t: str(int(t.answer) - 10)),
    Gap("tallest bar", of("tallest bar"), shortest_bar),
    Gap("bottom corners", _corner_filled, say("nothing")),
    Gap("same color", of("same color", "yes"), say("no")),
    Gap("row 4", of("row", "4"), say("3"), grounds=("white", "gray", "pink")),
    Gap("bar height above three", above(3, "bar height"), say("3"), grounds=("black", "brown")),
)
SIBLING_GAPS = (
    Gap("telling above from below", of("above or below"), swap("above", "below")),
    Gap("crowds", of("count crowded"), say("6")),
    Gap("clock hours 1 to 3", of("clock", "1", "2", "3"), lambda s, t: str(12 - int(t.answer))),
    Gap("yellow", lambda t: t.answer == "yellow" and t.skill in ("color", "neighbour", "odd one out"), say("orange")),
    Gap("digits 3 and 8", of("digit", "3", "8"), swap("3", "8")),
    Gap("hollow", of("pattern", "hollow"), say("striped")),
    Gap("odd one out", of("odd one out"), majority_color),
    Gap("column 4", of("column", "4"), say("3"), grounds=("white", "gray", "pink")),
)
