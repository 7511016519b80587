"""How many independent witnesses a group of models is worth."""

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import fmean


def effective_voters(wrong: Sequence[Sequence[bool]]) -> float:
    """Return n / (1 + (n - 1) r) for n voters whose mistakes correlate by r on average; in [1, n].

    This is Kish's design effect of a cluster (Survey Sampling, 1965, section 5.4), with the mean pairwise correlation
    of mistakes in place of the correlation within a cluster. Voters that err independently, or never, are worth n;
    voters that err together are worth one.

    Args:
        wrong: for each voter, whether it was wrong on each item; the same items for all.

    Raises:
        ValueError: there is no voter, or they were asked different numbers of items.
    """
    if not wrong or len({len(each) for each in wrong}) > 1:
        raise ValueError("wanted the same items for at least one voter")
    pairs = [_correlation(a, b) for a, b in combinations(wrong, 2)]
    together = max(0.0, fmean(pairs)) if pairs else 0.0
    return len(wrong) / (1 + (len(wrong) - 1) * together)


def _correlation(a: Sequence[bool], b: Sequence[bool]) -> float:
    """Return Pearson's correlation of two 0/1 variables; 0 where one of them never varies."""
    if not a:
        return 0.0
    p, q = fmean(a), fmean(b)
    spread = math.sqrt(p * (1 - p) * q * (1 - q))
    both = fmean(x and y for x, y in zip(a, b, strict=True))
    return (both - p * q) / spread if spread else 0.0
