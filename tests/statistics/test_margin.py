import numpy as np
import pytest
from scipy.stats import multinomial

from auditdm_hub.statistics import margin_above, margin_power, mcnemar_above


def test_without_a_margin_it_is_mcnemars_score() -> None:
    assert margin_above(150, 100, 2000, 0.0) == pytest.approx(0.000782701, abs=1e-8)  # 1 - Phi(50 / sqrt(250))
    assert margin_above(150, 100, 1000, 0.0) == pytest.approx(mcnemar_above(150, 100), rel=0.2)


@pytest.mark.parametrize(("items", "level"), [(12, 0.05), (30, 0.05), (40, 0.01)])
def test_of_few_items_it_never_rejects_more_often_than_it_says(items: int, level: float) -> None:
    """Whatever the second share is; the normal approximation would reject up to twice as often."""
    counts = [(b, c) for b in range(items + 1) for c in range(items + 1 - b)]
    rejected = [pair for pair in counts if margin_above(*pair, items, 0.1) <= level]
    for share in (0.001, 0.01, 0.03, 0.1, 0.2, 0.4):
        chances = multinomial.pmf(
            [(b, c, items - b - c) for b, c in rejected], items, [share + 0.1, share, 0.9 - 2 * share]
        )
        assert chances.sum() <= level


def test_many_items_have_the_normal_approximation_and_it_fits_the_exact_one() -> None:
    assert margin_above(150, 25, 1000, 0.1) == pytest.approx(margin_above(150, 25, 1001, 0.1), rel=0.3)


@pytest.mark.parametrize(("first", "second"), [(0.3, 0.2), (0.55, 0.45), (0.95, 0.85)])
def test_at_the_margin_it_rejects_as_often_as_it_says(first: float, second: float) -> None:
    rng = np.random.default_rng(0)
    one, two = rng.random((4000, 150)) < first, rng.random((4000, 150)) < second
    counts = zip((one & ~two).sum(1).tolist(), (two & ~one).sum(1).tolist(), strict=True)
    p_values = np.array([margin_above(only_one, only_two, 150, 0.1) for only_one, only_two in counts])
    assert 0.02 < (p_values <= 0.05).mean() < 0.058
    assert (p_values <= 0.01).mean() < 0.014


@pytest.mark.parametrize(("items", "margin", "power"), [(150, 0.1, 0.26), (550, 0.1, 0.92), (150, 0.0, 0.94)])
def test_power_of_thirty_against_ten_percent(items: int, margin: float, power: float) -> None:
    level = 0.05 / 25
    assert margin_power(items, level, 0.3, 0.1, margin) == pytest.approx(power, abs=0.005)
    rng = np.random.default_rng(1)
    one, two = rng.random((3000, items)) < 0.3, rng.random((3000, items)) < 0.1
    counts = zip((one & ~two).sum(1).tolist(), (two & ~one).sum(1).tolist(), strict=True)
    rejected = np.mean([margin_above(a, b, items, margin) <= level for a, b in counts])
    assert power - 0.07 < rejected < power + 0.03  # the exact test wants a little more


def test_the_ends_and_what_is_impossible() -> None:
    assert margin_above(0, 0, 0, 0.1) == 1.0
    assert margin_above(0, 5, 10, 0.1) == 1.0
    assert margin_above(10, 0, 100, 0.1) == 1.0
    assert margin_above(90, 0, 100, 0.1) == pytest.approx(1e-5)
    assert margin_power(0, 0.05, 0.3, 0.1, 0.1) == 0.0
    with pytest.raises(ValueError, match="got 6 and 5 of 10 items"):
        margin_above(6, 5, 10, 0.1)
    with pytest.raises(ValueError, match="margin must lie"):
        margin_above(6, 4, 10, 1.0)
