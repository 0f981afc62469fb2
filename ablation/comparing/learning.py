"""Seeds on which an arm did not learn: those that diverged, and those that collapsed."""

from __future__ import annotations

from collections.abc import Iterable

from ..results.outcome import Outcome
from .rule import LEVEL

#: A trial has collapsed where its test error is more than this fraction of guessing's.
COLLAPSE = 0.5


def guessing(num_classes: int) -> float:
    """Test error of guessing, as a fraction.

    >>> guessing(10)
    0.9
    """
    return 1.0 - 1.0 / num_classes


def has_collapsed(outcome: Outcome, num_classes: int) -> bool:
    """Whether a trial has ended with a test error of more than half of that of guessing."""
    error = outcome.test_error
    return error is not None and error > COLLAPSE * guessing(num_classes)


def discordance_p(only_first: int, only_second: int) -> float | None:
    """Two-sided p of the exact McNemar test, from the numbers of discordant seeds.

    ``only_first`` counts seeds on which the event happened to the first arm alone. None where both
    counts are zero.

    >>> discordance_p(0, 5), discordance_p(2, 2), discordance_p(0, 0)
    (0.0625, 1.0, None)
    """
    from scipy.special import bdtr

    seeds = only_first + only_second
    if not seeds:
        return None
    return min(1.0, 2.0 * float(bdtr(min(only_first, only_second), seeds, 0.5)))


def can_be_small(only_first: int, only_second: int) -> bool:
    """Whether the McNemar test of so many discordant seeds could have a p of at most 0.05.

    A test that cannot need not be corrected for (Tarone 1990): six discordant seeds are the fewest.
    """
    return 2.0 * 0.5 ** (only_first + only_second) <= LEVEL


def percent_errors(trials: Iterable[tuple[int, Outcome]], guess: float | None) -> dict[int, float]:
    """Test error in percent of each seed; a diverged seed has that of ``guess``, or none."""
    errors = {seed: _error(outcome, guess) for seed, outcome in trials}
    return {seed: 100.0 * error for seed, error in errors.items() if error is not None}


def _error(outcome: Outcome, guess: float | None) -> float | None:
    return guess if outcome.status == "diverged" else outcome.test_error
