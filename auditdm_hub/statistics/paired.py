"""Two models on the same items: how far their scores differ, and whether that can be chance.

- Scores of 0 and 1: the exact two-sided McNemar test on the items on which they differ.
- Other scores, and items that are scored together: a sign-flip permutation test on the differences.
- The interval of the difference: for scores of 0 and 1 of items that stand alone the adjusted Wald interval of paired
  proportions (Bonett & Price 2012), which holds for few items, too; else a percentile bootstrap over groups of items
  (Efron 1979). Of fewer than `FEWEST` groups a bootstrap knows nothing, so that the interval is all there can be.
- The interval of a mean: Wilson's or the bootstrap, in the same way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auditdm_hub.statistics.exact import mcnemar_above
from auditdm_hub.statistics.intervals import Z_95, wilson

FEWEST = 8
RESAMPLES = 10_000
BATCH = 500  # resamples in memory
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """`difference` = after - before, with its 95% interval [`low`, `high`] and a two-sided p-value."""

    difference: float
    low: float
    high: float
    p_value: float


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided McNemar p-value of "both err equally often"."""
    tail = min(mcnemar_above(only_first, only_second), mcnemar_above(only_second, only_first))
    return min(1.0, 2 * tail)


def paired_difference(
    before: Sequence[float], after: Sequence[float], groups: Sequence[str] | None = None, seed: int = 0
) -> PairedDifference:
    """Return how far the mean score of the same items changed.

    Args:
        before: score of each item.
        after: score of each item, in the same order.
        groups: name of what an item belongs with (its source image, say); items of a group are drawn together.
        seed: of the resampling.

    Raises:
        ValueError: there are no items, or not as many of one as of the other.
    """
    if not before or len(before) != len(after):
        raise ValueError(f"got {len(before)} scores before and {len(after)} after, wanted the same items, at least one")
    gains = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)  # (N,)
    names = list(groups) if groups is not None else [str(place) for place in range(len(gains))]
    if len(names) != len(gains):
        raise ValueError(f"got {len(names)} names of groups for {len(gains)} items")
    _, place = np.unique(names, return_inverse=True)
    sums = np.bincount(place, weights=gains).astype(np.float64)  # (G,)
    sizes = np.bincount(place).astype(np.float64)  # (G,)
    if set(before) | set(after) <= {0.0, 1.0} and len(sums) == len(gains):
        better, worse = int((gains > 0).sum()), int((gains < 0).sum())
        low, high = _paired_proportions(better, worse, len(gains))
        p_value = mcnemar(better, worse)
    else:
        most = max(1.0, *before, *after)
        few = len(sums) < FEWEST
        low, high = (-most, most) if few else _interval(sums, sizes, np.random.default_rng(seed))
        p_value = _sign_flips(sums, np.random.default_rng(seed + 1))
    return PairedDifference(float(gains.mean()), low, high, p_value)


def mean_interval(scores: Sequence[float], groups: Sequence[str] | None = None, seed: int = 0) -> tuple[float, float]:
    """Return the 95% interval of a mean score over groups of items.

    Raises:
        ValueError: there are no scores.
    """
    if not scores:
        raise ValueError("got no scores, wanted at least one")
    names = list(groups) if groups is not None else [str(place) for place in range(len(scores))]
    _, place = np.unique(names, return_inverse=True)
    sums = np.bincount(place, weights=np.asarray(scores)).astype(np.float64)
    if set(scores) <= {0.0, 1.0} and len(sums) == len(scores):
        return wilson(int(sums.sum()), len(scores))
    if len(sums) < FEWEST:
        return 0.0, max(1.0, *scores)
    return _interval(sums, np.bincount(place).astype(np.float64), np.random.default_rng(seed))


def _paired_proportions(better: int, worse: int, items: int) -> tuple[float, float]:
    """Return the adjusted Wald interval of the difference of two shares of the same items (Bonett & Price 2012)."""
    up, down = (better + 1) / (items + 2), (worse + 1) / (items + 2)
    reach = Z_95 * ((up + down - (up - down) ** 2) / (items + 2)) ** 0.5
    return max(-1.0, up - down - reach), min(1.0, up - down + reach)


def _interval(sums: Array, sizes: Array, rng: np.random.Generator) -> tuple[float, float]:
    """Return the percentile interval of the mean, groups being drawn with replacement."""
    means = []
    for start in range(0, RESAMPLES, BATCH):
        drawn = rng.integers(0, len(sums), (min(BATCH, RESAMPLES - start), len(sums)))  # (B, G)
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return float(low), float(high)


def _sign_flips(sums: Array, rng: np.random.Generator) -> float:
    """Return the share of sign patterns with a sum as far from 0; the pattern that was observed is one of them."""
    kept = sums[sums != 0]
    if not len(kept):
        return 1.0
    seen, as_far = abs(kept.sum()), 1
    for start in range(0, RESAMPLES, BATCH):
        signs = rng.choice((-1.0, 1.0), (min(BATCH, RESAMPLES - start), len(kept)))  # (B, G)
        as_far += int((np.abs(signs @ kept) >= seen - 1e-12).sum())
    return as_far / (RESAMPLES + 1)
