"""Paired tests against published and hand-made values."""

import numpy as np
import pytest

from auditdm_hub.statistics import mcnemar, mean_interval, paired_difference


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 0.0625), (1, 9, 0.021484375), (9, 1, 0.021484375), (2, 2, 1.0), (0, 1, 1.0)],
)
def test_mcnemar_is_the_two_sided_binomial(first: int, second: int, expected: float) -> None:
    """R: binom.test(first, first + second)$p.value."""
    assert mcnemar(first, second) == pytest.approx(expected)


def test_binary_items_are_tested_exactly() -> None:
    before, after = [0.0] * 9 + [1.0] + [1.0] * 90, [1.0] * 9 + [0.0] + [1.0] * 90
    found = paired_difference(before, after)
    assert found.difference == pytest.approx(0.08)
    assert found.p_value == pytest.approx(0.021484375)
    assert 0.0 < found.low < 0.08 < found.high < 0.2


def test_items_of_one_image_count_as_one() -> None:
    """The same ten gains, once on ten images and once all on one."""
    before, after = [0.0] * 10 + [0.5] * 90, [1.0] * 10 + [0.5] * 90
    apart = paired_difference(before, after)
    images = ["one"] * 10 + [f"other {number}" for number in range(90)]
    together = paired_difference(before, after, images)
    assert together.difference == apart.difference == pytest.approx(0.1)
    assert together.p_value == 1.0  # one group: either sign is as far
    assert together.high - together.low > apart.high - apart.low


def test_equal_scores_show_nothing() -> None:
    found = paired_difference([0.3, 0.7], [0.3, 0.7])
    assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_under_the_null_hypothesis_five_percent_are_significant() -> None:
    rng = np.random.default_rng(5)
    p_values = [
        paired_difference(list(scores[0]), list(scores[1]), seed=number).p_value
        for number, scores in enumerate(rng.normal(size=(60, 2, 25)))
    ]
    assert 0.0 <= np.mean(np.array(p_values) <= 0.05) <= 0.12


def test_the_interval_covers_the_truth() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for number in range(100):
        scores = list(rng.random(60))
        low, high = mean_interval(scores, seed=number)
        covered += low <= 0.5 <= high
    assert covered >= 88


def test_the_same_seed_gives_the_same_interval() -> None:
    scores = [0.1, 0.5, 0.9, 0.2]
    assert mean_interval(scores, seed=1) == mean_interval(scores, seed=1)
    assert mean_interval([0.4], seed=1) == (0.4, 0.4)


@pytest.mark.parametrize(("before", "after"), [([], []), ([1.0], []), ([1.0], [1.0, 0.0])])
def test_items_that_do_not_pair_are_refused(before: list[float], after: list[float]) -> None:
    with pytest.raises(ValueError, match="wanted the same items"):
        paired_difference(before, after)
