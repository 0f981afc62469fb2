"""Simulated sweeps: how often the rule is wrong where nothing differs, and finds what does.

The nulls are distributions of test errors in percent that sweeps have, equal for all arms in their
means; the page ``docs/verdicts.md`` shows the results.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .looks import look_level
from .rule import LEVEL, Contrast, apply_rule
from .sign_flips import MIN_PAIRS, joint_flip_p

#: Number of test images of the simulated sweeps.
IMAGES = 797
#: Sweeps in memory at once.
_BATCH = 5_000

#: Draws errors of the shape ``(sweeps, arms, seeds)``.
Draw = Callable[[Any, tuple[int, int, int]], Any]


def _normal(rng: Any, shape: tuple[int, int, int]) -> Any:
    return rng.normal(3.0, 0.5, shape)


def _correlated(rng: Any, shape: tuple[int, int, int]) -> Any:
    """Nine tenths of the variance are common to all arms of a seed."""
    sweeps, _, seeds = shape
    common = rng.normal(0.0, 0.9**0.5, (sweeps, 1, seeds))
    return 3.0 + 0.5 * (common + rng.normal(0.0, 0.1**0.5, shape))


def _binomial(share: float) -> Draw:
    return lambda rng, shape: rng.binomial(IMAGES, share, shape) * 100.0 / IMAGES


def _heavy(rng: Any, shape: tuple[int, int, int]) -> Any:
    return 3.0 + 0.5 * rng.standard_t(2, shape)


def _skewed(rng: Any, shape: tuple[int, int, int]) -> Any:
    return 2.0 + rng.exponential(1.0, shape)


def _collapsing(share: float) -> Draw:
    """Each run collapses with the probability ``share``."""
    return lambda rng, shape: rng.normal(3.0, 0.3, shape) + 60.0 * (rng.random(shape) < share)


def _unequal(rng: Any, shape: tuple[int, int, int]) -> Any:
    """Every other arm has the standard deviation 3, the others 0.1."""
    import numpy as np

    scale = np.where(np.arange(shape[1]) % 2, 3.0, 0.1)[:, None]
    return 10.0 + scale * rng.normal(0.0, 1.0, shape)


def _beside(control: Draw, other: Draw) -> Draw:
    """The first arm has errors of ``control``, the others those of ``other``."""

    def draw(rng: Any, shape: tuple[int, int, int]) -> Any:
        errors = other(rng, shape)
        errors[:, 0] = control(rng, shape)[:, 0]
        return errors

    return draw


def _narrow(rng: Any, shape: tuple[int, int, int]) -> Any:
    return rng.normal(3.0, 0.1, shape)


def _constant(rng: Any, shape: tuple[int, int, int]) -> Any:
    import numpy as np

    return np.full(shape, 3.0 + math.exp(0.5))


def _lognormal(rng: Any, shape: tuple[int, int, int]) -> Any:
    return 3.0 + rng.lognormal(0.0, 1.0, shape)


NULLS: dict[str, Draw] = {
    "normal": _normal,
    "correlated": _correlated,
    "binomial, 1.5%": _binomial(0.015),
    "binomial, 0.3%": _binomial(0.003),
    "t, 2 degrees": _heavy,
    "exponential": _skewed,
    "collapse, 50%": _collapsing(0.5),
    "collapse, 10%": _collapsing(0.1),
    "SD 0.1 beside 3": _unequal,
}
UNEQUAL_SKEW: dict[str, Draw] = {
    "normal, exponential": _beside(_narrow, _skewed),
    "constant, lognormal": _beside(_constant, _lognormal),
}
"""Equal means again, of a control that is not skewed and arms that are: no test of means of so few
seeds keeps its level, and neither does the rule."""


def with_control(comparisons: int) -> list[Contrast]:
    """Contrasts of so many arms with the first."""
    return [((arm, 1.0), (0, -1.0)) for arm in range(1, comparisons + 1)]


def false_rate(null: str, comparisons: int, seeds: int, sweeps: int, exact: bool = False) -> float:
    """Fraction of sweeps under a null in which any of the comparisons is called separable.

    ``exact`` uses the joint sign flips instead of the rule.
    """

    def any_found(errors: Any) -> Any:
        if exact:
            differences = errors[:, 1:] - errors[:, :1]
            return (joint_flip_p(differences) <= LEVEL).any(-1)
        return _found(errors).any(-1)

    if exact and seeds < MIN_PAIRS:
        return 0.0
    draw = (NULLS | UNEQUAL_SKEW)[null]
    return float(_mean(any_found, draw, comparisons, seeds, sweeps))


def power(effect: float, comparisons: int, seeds: int, sweeps: int) -> float:
    """Fraction of sweeps that find a difference of ``effect`` SD, where one arm of all differs.

    Errors are normal, and the SD is that of the paired differences.
    """

    def draw(rng: Any, shape: tuple[int, int, int]) -> Any:
        errors = rng.normal(3.0, 0.5**0.5, shape)
        errors[:, 1] += effect
        return errors

    return float(_mean(lambda errors: _found(errors)[:, 0], draw, comparisons, seeds, sweeps))


def false_rate_of_looks(null: str, comparisons: int, looks: tuple[int, ...], sweeps: int) -> float:
    """As :func:`false_rate`, of sweeps that add seeds until every comparison is settled."""

    def any_found(errors: Any) -> Any:
        return (_settled_at(errors, looks) >= 0).any(-1)

    return float(_mean(any_found, NULLS[null], comparisons, looks[-1], sweeps))


def seeds_used(
    effect: float, comparisons: int, looks: tuple[int, ...], sweeps: int
) -> tuple[float, float]:
    """Fraction of sweeps that find an effect as in :func:`power`, and their mean number of seeds.

    Every arm has the effect, since a single null keeps a sweep going to the last look.
    """
    import numpy as np

    def draw(rng: Any, shape: tuple[int, int, int]) -> Any:
        errors = rng.normal(3.0, 0.5**0.5, shape)
        errors[:, 1:] += effect
        return errors

    def used(errors: Any) -> Any:
        settled = _settled_at(errors, looks)
        last = np.where(settled >= 0, settled, len(looks) - 1).max(-1)
        return np.stack([(settled >= 0)[:, 0], np.asarray(looks)[last]], axis=-1)

    found, seeds = _mean(used, draw, comparisons, looks[-1], sweeps)
    return found, seeds


def _found(errors: Any, level: float = LEVEL) -> Any:
    judged, _ = apply_rule(errors, with_control(errors.shape[1] - 1), IMAGES, level)
    return judged.p_holm <= level


def _settled_at(errors: Any, looks: tuple[int, ...]) -> Any:
    """Index of the look at which each comparison is first found, or -1."""
    import numpy as np

    level = look_level(looks)
    settled = np.full((errors.shape[0], errors.shape[1] - 1), -1)
    for index, look in enumerate(looks):
        found = _found(errors[..., :look], level)
        settled = np.where((settled < 0) & found, index, settled)
    return settled


def _mean(
    figure: Callable[[Any], Any], draw: Draw, comparisons: int, seeds: int, sweeps: int
) -> Any:
    """Mean of a figure over simulated sweeps; the same arguments give the same mean."""
    import numpy as np

    rng = np.random.default_rng([comparisons, seeds])
    total: Any = 0.0
    for start in range(0, sweeps, _BATCH):
        errors = draw(rng, (min(_BATCH, sweeps - start), comparisons + 1, seeds))
        total = total + np.sum(figure(errors), axis=0)
    return (total / sweeps).tolist()
