"""Statistics of paired differences: plain numbers in, plain numbers out.

All random numbers are seeded: the same differences, in any order, give the same results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import sqrt
from typing import Any

#: Significance level of the tests; intervals have the confidence 1 - LEVEL.
LEVEL = 0.05
#: Probability with which a difference must be detected to be called detectable.
POWER = 0.8
#: Number of differences below which a bootstrap interval covers far less than it claims.
MIN_INTERVAL_PAIRS = 5
#: Sign patterns tried: all of them up to 14 pairs, as many random ones beyond.
FLIPS = 2**14
_EXACT = 14
_HELD = 64  # up to so many pairs the sign patterns are cached: 8 MB
_RESAMPLES = 9_999
_SEED = 0
# Differences in percentage points that agree to this many decimals differ by rounding only.
_DECIMALS = 9
ROUNDING = 10.0**-_DECIMALS
_BATCH = 2**20  # numbers in memory at once


def mean_interval(differences: Sequence[float]) -> tuple[float, float] | None:
    """95% interval of the mean by the bias-corrected and accelerated bootstrap.

    Efron 1987, "Better Bootstrap Confidence Intervals", as in ``scipy.stats.bootstrap``, from
    9,999 resamples. None for fewer than five differences, where the coverage of the
    method is too low, and for differences that are all equal, which have no spread to resample.

    >>> low, high = mean_interval([0.1, 0.4, 0.2, 0.6, 0.3, 0.5])
    >>> round(low, 2), round(high, 2)
    (0.22, 0.48)
    >>> mean_interval([0.1, 0.4]), mean_interval([0.2] * 10)
    (None, None)
    """
    import numpy as np
    from scipy import stats

    values = np.sort(np.asarray(differences, dtype=float))
    if len(values) < MIN_INTERVAL_PAIRS or all_equal(differences):
        return None
    found = stats.bootstrap(
        (values,),
        _mean,
        confidence_level=1.0 - LEVEL,
        n_resamples=_RESAMPLES,
        batch=max(1, _BATCH // len(values)),
        method="BCa",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


def _mean(sample: Any, axis: int) -> Any:
    """Mean, rounded so that ties compare equal: errors are counts of images and often tie."""
    import numpy as np

    return np.round(np.mean(sample, axis=axis), _DECIMALS)


def all_equal(differences: Sequence[float]) -> bool:
    """Whether the differences are equal up to rounding."""
    return len(differences) == 0 or max(differences) - min(differences) < ROUNDING


def sign_flip_p(differences: Sequence[float]) -> float | None:
    """Two-sided p of the sign-flip test: under the null each difference may have either sign.

    Twice the fraction of sign patterns whose mean is at least as extreme as the observed one, on
    its side of zero: among all ``2 ** n`` up to 14 differences; beyond, among 16,384 random ones
    and the observed one (Phipson and Smyth 2010), so that p is never zero. None without
    differences.

    Equals ``scipy.stats.permutation_test``, which generates the patterns again for every test and
    takes 0.1 s for 14 differences.

    >>> sign_flip_p([0.1, 0.2, 0.3]), sign_flip_p([-0.1, 0.1]), sign_flip_p([])
    (0.25, 1.0, None)
    """
    import numpy as np

    values = np.sort(np.asarray(differences, dtype=float))
    if len(values) < 2:
        return None if len(values) == 0 else 1.0
    observed, rounding = np.sum(values), ROUNDING * len(values)
    patterns = below = above = 0
    for signs in _signs(len(values)):
        sums = signs @ values
        patterns += len(sums)
        below += int(np.count_nonzero(sums <= observed + rounding))
        above += int(np.count_nonzero(sums >= observed - rounding))
    drawn = len(values) > _EXACT
    return min(1.0, 2 * (min(below, above) + drawn) / (patterns + drawn))


def _signs(pairs: int) -> Iterable[Any]:
    """Sign patterns, one a row, in pieces that fit into memory."""
    return _held_signs(pairs) if pairs <= _HELD else _drawn_signs(pairs)


@lru_cache(maxsize=4)  # most comparisons of a sweep have equally many pairs
def _held_signs(pairs: int) -> tuple[Any, ...]:
    import numpy as np

    if pairs > _EXACT:
        return tuple(_drawn_signs(pairs))
    numbers = np.arange(2**pairs)[:, None]
    return (1.0 - 2.0 * (numbers >> np.arange(pairs) & 1),)


def _drawn_signs(pairs: int) -> Iterator[Any]:
    import numpy as np

    rng = np.random.default_rng(_SEED)
    rows = max(1, _BATCH // pairs)
    for start in range(0, FLIPS, rows):
        # Shuffled pairs of a sign and its opposite: the same draws as scipy's.
        both = np.tile([1.0, -1.0], (min(rows, FLIPS - start), pairs, 1))
        yield rng.permuted(both, axis=-1)[..., 0]


def smallest_p(pairs: int) -> float:
    """Smallest value that :func:`sign_flip_p` can have for that many differences.

    >>> smallest_p(3), smallest_p(5)
    (0.25, 0.0625)
    """
    return max(2.0 ** (1 - pairs), 2.0 / (FLIPS + 1)) if pairs else 1.0


def holm(ps: Sequence[float | None], family: int | None = None) -> list[float | None]:
    """p values after the step-down correction of Holm 1979, over ``family`` comparisons.

    ``family`` is by default the number of comparisons with a p; where it is larger, the others
    count as if their p were 1.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    >>> holm([0.01, None], family=4)
    [0.04, None]
    """
    known = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    family = len(known) if family is None else family
    corrected: list[float | None] = [None] * len(ps)
    reached = 0.0
    for step, (p, place) in enumerate(known):
        reached = max(reached, min(1.0, (family - step) * p))
        corrected[place] = reached
    return corrected


def detectable(deviation: float | None, pairs: int, family: int = 1) -> float | None:
    """Smallest true mean difference that so many pairs detect with a power of 80%.

    For the two-sided paired t test at the level 0.05 / ``family``, the strictest step of Holm's
    correction, and normal differences of the standard ``deviation`` given: the d at which T, of
    the noncentral t distribution with ``pairs`` - 1 degrees of freedom and noncentrality
    ``d * sqrt(pairs) / deviation``, has P(T > t) = 0.8, where t is the two-sided critical value of
    the central distribution at that level. None without a deviation, and where the sign-flip test
    cannot reach that level for any difference.

    >>> round(detectable(1.0, 24), 3), detectable(1.0, 5)
    (0.597, None)
    """
    from scipy import stats
    from scipy.special import nctdtrinc

    # Where all arms are one network the family is empty, and there is no deviation either.
    if deviation is None or deviation < ROUNDING:
        return None
    level = LEVEL / family
    if smallest_p(pairs) > level:
        return None
    critical = stats.t.isf(level / 2, pairs - 1)
    # The opposite tail adds less than 1e-6 to the power.
    noncentrality = float(nctdtrinc(pairs - 1, 1.0 - POWER, critical))
    return noncentrality * deviation / sqrt(pairs)


def discordance_p(only_first: int, only_second: int) -> float | None:
    """Two-sided p of the exact McNemar test, from the numbers of discordant seeds.

    ``only_first`` counts seeds on which the event happened to the first arm alone. None where both
    counts are zero.

    >>> discordance_p(0, 5), discordance_p(2, 2), discordance_p(0, 0)
    (0.0625, 1.0, None)
    """
    from scipy import stats

    if not only_first + only_second:
        return None
    return float(stats.binomtest(only_first, only_first + only_second).pvalue)
