"""What a benchmark is: where its data are, how a row becomes items, and how answers become a score."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from auditdm_hub.evaluating.items import Answered, Item, Wanted

Row = Mapping[str, Any]
SHORT = "{question}\nAnswer the question using a single word or phrase."
SHORT_PREFIX = "answer en {question}"
Better = Literal["higher", "lower"]
Figures = Callable[[Sequence[Answered], Sequence[float]], Mapping[str, float]]
LETTER = "{question}\nAnswer with the option's letter from the given choices directly."


@dataclass(frozen=True, slots=True)
class Ask:
    """Puts a question into the prompt of the model that is asked: a chat, or PaliGemma with its prefixes."""

    template: str
    prefix_model: bool

    def __call__(self, question: str) -> str:
        """Return the prompt of the benchmark."""
        return self.template.replace("{question}", question)

    def short(self, question: str) -> str:
        """Return the prompt for an open question among others."""
        return (SHORT_PREFIX if self.prefix_model else SHORT).replace("{question}", question)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark.

    Attributes:
        name: for the command line.
        dataset: id on the Hub.
        config: of the data set; "" = the only one.
        split: of it.
        metric: what is measured, in words.
        columns: those that a row must have.
        items: makes the items of a row, each with the question in the model's prompt.
        score: returns the score of each answer, in [0, 1] (CIDEr: to 10).
        prompt: what chat models get, around "{question}".
        prefix: what PaliGemma gets.
        max_new_tokens: where an answer is cut.
        images: another config that holds the images, by the column `id`; rows name them as `imageId`.
        figures: further figures, from the answers and their scores.
        source: of the metric.
        better: whether a higher or a lower score is.
        weights: a Space of the Hub and a file in it, if the metric needs weights of its own.
        scorer: makes `score` of that file.
        prefix_only: whether only PaliGemma can answer.
        by_group: whether the items of a group are one question, which counts once.
    """

    name: str
    dataset: str
    split: str
    metric: str
    columns: tuple[str, ...]
    items: Callable[[Row, Ask], Iterator[Item]]
    score: Callable[[Sequence[Answered]], list[float]]
    config: str = ""
    prompt: str = SHORT
    prefix: str = SHORT_PREFIX
    max_new_tokens: int = 16
    images: str = ""
    figures: Figures = field(default=lambda items, scores: {})
    source: str = ""
    better: Better = "higher"
    weights: tuple[str, str] = ("", "")
    scorer: Callable[[Path], Callable[[Sequence[Answered]], list[float]]] | None = None
    prefix_only: bool = False
    by_group: bool = False

    def ask(self, prefix_model: bool) -> Ask:
        """Return what puts a question into the prompt of a model."""
        return Ask(self.prefix if prefix_model else self.prompt, prefix_model)


def each(metric: Callable[[str, Any], float]) -> Callable[[Sequence[Answered]], list[float]]:
    """Return the scorer of a metric that looks at one answer at a time; an answer that was not got scores 0."""

    def score(items: Sequence[Answered]) -> list[float]:
        return [metric(item.answer, item.wanted) if item.answer is not None else 0.0 for item in items]

    return score


def texts(wanted: Wanted) -> list[str]:
    """Return wanted answers as a list."""
    return [wanted] if isinstance(wanted, str) else [str(each) for each in cast("Sequence[str]", wanted)]


def lettered(options: Sequence[str]) -> dict[str, str]:
    """Return options by their letters."""
    return {chr(ord("A") + place): str(option) for place, option in enumerate(options)}


def listed(question: str, options: Mapping[str, str]) -> str:
    """Return a question with its options, a line for each."""
    return "\n".join([question, *(f"{letter}. {option}" for letter, option in options.items())])
