"""What voters are worth whose mistakes are independent, the same, or something between."""

import random

import pytest

from auditdm_hub.statistics import effective_voters


def test_voters_that_err_together_are_one_and_those_that_do_not_are_many() -> None:
    one = [True, False, False, True, False, False]
    assert effective_voters([one, one, one]) == pytest.approx(1)
    rng = random.Random(1)
    independent = [[rng.random() < 0.3 for _ in range(20_000)] for _ in range(3)]
    assert effective_voters(independent) == pytest.approx(3, abs=0.1)
    half = [[a if rng.random() < 0.5 else rng.random() < 0.3 for a in independent[0]] for _ in range(2)]
    # Two copies of a half each: their mistakes correlate by a quarter.
    assert effective_voters(half) == pytest.approx(2 / 1.25, abs=0.05)


def test_a_voter_that_never_errs_is_independent_and_nobody_is_worth_more_than_one_voice() -> None:
    assert effective_voters([[False, False], [True, False]]) == 2
    assert effective_voters([[True, False], [False, True]]) == 2  # mistakes that exclude each other
    assert effective_voters([[True, False]]) == 1
    assert effective_voters([[], []]) == 2


@pytest.mark.parametrize("wrong", ([], [[True], [True, False]]))
def test_other_items_are_refused(wrong: list[list[bool]]) -> None:
    with pytest.raises(ValueError, match="same items"):
        effective_voters(wrong)
