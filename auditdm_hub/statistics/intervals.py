"""Confidence intervals of a proportion."""

import math
from typing import NamedTuple

from auditdm_hub.statistics.exact import binomial_above

Z_95 = 1.959963984540054
"""The .975 quantile of the standard normal distribution."""


class Interval(NamedTuple):
    """A closed interval of proportions."""

    low: float
    high: float


def check_counts(successes: int, trials: int) -> None:
    """Raise ValueError unless 0 <= successes <= trials."""
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie between 0 and trials, got {successes} of {trials}")


def wilson(successes: int, trials: int, z: float = Z_95) -> Interval:
    """Return the score interval of a proportion; [0, 1] when there was no trial.

    Centre (p + z^2/2n) / (1 + z^2/n), half width z sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n):
    Wilson (1927), https://doi.org/10.2307/2276774.
    """
    check_counts(successes, trials)
    if trials == 0:
        return Interval(0.0, 1.0)
    rate = successes / trials
    shrink = 1 + z * z / trials
    centre = (rate + z * z / (2 * trials)) / shrink
    half = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials)) / shrink
    # The ends are exact where the proportion is: rounding must not leave 1e-17 there.
    return Interval(
        0.0 if successes == 0 else max(0.0, centre - half), 1.0 if successes == trials else min(1.0, centre + half)
    )


def clopper_pearson(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return the exact interval of a proportion; [0, 1] when there was no trial.

    The ends are the proportions at which the one-sided binomial tails are (1 - confidence) / 2:
    Clopper and Pearson (1934), https://doi.org/10.1093/biomet/26.4.404. Found by bisection, to 1e-12.
    """
    check_counts(successes, trials)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    alpha = (1 - confidence) / 2
    low = 0.0 if successes == 0 else _rate_with_tail(successes, trials, alpha)
    # P(X <= k; p) = alpha is P(X >= n - k; 1 - p) = alpha.
    high = 1.0 if successes == trials else 1 - _rate_with_tail(trials - successes, trials, alpha)
    return Interval(low, high)


def _rate_with_tail(successes: int, trials: int, tail: float) -> float:
    """Return the rate at which P(X >= successes) = tail; the tail grows with the rate."""
    low, high = 0.0, 1.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        if binomial_above(successes, trials, middle) < tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2
