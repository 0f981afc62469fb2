"""Power: the smallest true difference that a sweep finds four times in five."""

from __future__ import annotations

from math import sqrt

from .rule import LEVEL, MIN_PAIRS

#: Probability with which a difference must be found to be called detectable.
POWER = 0.8


def detectable(
    deviation: float | None, pairs: int, family: int = 1, level: float = LEVEL
) -> float | None:
    """Smallest true mean difference that so many pairs find with a probability of 80%.

    For the two-sided paired t test at the level ``level / family``, the strictest step of Holm's
    correction, and normal differences of the standard ``deviation`` given: the d at which T, of
    the noncentral t distribution with ``pairs`` - 1 degrees of freedom and noncentrality
    ``d * sqrt(pairs) / deviation``, has P(T > t) = 0.8, where t is the two-sided critical value of
    the central distribution at that level. None without a deviation, and below three pairs, where
    nothing is claimed.

    >>> round(detectable(1.0, 5), 2), round(detectable(1.0, 3, family=6), 2), detectable(1.0, 2)
    (1.68, 8.02, None)
    """
    from scipy.special import nctdtrinc, stdtrit

    if deviation is None or pairs < MIN_PAIRS:
        return None
    freedom = pairs - 1
    critical = -stdtrit(freedom, level / max(family, 1) / 2)
    # The opposite tail adds less than 1e-6 to the power.
    return float(nctdtrinc(freedom, 1.0 - POWER, critical)) * deviation / sqrt(pairs)


def deviation_range(pairs: int, level: float = LEVEL) -> tuple[float, float]:
    """95% interval of a true deviation, as factors of the sample deviation of ``pairs``.

    From the chi-squared distribution of the sample variance of normal differences.

    >>> [round(factor, 2) for factor in deviation_range(8)]
    [0.66, 2.04]
    """
    from scipy.special import chdtri

    freedom = pairs - 1
    upper, lower = (float(chdtri(freedom, tail)) for tail in (level / 2, 1 - level / 2))
    return sqrt(freedom / upper), sqrt(freedom / lower)
