"""Yes and no: POPE (arXiv:2305.10355) and MME (arXiv:2306.13394), as their official evaluations read answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NEGATIONS = frozenset({"No", "not", "no"})


@dataclass(frozen=True, slots=True)
class Detection:
    """Figures of questions whose answer is yes or no, yes being what is to be found; each in [0, 1]."""

    accuracy: float
    precision: float
    recall: float
    f1: float
    yes_ratio: float


def pope_answer(text: str) -> str:
    """Return "no" if the first sentence has a negation, else "yes" (https://github.com/AoiDragon/POPE)."""
    words = text.partition(".")[0].replace(",", "").split(" ")
    return "no" if NEGATIONS & set(words) else "yes"


def mme_answer(text: str) -> str:
    """Return "yes", "no" or "other": what the first four letters of an answer hold (MME's eval_tool)."""
    return next((word for word in ("yes", "no") if word in text.lower()[:4]), "other")


def detection(said: Sequence[str], wanted: Sequence[str]) -> Detection:
    """Return the figures of POPE; a figure whose denominator is 0 is 0.

    Args:
        said: "yes" or "no", of each item.
        wanted: likewise.

    Raises:
        ValueError: there is no item.
    """
    if not said:
        raise ValueError("got no answers, wanted at least one")
    pairs = list(zip(said, wanted, strict=True))
    found = pairs.count(("yes", "yes"))
    precision = _share(found, sum(each == "yes" for each in said))
    recall = _share(found, sum(each == "yes" for each in wanted))
    return Detection(
        accuracy=sum(one == other for one, other in pairs) / len(pairs),
        precision=precision,
        recall=recall,
        f1=_share(2 * precision * recall, precision + recall),
        yes_ratio=sum(each == "yes" for each in said) / len(said),
    )


def mme_score(right: Mapping[str, Sequence[bool]]) -> float:
    """Return the score of one of MME's subtasks, in [0, 200]: accuracy, and the share of images with both right.

    Args:
        right: image -> whether its two questions were answered rightly.

    Raises:
        ValueError: an image has another number of questions, or there is none.
    """
    odd = next((image for image, both in right.items() if len(both) != 2), None)
    if odd is not None or not right:
        raise ValueError(f"got {len(right[odd]) if odd else 'no'} questions{f' about {odd}' if odd else ''}, wanted 2")
    accuracy = sum(sum(both) for both in right.values()) / (2 * len(right))
    return 100 * (accuracy + sum(all(both) for both in right.values()) / len(right))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
