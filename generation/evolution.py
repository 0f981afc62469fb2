"""Regularised evolution, for one objective."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from ..errors import Fault, SpecError
from ..specs.plain import as_count
from .draws import TRIES
from .moves import NoChildError
from .points import Architecture
from .random_search import Measured, Method, RandomSearch
from .space import Space

_TRIES = 50


class Evolution(RandomSearch):
    """Regularised evolution: the best of a random tournament is mutated, and the oldest removed.

    Real et al. 2019, Regularized Evolution for Image Classifier Architecture Search (arXiv
    1802.01548), Algorithm 1, with :meth:`Space.mutate`. The first ``population`` networks are drawn
    from the space. Results may be reported late and in any order: parents are chosen among those
    known by then. It has one objective; :class:`~resforge.generation.NSGA2` has several.

    >>> from resforge.generation import load_space
    >>> search = Evolution(load_space("cifar_resnets"), seed=0, population=8, tournament=3)
    >>> for _ in range(40):
    ...     network = search.ask()
    ...     _ = search.tell(network, abs(network.params - 500_000))
    >>> search.best.network.params
    525298
    """

    method: ClassVar[Method] = "evolution"

    def __init__(
        self,
        space: Space,
        seed: int = 0,
        population: int = 50,
        tournament: int = 10,
        *,
        guided: bool = False,
        tries: int = TRIES,
    ) -> None:
        super().__init__(space, seed, guided=guided, tries=tries)
        self.population = as_count("population", population)
        self.tournament = as_count("tournament", tournament)
        self._alive: deque[Measured] = deque(maxlen=self.population)

    def _next(self) -> Architecture:
        if len(self._seen) < self.population or not self._alive:
            return super()._next()
        for _ in range(_TRIES):
            rivals = [
                self._alive[self._dice.below(len(self._alive))] for _ in range(self.tournament)
            ]
            parent = min(rivals, key=lambda rival: rival.value)
            try:
                child = self.space.mutate(parent.network, seed=self._dice.below(2**32))
            except NoChildError:
                continue
            if self._seen.add(child.digest):
                return child
        return super()._next()  # all neighbours of the best are known

    def _told(self, found: Measured, again: bool) -> None:
        if not again:
            self._alive.append(found)
        for place, other in enumerate(self._alive):
            if other.network.digest == found.network.digest:
                self._alive[place] = found

    def _checked(self, value: Any) -> tuple[float, ...]:
        values = super()._checked(value)
        if len(values) > 1:
            message = f"evolution has one objective, and {len(values)} values were reported"
            help_ = "use NSGA2, or report one number"
            raise SpecError(Fault("search", message, "value", help_))
        return values
