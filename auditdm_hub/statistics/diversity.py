"""How many kinds were seen, how evenly, and how many were not.

`unseen_mass` and `chao1` assume a sample from one fixed distribution: a frozen
auditor's probes, not an adaptive search.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence


def entropy(counts: Iterable[int]) -> float:
    """Return -sum p ln p of the shares of the counts, in nats; 0 for no counts. Shannon (1948)."""
    kept = [count for count in _checked(counts) if count]
    total = sum(kept)
    return -math.fsum(count / total * math.log(count / total) for count in kept) if len(kept) > 1 else 0.0


def effective_number(counts: Iterable[int]) -> float:
    """Return exp(entropy): as many equally common kinds would be as diverse; 0 for no counts.

    The Hill number of order 1: Hill (1973), https://doi.org/10.2307/1934352.
    """
    kept = [count for count in _checked(counts) if count]
    return math.exp(entropy(kept)) if kept else 0.0


def unseen_mass(counts: Iterable[int]) -> float:
    """Return f1 / n, the estimated probability that the next observation is of a kind not yet seen; 1 for no counts.

    f1 = kinds seen once, n = observations: Good (1953), https://doi.org/10.1093/biomet/40.3-4.237.
    """
    kept = _checked(counts)
    total = sum(kept)
    return kept.count(1) / total if total else 1.0


def chao1(counts: Iterable[int]) -> float:
    """Return the bias-corrected lower bound of the number of kinds, S + f1 (f1 - 1) / (2 (f2 + 1)).

    Chao (1984), https://www.jstor.org/stable/4615964, in the bias-corrected form that needs no doubletons.
    """
    kept = [count for count in _checked(counts) if count]
    once, twice = kept.count(1), kept.count(2)
    return len(kept) + once * (once - 1) / (2 * (twice + 1))


def accumulation(kinds: Sequence[Hashable]) -> list[float]:
    """Return the expected number of kinds in 1, 2, ..., n observations drawn without replacement from these.

    E(m) = sum over kinds of 1 - C(n - c, m) / C(n, m): Hurlbert (1971), https://doi.org/10.2307/1934145.
    Exact, so that the curve does not depend on the order in which the kinds came.
    """
    total = len(kinds)
    missing = [(1.0, count) for count in Counter(kinds).values()]
    curve = []
    for drawn in range(1, total + 1):
        left = total - drawn + 1
        missing = [(share * max(0, left - count) / left, count) for share, count in missing]
        curve.append(math.fsum(1 - share for share, _ in missing))
    return curve


def _checked(counts: Iterable[int]) -> list[int]:
    kept = list(counts)
    for count in kept:
        if count < 0:
            raise ValueError(f"counts must not be negative, got {count}")
    return kept
