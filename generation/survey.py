"""What a space holds, by looking at points of it."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from ..errors import Fault
from .draw import Architecture, Draws, Misses
from .seen import Seen
from .space import Space

_QUANTITIES = ("params", "macs", "activations", "depth", "receptive_field")


class Survey(NamedTuple):
    """What became of points of a space that were drawn without choosing."""

    points: int
    networks: int
    """Those that are legal networks."""
    within: int
    """Of these, those within the bounds."""
    distinct: int
    """Of these, those that no other means too."""
    ranges: dict[str, tuple[int, int, int]]
    """Of those within, the least, the middle and the most of each quantity."""
    faults: list[tuple[Fault, int]]
    """Why the others are no networks, the most frequent first."""
    misses: Misses

    def as_dict(self) -> dict[str, Any]:
        """The survey as plain values."""
        return {
            "points": self.points,
            "networks": self.networks,
            "within": self.within,
            "distinct": self.distinct,
            "ranges": {name: list(values) for name, values in self.ranges.items()},
            "faults": [
                {"path": fault.path, "message": fault.message, "points": count}
                for fault, count in self.faults
            ],
        }


def survey(space: Space, points: int = 1000, seed: int = 0) -> Survey:
    """Look at so many points, or at every one where the space has no more.

    >>> from resforge.generation import load_space
    >>> found = survey(load_space("cifar_resnets"), points=100)
    >>> found.networks, found.within, found.distinct
    (100, 53, 53)
    """
    whole = space.size <= points
    draws = Draws(space, seed)
    indexes = range(space.size) if whole else (draws.index(k) for k in range(points))
    misses, seen = Misses(space), Seen()
    found: list[Architecture] = []
    legal = distinct = 0
    faults: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], Fault] = {}
    for index in indexes:
        met = space.look(index)
        if isinstance(met, Architecture):
            legal += 1
            distinct += seen.add(met.digest)
            found.append(met)
            continue
        misses.add(met)
        legal += met.figures is not None
        for fault in met.faults[:1]:
            key = (fault.code, fault.path)
            faults[key] += 1
            first.setdefault(key, fault)
    return Survey(
        min(points, space.size),
        legal,
        len(found),
        distinct,
        {name: _spread([getattr(each, name) for each in found]) for name in _QUANTITIES if found},
        [(first[key], count) for key, count in faults.most_common()],
        misses,
    )


def _spread(values: list[int]) -> tuple[int, int, int]:
    ordered = sorted(values)
    return ordered[0], ordered[len(ordered) // 2], ordered[-1]
