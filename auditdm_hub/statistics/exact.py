"""Exact one-sided tests, summed in logarithms so that they need no SciPy."""

import math


def binomial_above(successes: int, trials: int, rate: float) -> float:
    """Return P(X >= successes) of a binomial X: the p-value of "the true rate is at most `rate`".

    Raises:
        ValueError: a count or a rate is impossible.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"successes must lie between 0 and trials, got {successes} of {trials}")
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must lie between 0 and 1, got {rate}")
    if successes == 0 or rate == 1:
        return 1.0
    if rate == 0:
        return 0.0
    logs = [_log_choose(trials, k) + k * math.log(rate) + (trials - k) * math.log1p(-rate)
            for k in range(successes, trials + 1)]  # fmt: skip
    return _exp_sum(logs)


def mcnemar_above(only_first: int, only_second: int) -> float:
    """Return the exact one-sided McNemar p-value of "the first errs no more often than the second".

    Args:
        only_first: items on which only the first erred.
        only_second: items on which only the second erred.

    Under the hypothesis the discordant items fall on either side with probability 1/2:
    McNemar (1947), https://doi.org/10.1007/BF02295996, in its exact binomial form.
    """
    if only_first < 0 or only_second < 0:
        raise ValueError(f"counts must not be negative, got {only_first} and {only_second}")
    return binomial_above(only_first, only_first + only_second, 0.5)


def fisher_above(successes: int, trials: int, other_successes: int, other_trials: int) -> float:
    """Return Fisher's exact one-sided p-value of "the first rate is no higher than the other".

    The hypergeometric tail P(X >= successes) with both margins fixed: Fisher (1935), The Design of Experiments.
    """
    if not (0 <= successes <= trials and 0 <= other_successes <= other_trials):
        raise ValueError(
            f"successes must lie between 0 and trials, got {successes} of {trials} and "
            f"{other_successes} of {other_trials}"
        )
    total, hits = trials + other_trials, successes + other_successes
    every = _log_choose(total, trials)
    logs = [_log_choose(hits, k) + _log_choose(total - hits, trials - k) - every
            for k in range(successes, min(hits, trials) + 1) if trials - k <= total - hits]  # fmt: skip
    return _exp_sum(logs)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _exp_sum(logs: list[float]) -> float:
    """Return the sum of exponentials, at most 1."""
    if not logs:
        return 0.0
    top = max(logs)
    return min(1.0, math.exp(top) * math.fsum(math.exp(value - top) for value in logs))
