"""Adjusted p-values against SciPy and a worked example."""

from collections.abc import Callable, Sequence

import pytest
from scipy import stats

from auditdm_hub.statistics import benjamini_hochberg, holm

P = [0.04, 0.001, 0.03, 0.5, 0.03, 1.0, 0.0]


def test_benjamini_hochberg_equals_scipys() -> None:
    assert benjamini_hochberg(P) == pytest.approx(list(stats.false_discovery_control(P)))


def test_holm_steps_down_and_stays_monotone() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize("adjust", [benjamini_hochberg, holm])
def test_no_tests_and_impossible_values(adjust: Callable[[Sequence[float]], list[float]]) -> None:
    assert adjust([]) == []
    with pytest.raises(ValueError, match="p-values"):
        adjust([0.1, float("nan")])
