"""Looks: numbers of seeds at which a growing sweep is judged, and the level of each judgement.

A sweep that is judged several times has several chances of a false "separable"; each look has a
stricter level, so that the chance of all together stays below 5% (Pocock 1977).
"""

from __future__ import annotations

from collections.abc import Sequence

from .rule import LEVEL

#: Most looks of one sweep.
MAX_LOOKS = 4
#: Looks at so many times the first number of seeds share most seeds, and err together.
_NEAR = 4.0
#: Levels of up to four looks that are near, and of others, by simulation.
_NEAR_LEVEL, _FAR_LEVEL = 0.015, 0.0075


def look_schedule(first: int, most: int) -> tuple[int, ...]:
    """Numbers of seeds from ``first`` to ``most`` at which a sweep is judged: at most four.

    They grow by one factor.

    >>> look_schedule(3, 12), look_schedule(3, 4), look_schedule(5, 40)
    ((3, 5, 8, 12), (3, 4), (5, 10, 20, 40))
    """
    steps = MAX_LOOKS - 1
    looks = [round(first * (most / first) ** (step / steps)) for step in range(steps)]
    return tuple(sorted({*looks, most}))


def look_level(looks: Sequence[int]) -> float:
    """Level at which each look is judged, so that all together err in at most 5% of sweeps.

    0.015 where the last look has up to four times as many seeds as the first, and 0.0075 where it
    has more, by simulation (``docs/verdicts.md``).

    >>> look_level([3, 5, 8, 12]), look_level([5, 10, 20, 40]), look_level([3])
    (0.015, 0.0075, 0.05)
    """
    if len(looks) < 2:
        return LEVEL
    return _NEAR_LEVEL if looks[-1] <= _NEAR * looks[0] else _FAR_LEVEL
