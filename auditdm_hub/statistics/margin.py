"""By more than a margin: a one-sided score test of two shares of the same items, and what so many items can show.

Tango (1998), "Equivalence test and confidence interval for the difference in proportions for the paired-sample design",
https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B. At a margin of 0 it is McNemar's test
without correction.
"""

import math
from statistics import NormalDist

NORMAL = NormalDist()


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
    gain = only_first - only_second - items * margin
    if gain <= 0:
        return 1.0 if items == 0 or gain < 0 else 0.5
    # The share of "only the second" that is most likely where the difference is the margin: a root of a quadratic.
    a, c = 2 * items, -only_second * margin * (1 - margin)
    b = -only_first - only_second + (2 * items - only_first + only_second) * margin
    share = (math.sqrt(b * b - 4 * a * c) - b) / (2 * a)
    return 1 - NORMAL.cdf(gain / math.sqrt(items * (2 * share + margin * (1 - margin))))


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
