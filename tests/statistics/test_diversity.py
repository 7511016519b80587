"""Diversity against hand counts."""

import math
from itertools import permutations

import pytest

from auditdm_hub.statistics import accumulation, chao1, effective_number, entropy, unseen_mass


def test_entropy_and_effective_number() -> None:
    assert entropy([5, 5]) == pytest.approx(math.log(2))
    assert effective_number([3, 3, 3, 0]) == pytest.approx(3)
    assert effective_number([99, 1]) == pytest.approx(math.exp(0.056001534), rel=1e-6)
    assert (effective_number([7]), effective_number([]), entropy([])) == (1, 0, 0)


def test_unseen_mass_is_the_share_of_singletons() -> None:
    assert unseen_mass([1, 1, 8]) == pytest.approx(0.2)
    assert unseen_mass([]) == 1


def test_chao1_adds_what_rare_kinds_imply() -> None:
    assert chao1([1, 1, 1, 2, 9]) == pytest.approx(5 + 3 * 2 / (2 * 2))
    assert chao1([1, 1, 1]) == pytest.approx(6)
    assert chao1([4, 5, 0]) == 2


def test_accumulation_is_the_mean_over_all_orders() -> None:
    kinds = ["a", "a", "b", "a", "c"]
    orders = list(permutations(kinds))
    for drawn, expected in enumerate(accumulation(kinds), start=1):
        assert expected == pytest.approx(sum(len(set(order[:drawn])) for order in orders) / len(orders))
    assert accumulation([]) == []


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        entropy([1, -1])
