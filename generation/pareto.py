"""Several objectives: dominance, the Pareto front, and an order that spreads networks along it.

Deb et al. 2002, A fast and elitist multiobjective genetic algorithm: NSGA-II (IEEE Transactions on
Evolutionary Computation 6), sections III.A and III.B. Lower is better in every objective.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite

from ..errors import Fault, SpecError

Values = Sequence[float]


def dominates(one: Values, other: Values) -> bool:
    """Whether ``one`` is no worse than ``other`` in any objective, and better in one.

    >>> dominates((1, 2), (1, 3)), dominates((1, 2), (2, 1)), dominates((1, 2), (1, 2))
    (True, False, False)
    """
    return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


def pareto_front(points: Sequence[Values]) -> list[int]:
    """Places of the points that no other dominates, in the order of their values.

    Equal points are all kept; points with a value that is not finite are left out. Raises
    :class:`SpecError` where points have different numbers of values.

    >>> pareto_front([(3, 1), (1, 3), (2, 2), (3, 3)])
    [1, 2, 0]
    """
    if len({len(values) for values in points}) > 1:
        message = "points have different numbers of values"
        raise SpecError(Fault("search", message, help="give each one for each objective"))
    finite = [place for place, values in enumerate(points) if all(map(isfinite, values))]
    front: list[int] = []
    # A point can be dominated only by one that comes before it in this order.
    for place in sorted(finite, key=lambda place: tuple(points[place])):
        if not any(dominates(points[other], points[place]) for other in front):
            front.append(place)
    return front


def best_first(points: Sequence[Values]) -> list[int]:
    """Places of all points, the best first.

    A point comes before those that it dominates: the front first, then the front of the rest, and
    so on. Within a front, points with more room around them come first, and of equal ones the
    earlier. With one objective this is the order of the values.

    >>> best_first([(0, 9), (9, 9), (5, 4), (4, 5), (9, 0)])
    [0, 4, 2, 3, 1]
    """
    order: list[int] = []
    for front in _fronts(points):
        room = _room([points[place] for place in front])
        order += [front[i] for i in sorted(range(len(front)), key=lambda i: (-room[i], front[i]))]
    return order


def _fronts(points: Sequence[Values]) -> list[list[int]]:
    """Fast non-dominated sort: the fronts, each as places in rising order."""
    beaten: list[list[int]] = [[] for _ in points]
    better = [0] * len(points)
    for one in range(len(points)):
        for other in range(one + 1, len(points)):
            for winner, loser in ((one, other), (other, one)):
                if dominates(points[winner], points[loser]):
                    beaten[winner].append(loser)
                    better[loser] += 1
    fronts, left = [], [place for place, count in enumerate(better) if not count]
    while left:
        fronts.append(left)
        following = []
        for place in left:
            for loser in beaten[place]:
                better[loser] -= 1
                if not better[loser]:
                    following.append(loser)
        left = sorted(following)
    return fronts


def _room(points: Sequence[Values]) -> list[float]:
    """Crowding distance: the sum over objectives of the gap between a point's two neighbours,
    relative to the range; infinite at both ends of an objective."""
    room = [0.0] * len(points)
    for values in zip(*points, strict=True):
        order = sorted(range(len(points)), key=values.__getitem__)
        low, high = values[order[0]], values[order[-1]]
        if not isfinite(high - low) or high == low:
            continue
        room[order[0]] = room[order[-1]] = inf
        for before, place, after in zip(order, order[1:], order[2:], strict=False):
            room[place] += (values[after] - values[before]) / (high - low)
    return room
