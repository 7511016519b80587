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
    found = paired_difference([0.3, 0.7] * 5, [0.3, 0.7] * 5)
    assert (found.difference, found.low, found.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("items", [1, 2, 3])
def test_of_few_items_nothing_is_known(items: int) -> None:
    binary = paired_difference([1.0] * items, [0.0] * items)
    assert binary.difference == -1.0
    assert binary.low == pytest.approx(-1.0, abs=0.15)
    assert binary.high > 0 if items < 3 else binary.high > -0.2
    graded = paired_difference([0.3] * items, [0.9] * items)
    assert (graded.low, graded.high, graded.difference) == (-1.0, 1.0, pytest.approx(0.6))
    assert mean_interval([0.4] * items) == (0.0, 1.0)
    assert mean_interval([4.0] * items) == (0.0, 4.0)


@pytest.mark.parametrize("items", [10, 40])
def test_the_interval_of_paired_proportions_covers_the_truth(items: int) -> None:
    """Scores that depend on each other, a true difference of -0.3."""
    rng, covered = np.random.default_rng(7), 0
    for _ in range(400):
        draws = rng.random(items)
        before, after = (draws < 0.9).astype(float), ((draws < 0.5) | (draws > 0.9)).astype(float)
        found = paired_difference(list(before), list(after))
        covered += found.low <= -0.3 <= found.high
    assert 0.92 <= covered / 400 <= 1


def test_the_interval_is_that_of_bonett_and_price() -> None:
    """By hand: 9 better, 1 worse of 100, so 10/102 - 2/102 -+ 1.96 sqrt((12/102 - (8/102)^2) / 102)."""
    before, after = [0.0] * 9 + [1.0] + [1.0] * 90, [1.0] * 9 + [0.0] + [1.0] * 90
    found = paired_difference(before, after)
    reach = 1.959964 * ((12 / 102 - (8 / 102) ** 2) / 102) ** 0.5
    assert (found.low, found.high) == pytest.approx((8 / 102 - reach, 8 / 102 + reach), abs=1e-6)


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
    scores = [0.1, 0.5, 0.9, 0.2] * 3
    assert mean_interval(scores, seed=1) == mean_interval(scores, seed=1)


def test_the_mean_of_scores_of_0_and_1_has_wilsons_interval() -> None:
    low, high = mean_interval([1.0] * 10)
    assert (low, high) == (pytest.approx(0.7224672), 1.0)


@pytest.mark.parametrize(("before", "after"), [([], []), ([1.0], []), ([1.0], [1.0, 0.0])])
def test_items_that_do_not_pair_are_refused(before: list[float], after: list[float]) -> None:
    with pytest.raises(ValueError, match="wanted the same items"):
        paired_difference(before, after)
