"""By more than a margin: a one-sided exact test of two shares of the same items, and what so many items can show.

The statistic is the score of Tango (1998), "Equivalence test and confidence interval for the difference in proportions
for the paired-sample design", https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B; at a
margin of 0 it is McNemar's without correction. Its normal approximation errs where one share is near 0, so that of up
to `EXACT` items the p-value is exact and unconditional (Sidik 2003, https://doi.org/10.1002/sim.1362): the largest
probability of a statistic as large as this one, over the shares of "only the second" that lie in an exact interval of
confidence 1 - `DOUBT`, and `DOUBT` itself (Berger and Boos 1994, https://doi.org/10.1080/01621459.1994.10476836).
"""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from auditdm_hub.statistics.intervals import clopper_pearson

NORMAL = NormalDist()
EXACT = 1000
DOUBT = 1e-5
GRID = 100
"""Shares that are tried."""


def margin_above(only_first: int, only_second: int, items: int, margin: float) -> float:
    """Return the one-sided p-value of "the first rate is above the second by at most `margin`", on the same items.

    Args:
        only_first: items on which only the first erred.
        only_second: items on which only the second erred.
        items: all of them.
        margin: in [0, 1).

    Raises:
        ValueError: a count or the margin is impossible.
    """
    if not (0 <= only_first and 0 <= only_second and only_first + only_second <= items):
        raise ValueError(f"got {only_first} and {only_second} of {items} items, wanted counts that add up to no more")
    if not 0 <= margin < 1:
        raise ValueError(f"margin must lie in [0, 1), got {margin}")
    if only_first - only_second <= items * margin:
        return 1.0
    if items <= EXACT:
        return _exact(only_first, only_second, items, margin)
    return 1 - NORMAL.cdf(float(_scores(np.array([only_first]), np.array([only_second]), items, margin)[0]))


def margin_power(items: int, level: float, rate: float, control: float, margin: float) -> float:
    """Return how often the test rejects at that level where the two rates are so, and err independently.

    The normal approximation of the difference, at the variance that these rates give.
    """
    if items == 0:
        return 0.0
    first, second = rate * (1 - control), control * (1 - rate)
    deviation = math.sqrt(first + second - (rate - control) ** 2)
    reach = (rate - control - margin) * math.sqrt(items) / deviation
    return NORMAL.cdf(reach - NORMAL.inv_cdf(1 - level))


def _scores(first: NDArray[np.int64], second: NDArray[np.int64], items: int, margin: float) -> NDArray[np.float64]:
    """Return Tango's statistic of pairs of counts, (N,)."""
    # The share of "only the second" that is most likely where the difference is the margin: a root of a quadratic.
    a, c = 2 * items, -second * margin * (1 - margin)
    b = -first - second + (2 * items - first + second) * margin
    share = (np.sqrt(b * b - 4 * a * c) - b) / (2 * a)
    deviation = np.sqrt(items * (2 * share + margin * (1 - margin)))
    gain = first - second - items * margin
    return np.asarray(np.divide(gain, deviation, out=np.zeros(len(gain)), where=deviation > 0))


@lru_cache(maxsize=4096)
def _exact(only_first: int, only_second: int, items: int, margin: float) -> float:
    score = float(_scores(np.array([only_first]), np.array([only_second]), items, margin)[0])
    first, second = (np.asarray(each) for each in np.tril_indices(items + 1))
    first, second = first - second, second  # every pair of counts that adds up to no more than the items
    as_far = _scores(first, second, items, margin) >= score - 1e-9
    first, second = first[as_far], second[as_far]
    rest = items - first - second
    logs = np.array([math.lgamma(k + 1) for k in range(items + 1)])
    ways = logs[items] - logs[first] - logs[second] - logs[rest]
    largest = 0.0
    low, high = clopper_pearson(only_second, items, 1 - DOUBT)
    for share in np.linspace(low, min(high, (1 - margin) / 2), GRID):
        with np.errstate(divide="ignore"):
            logs_of = np.log([share + margin, share, max(0.0, 1 - margin - 2 * share)])
        terms = np.zeros(len(ways))
        for count, log in zip((first, second, rest), logs_of, strict=True):
            terms += np.multiply(count, log, out=np.zeros(len(ways)), where=count > 0)  # 0 log 0 = 0
        largest = max(largest, float(np.exp(ways + terms).sum()))
    return min(1.0, largest + DOUBT)
