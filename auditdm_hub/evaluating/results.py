"""What an evaluation says of a model: for each benchmark its score with an interval, and what it was measured with."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from auditdm_hub.errors import RunError
from auditdm_hub.evaluating.benchmark import Benchmark
from auditdm_hub.evaluating.comparison import Comparison, Measured
from auditdm_hub.evaluating.items import Answered
from auditdm_hub.evaluating.sources import Source
from auditdm_hub.statistics import mean_interval, paired_difference


@dataclass(frozen=True, slots=True)
class Score:
    """A model on a benchmark.

    `value`, `low` and `high` are in [0, 1] (CIDEr: to 10), over the `items` that were answered; `unanswered` were not.
    `parts` are the scores of subsets; `figures` what the benchmark reports beside.
    """

    benchmark: str
    metric: str
    dataset: str
    revision: str
    split: str
    prompt: str
    value: float
    low: float
    high: float
    items: int
    unanswered: int
    parts: dict[str, float]
    figures: dict[str, float]


def score_answers(benchmark: Benchmark, source: Source, prompt: str, answers: Sequence[Answered]) -> Score:
    """Return the score of a model's answers.

    Raises:
        RunError: no item was answered.
    """
    got = [item for item in answers if item.answer is not None]
    if not got:
        raise RunError(f"{benchmark.name}: none of {len(answers):,} questions was answered")
    scores = benchmark.score(got)
    figures, missing = dict(benchmark.figures(got, scores)), len(answers) - len(got)
    counted = _counted(benchmark, got)
    got, scores = [got[place] for place in counted], [scores[place] for place in counted]
    low, high = mean_interval(scores, groups(got))
    parts = defaultdict[str, list[float]](list)
    for item, score in zip(got, scores, strict=True):
        if item.part:
            parts[item.part].append(score)
    return Score(
        benchmark.name, benchmark.metric, source.where, source.revision, benchmark.split, prompt,
        sum(scores) / len(scores), low, high, len(got), missing,
        {name: sum(every) / len(every) for name, every in sorted(parts.items())}, figures,
    )  # fmt: skip


def compare_answers(
    benchmark: Benchmark, before: Sequence[Answered], after: Sequence[Answered], *, source: Source | None = None
) -> Comparison:
    """Return before and after on the items that both models answered; `source` is where the data came from.

    Raises:
        RunError: there are none.
    """
    kept = {item.id: item for item in before if item.answer is not None}
    pairs = [(kept[item.id], item) for item in after if item.answer is not None and item.id in kept]
    if not pairs:
        raise RunError(f"{benchmark.name}: there is no item that both models answered")
    old, new = ([pair[place] for pair in pairs] for place in (0, 1))
    counted = _counted(benchmark, old)
    scores = [[every[place] for place in counted] for every in (benchmark.score(old), benchmark.score(new))]
    names = groups([old[place] for place in counted])
    found = paired_difference(scores[0], scores[1], names)
    sides = []
    for values in scores:
        low, high = mean_interval(values, names)
        sides.append(Measured(sum(values) / len(values), low, high, len(values)))
    return Comparison(
        benchmark.name, benchmark.metric, benchmark.better, sides[0], sides[1], found.difference, found.low, found.high,
        found.p_value, source.where if source and source.revision else benchmark.dataset, benchmark.name,
        source.revision if source else "",
    )  # fmt: skip


def _counted(benchmark: Benchmark, items: Sequence[Answered]) -> list[int]:
    """Return the places of the items that count: all, or the first of each group that is one question."""
    if not benchmark.by_group:
        return list(range(len(items)))
    first = dict[str, int]()
    for place, item in enumerate(items):
        first.setdefault(item.group, place)
    return list(first.values())


def groups(items: Sequence[Answered]) -> list[str]:
    """Return what each item is drawn with: its group, or itself."""
    return [item.group or f"item {item.id}" for item in items]
