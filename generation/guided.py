"""Draws for spaces whose networks are too rare for chance to find."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, log1p

from ..specs.plain import as_seed
from .dice import Dice
from .draws import TRIES, Draws
from .misses import Misses
from .points import Architecture, Miss, Points
from .searching import Search

_POOL = 50
_TOURNAMENT = 10
_PATIENCE = 100


class GuidedDraws(Draws):
    """Draws that go from random points towards the limits, step by step.

    A draw looks at random points first, and then at neighbours of what it has seen: the nearest of
    a few points changes one field, and the oldest are forgotten (the ageing evolution of Real et
    al. 2019, arXiv 1802.01548). A point is the nearer the smaller its relative distances from all
    limits are. The draw ends at the first network within the limits. Like any other it depends on
    the seed and its number alone.

    Networks are not drawn with the declared probabilities: those that many points lead to, at the
    edge of the limits, are more likely.
    """

    together = 1
    remedy = "look at more points with tries"

    def __init__(self, points: Points, seed: int, tries: int = TRIES) -> None:
        super().__init__(points, seed, tries)
        self._seed = as_seed("a space", seed)
        self._small = False
        self._patience = _PATIENCE

    def _search(self, number: int, known: dict[int, bool]) -> Search:
        dice = Dice("guided", self._seed, number)
        starts = self._starts(number)
        misses, seen = Misses(self.points, self.remedy), set[int]()
        pool: list[tuple[float, int]] = []  # distance and index, nearest first
        for looked in range(self._most):
            index = next(starts, None) if looked < _POOL else self._step(pool, seen, dice)
            if index is None:
                index = next(starts, None)
            if index is None:
                break
            seen.add(index)
            found = yield index
            if isinstance(found, Architecture):
                return found
            misses.add(found)
            # The oldest leave: the nearest of all may have no way on.
            pool = [*pool[-_POOL + 1 :], (_distance(found), index)]
        raise misses.error()

    def _starts(self, number: int) -> Iterator[int]:
        """The indexes at which the draw of a number looks, each once."""
        seen = set[int]()
        position = number % self.count
        for _ in range(min(self.count, 20 * self._most)):
            index = self.index(position)
            position = (position + self._stride) % self.count
            if index not in seen:
                seen.add(index)
                yield index

    def _step(self, pool: list[tuple[float, int]], seen: set[int], dice: Dice) -> int | None:
        """A point beside one of the nearest that nobody looked at; None where there is none."""
        for _ in range(_POOL):
            parent = min(pool[dice.below(len(pool))] for _ in range(_TOURNAMENT))[1]
            steps: dict[int, list[int]] = {}
            for part, _, index in self.points.choices.steps_by_part(parent):
                if index not in seen:
                    steps.setdefault(part, []).append(index)
            if steps:
                beside = steps[[*steps][dice.below(len(steps))]]
                return beside[dice.below(len(beside))]
        return None


def _distance(miss: Miss) -> float:
    if miss.figures is None:
        return inf
    return sum(log1p(far) for far in miss.missed.values())
