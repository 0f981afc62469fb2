"""A survey of a space: how many of its points are networks, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import Fault
from ..specs.plain import as_count
from .digests import DigestSet
from .draws import Draws
from .misses import Misses
from .points import Architecture
from .space import Space

_QUANTITIES = ("params", "macs", "activations", "depth", "receptive_field")

#: Draws for each point that is asked for.
_PATIENCE = 50


class Survey(NamedTuple):
    """Counts over different points of a space that were drawn without selection."""

    points: int
    """Number of points."""
    networks: int
    """Number of legal networks among the points."""
    within: int
    """Number of legal networks within the limits."""
    distinct: int
    """Number of different networks within the limits, by digest."""
    ranges: dict[str, tuple[int, int, int]]
    """Least, median and most of each quantity, of the networks within the limits."""
    faults: list[tuple[Fault, int]]
    """Why other points are no networks, and how many for each reason, the most frequent first."""
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
    """Look at ``points`` different random points, or at every point of a space that has no more.

    A point that is drawn again is not looked at again; where a few points are so likely that most
    draws repeat them, fewer are looked at.

    >>> from resforge.generation import load_space
    >>> found = survey(load_space("cifar_resnets"), points=100)
    >>> found.networks, found.within, found.distinct
    (100, 53, 53)
    """
    indexes = _some(space, min(as_count("points", points), space.size), seed)
    misses, digests = Misses(space.points), DigestSet()
    within: list[Architecture] = []
    legal = distinct = 0
    for index in indexes:
        found = space.look(index)
        if isinstance(found, Architecture):
            legal += 1
            distinct += digests.add(found.digest)
            within.append(found)
        else:
            legal += found.figures is not None
            misses.add(found)
    ranges = {name: _spread([getattr(each, name) for each in within]) for name in _QUANTITIES}
    return Survey(
        len(indexes), legal, len(within), distinct, ranges if within else {}, misses.faults, misses
    )


def _some(space: Space, count: int, seed: int) -> Sequence[int]:
    """So many different indexes, in the order of the seed's draws; fewer where most draws repeat a
    few likely points."""
    if count == space.size:
        return range(count)
    draws, found = Draws(space.points, seed), dict[int, None]()
    for position in range(min(draws.count, _PATIENCE * count)):
        found[draws.index(position)] = None
        if len(found) == count:
            break
    return [*found]


def _spread(values: list[int]) -> tuple[int, int, int]:
    ordered = sorted(values)
    return (ordered[0], ordered[len(ordered) // 2], ordered[-1]) if ordered else (0, 0, 0)
