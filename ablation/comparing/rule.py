"""The rule by which a difference is real: paired t tests with a floor, a guard and Holm.

Plain numbers in, plain numbers out. Arrays may have leading axes, so that a simulation applies the
rule to thousands of sweeps at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .holm import holm

#: Significance level of a sweep; intervals have the confidence 1 - LEVEL.
LEVEL = 0.05
#: Number of pairs below which nothing is claimed.
MIN_PAIRS = 3
#: Number of pairs from which the paired deviation alone is trusted.
TRUSTED_PAIRS = 5

#: A contrast of arms: index and weight of each arm in it; the weights add up to 0.
Contrast = Sequence[tuple[int, float]]


class Judged(NamedTuple):
    """Figures of each contrast, arrays of the shape ``(..., contrasts)``; NaN where undefined."""

    pairs: Any
    """Number of seeds with an error of every arm in the contrast."""
    difference: Any
    """Mean of the contrast over its seeds."""
    deviation: Any
    """Sample deviation of the contrast, at least that of rounding to whole images."""
    low: Any
    high: Any
    """t interval of the mean, for this contrast alone."""
    p: Any
    """1 where there are fewer than :data:`MIN_PAIRS`."""
    p_holm: Any


def apply_rule(
    errors: Any,
    contrasts: Sequence[Contrast],
    images: int,
    level: float = LEVEL,
    others: Sequence[float] = (),
) -> tuple[Judged, Any]:
    """Judge ``contrasts`` of the arms whose ``errors`` in percent are ``(..., arms, seeds)``.

    NaN is a missing error. ``images`` is the number of test images, ``others`` are the p of further
    members of the family, such as tests on divergence; their corrected p are returned, too.

    The deviation of a contrast with the weights w is at least that of errors rounded to
    ``1 / images``, ``100 / images * sqrt(sum(w**2) / 12)``: differences that are equal on three
    seeds by rounding do not prove that they are equal on all. With 3 and 4 pairs three equal
    differences are frequent in distributions with two modes; there the larger of two p counts, the
    second with the largest variance of any arm instead.
    """
    import numpy as np
    from scipy.special import stdtrit

    errors = np.asarray(errors, dtype=float)
    values = contrast_values(errors, contrasts)
    squares = np.array([sum(weight**2 for _, weight in contrast) for contrast in contrasts])
    rounding = (100.0 / images) ** 2 / 12.0
    pairs, difference, variance = _moments(values)
    enough = pairs >= MIN_PAIRS
    deviation = np.where(enough, np.sqrt(np.fmax(variance, squares * rounding)), np.nan)
    freedom = np.where(enough, pairs - 1, 1)
    standard_error = deviation / np.sqrt(np.maximum(pairs, 1))
    p = _two_sided(difference / standard_error, freedom)

    seeds, _, spread = _moments(errors)
    worst = np.fmax(np.fmax.reduce(spread, axis=-1), rounding)[..., None]
    all_freedom = np.maximum(np.sum(np.maximum(seeds - 1, 0), axis=-1), 1)[..., None]
    guard_error = np.sqrt(squares * worst / np.maximum(pairs, 1))
    guard = _two_sided(difference / guard_error, all_freedom)
    p = np.where(enough, np.where(pairs < TRUSTED_PAIRS, np.fmax(p, guard), p), 1.0)

    half = standard_error * -stdtrit(freedom, level / 2)
    family = np.concatenate([p, np.broadcast_to(others, (*p.shape[:-1], len(others)))], axis=-1)
    corrected, rest = np.split(holm(family), [len(contrasts)], axis=-1)
    interval = (difference - half, difference + half)
    return Judged(pairs, difference, deviation, *interval, p, corrected), rest


def contrast_values(errors: Any, contrasts: Sequence[Contrast]) -> Any:
    """Value of each contrast with each seed, ``(..., contrasts, seeds)``, from the arms' errors."""
    import numpy as np

    made = [sum(weight * errors[..., arm, :] for arm, weight in c) for c in contrasts]
    return np.stack(made, axis=-2) if made else errors[..., :0, :]


def _moments(values: Any) -> tuple[Any, Any, Any]:
    """Count, mean and sample variance over the last axis, NaN left out."""
    import numpy as np

    known = ~np.isnan(values)
    count = np.count_nonzero(known, axis=-1)
    mean = np.where(known, values, 0.0).sum(-1) / np.where(count, count, np.nan)
    squares = np.where(known, values - mean[..., None], 0.0) ** 2
    return count, mean, squares.sum(-1) / np.where(count > 1, count - 1, np.nan)


def _two_sided(t: Any, freedom: Any) -> Any:
    import numpy as np
    from scipy.special import stdtr

    return 2.0 * stdtr(freedom, -np.abs(t))
