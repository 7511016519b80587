"""Adjusted p-values: what a single claim is worth among many."""

from collections.abc import Sequence


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return q-values, in the order given: reject where q <= level to hold the false-discovery rate at that level.

    q_(i) = min over j >= i of p_(j) m / j: Benjamini and Hochberg (1995),
    https://doi.org/10.1111/j.2517-6161.1995.tb02031.x; valid for independent or positively dependent tests.
    """
    order = _ranked(p_values)
    adjusted = [0.0] * len(order)
    smallest = 1.0
    for rank in range(len(order), 0, -1):
        index = order[rank - 1]
        smallest = min(smallest, p_values[index] * len(order) / rank)
        adjusted[index] = smallest
    return adjusted


def holm(p_values: Sequence[float]) -> list[float]:
    """Return family-wise adjusted p-values, in the order given.

    p'_(i) = max over j <= i of (m - j + 1) p_(j), at most 1: Holm (1979), https://www.jstor.org/stable/4615733.
    """
    order = _ranked(p_values)
    adjusted = [0.0] * len(order)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _ranked(p_values: Sequence[float]) -> list[int]:
    for value in p_values:
        if not 0 <= value <= 1:  # also refuses NaN
            raise ValueError(f"p-values must lie between 0 and 1, got {value}")
    return sorted(range(len(p_values)), key=lambda index: p_values[index])
