"""Exact tests against SciPy and hand counts."""

import pytest
from scipy import stats

from auditdm_hub.statistics import binomial_above, fisher_above, mcnemar_above


@pytest.mark.parametrize(("successes", "trials", "rate"), [(1, 1, 0.5), (7, 10, 0.5), (30, 200, 0.1), (200, 200, 0.9)])
def test_the_binomial_tail_equals_scipys(successes: int, trials: int, rate: float) -> None:
    expected = stats.binomtest(successes, trials, rate, alternative="greater").pvalue
    assert binomial_above(successes, trials, rate) == pytest.approx(expected, rel=1e-9)


def test_the_binomial_tail_at_its_ends() -> None:
    assert binomial_above(0, 5, 0.3) == 1
    assert binomial_above(1, 5, 0.0) == 0
    assert binomial_above(5, 5, 1.0) == 1
    with pytest.raises(ValueError, match="rate"):
        binomial_above(1, 5, 1.5)


def test_mcnemar_counts_only_discordant_items() -> None:
    assert mcnemar_above(5, 0) == pytest.approx(1 / 32)
    assert mcnemar_above(8, 2) == pytest.approx(56 / 1024)
    assert mcnemar_above(0, 0) == 1
    with pytest.raises(ValueError, match="negative"):
        mcnemar_above(-1, 2)


@pytest.mark.parametrize("table", [(3, 4, 1, 4), (8, 10, 10, 100), (0, 5, 3, 9), (5, 5, 0, 5)])
def test_fisher_equals_scipys(table: tuple[int, int, int, int]) -> None:
    a, n, b, m = table
    expected = stats.fisher_exact([[a, n - a], [b, m - b]], alternative="greater").pvalue
    assert fisher_above(a, n, b, m) == pytest.approx(expected, rel=1e-9)
