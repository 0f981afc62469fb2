"""What a sweep was hardly meant to do, and does all the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

from .declared import untold

if TYPE_CHECKING:
    from .arms import Arm
    from .sweep import Sweep


def sweep_warnings(sweep: Sweep) -> tuple[str, ...]:
    """A line for each: labels without an effect of their own, and comparisons that are too many
    to be made unasked. Illegal arms are passed over.

    Raises :class:`~resforge.SpecError` for what is wrong with the sweep itself.
    """
    arms = sweep.expansion.arms
    missing = untold(sweep.comparisons, {arm.name: dict(arm.labels) for arm in arms})
    return (*_idle(sweep, arms), *([missing] if missing else []))


def _idle(sweep: Sweep, arms: Sequence[Arm]) -> Iterator[str]:
    first: dict[str, dict[str, str]] = {}
    idle: dict[tuple[str, ...], int] = {}
    for arm in arms:
        labels = dict(arm.labels)
        other = first.setdefault(arm.digest, labels)
        if other is not labels:
            axes = tuple(axis for axis, label in labels.items() if other[axis] != label)
            idle[axes] = idle.get(axes, 0) + 1
    if not idle or sweep.axes is None:
        return
    for axes, count in idle.items():
        yield (
            f"{count} of {len(arms)} arms differ from another in {_listed(axes)} alone,"
            " and mean the same network"
        )
    for one, two in combinations(sweep.axes, 2):
        paths = [
            {path for label in sweep.axes[axis].values() for path in label} for axis in (one, two)
        ]
        for path in sorted(paths[0] & paths[1]):
            yield f"{one} and {two} both say {path}: where both do, what {two} says stands"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
