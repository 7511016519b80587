"""What the answers of an evaluation say: scores of each side, before against after, with the image against without."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from auditdm_hub.evaluating.benchmark import Benchmark
from auditdm_hub.evaluating.comparison import Comparison, corrected
from auditdm_hub.evaluating.items import Answered
from auditdm_hub.evaluating.playground import NAME, PLAYGROUND
from auditdm_hub.evaluating.released import contradicting
from auditdm_hub.evaluating.results import Score, compare_answers, score_answers
from auditdm_hub.evaluating.sources import Source

BEFORE, AFTER = "before", "after"
"""Sides of an evaluation with an adapter."""
BLIND = "-blind"
"""Added to the name of a side that got a grey image in the place of each."""
RELEASED = "failures"
"""Under this name the answers on a released failure set lie beside those on benchmarks."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answers of an evaluation, and what they are answers to.

    `benchmarks`: their names. `answers`: by side and benchmark, or side and `RELEASED`. `benchmark`: how one is scored.
    `source`: where its data are; `None` for the released failures.
    """

    benchmarks: tuple[str, ...]
    sides: tuple[str, ...]
    answers: Mapping[tuple[str, str], Sequence[Answered]]
    benchmark: Callable[[str], Benchmark]
    source: Callable[[str], Source | None]


def scores(outcome: Outcome, prefix: bool) -> dict[str, list[Score]]:
    """Return the score of each side on each benchmark.

    Args:
        outcome: the answers.
        prefix: PaliGemma was asked, which gets other text around a question than a chat model.
    """
    return {side: [_score(outcome, name, side, prefix) for name in outcome.benchmarks] for side in outcome.sides}


def _score(outcome: Outcome, name: str, side: str, prefix: bool) -> Score:
    benchmark, source = outcome.benchmark(name), outcome.source(name)
    prompt = benchmark.ask(prefix).template
    return score_answers(benchmark, source or Source(benchmark.dataset, ""), prompt, outcome.answers[side, name])


def before_and_after(outcome: Outcome) -> tuple[Comparison, ...]:
    """Compare each benchmark, each skill of the playground and each released failure type; () without an adapter."""
    compared = []
    for name in dict.fromkeys(name for side, name in outcome.answers if side == BEFORE):
        before, after = outcome.answers[BEFORE, name], outcome.answers[AFTER, name]
        for part, benchmark in _parts(outcome, name, before):
            kept = [[item for item in side if part in ("", item.part)] for side in (before, after)]
            compared.append(compare_answers(benchmark, *kept, source=_pinned(outcome, name)))
    return corrected(compared)


def with_and_without_image(outcome: Outcome) -> tuple[Comparison, ...]:
    """Compare each side that was asked blind with the same side that saw: what looking at the image brings."""
    compared = []
    for blind in (side for side in outcome.sides if side.endswith(BLIND)):
        side = blind.removesuffix(BLIND)
        for name in outcome.benchmarks:
            named = replace(outcome.benchmark(name), name=f"{name}, {side}")
            compared.append(compare_answers(named, outcome.answers[blind, name], outcome.answers[side, name]))
    return corrected(compared)


def _parts(outcome: Outcome, name: str, before: Sequence[Answered]) -> Iterator[tuple[str, Benchmark]]:
    if name not in (NAME, RELEASED):
        yield "", outcome.benchmark(name)
        return
    for part in dict.fromkeys(item.part for item in before):
        if name == NAME:
            yield part, replace(PLAYGROUND, name=f"skill: {part}", dataset="")
        else:
            yield part, contradicting(part)


def _pinned(outcome: Outcome, name: str) -> Source | None:
    return None if name in (NAME, RELEASED) else outcome.source(name)
