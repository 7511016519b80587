"""Metrics that compare texts: exact match, relaxed accuracy (ChartQA), ANLS (DocVQA)."""

import string
from collections.abc import Sequence

RELATIVE_ERROR = 0.05
ANLS_THRESHOLD = 0.5
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def exact_match(answer: str, wanted: str) -> float:
    """Return 1 if two texts are equal but for case, punctuation and space around them (GQA, as lmms-eval scores it)."""
    return float(_plain(answer) == _plain(wanted))


def relaxed_accuracy(answer: str, wanted: str) -> float:
    """Return 1 if a number is within 5% of the wanted one, or a text equals it but for case (arXiv:2203.10244, 5.1).

    "12%" is .12. A wanted zero is a text: nothing is within 5% of it.
    """
    said, number = _number(answer), _number(wanted)
    if said is not None and number:
        return float(abs(said - number) / abs(number) <= RELATIVE_ERROR)
    return float(answer.lower() == wanted.lower())


def anls(answer: str, wanted: Sequence[str]) -> float:
    """Return the normalised Levenshtein similarity to the nearest wanted text, 0 below .5 (arXiv:1907.00490, 4.1).

    Case and space do not count. At just .5 the paper's formula gives 0, the evaluation server .5: here .5.

    Raises:
        ValueError: there is no wanted text.
    """
    from rapidfuzz.distance import Levenshtein

    if not wanted:
        raise ValueError("got no texts to compare with, wanted at least one")
    said = " ".join(answer.lower().split())
    best = max(Levenshtein.normalized_similarity(said, " ".join(each.lower().split())) for each in wanted)
    return best if best >= ANLS_THRESHOLD else 0.0


def _plain(text: str) -> str:
    return text.strip().lower().translate(_NO_PUNCTUATION)


def _number(text: str) -> float | None:
    try:
        return float(text.rstrip("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return None
