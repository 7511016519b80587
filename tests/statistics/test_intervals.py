"""Intervals against published values and SciPy."""

import pytest
from scipy import stats

from auditdm_hub.statistics import clopper_pearson, wilson


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (1, 29), (15, 148), (81, 263), (10, 10), (970, 1000)])
def test_the_intervals_equal_scipys(successes: int, trials: int) -> None:
    result = stats.binomtest(successes, trials)
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        theirs = result.proportion_ci(method=method)
        assert ours(successes, trials) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_newcombes_published_values() -> None:
    # Newcombe (1998), table I, methods 3 and 5.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert clopper_pearson(81, 263) == pytest.approx((0.2527, 0.3676), abs=5e-5)


def test_no_trials_tell_nothing_and_impossible_counts_are_refused() -> None:
    assert wilson(0, 0) == clopper_pearson(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="got 3 of 2"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="confidence"):
        clopper_pearson(1, 2, confidence=95)
