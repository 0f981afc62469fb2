"""NSGA-II, for several objectives."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from ..specs.plain import as_count
from .draws import TRIES
from .moves import NoChildError
from .pareto import best_first
from .points import Architecture
from .random_search import Measured, Method, RandomSearch
from .space import Space

_TRIES = 50
#: Of ten children, so many have two parents: the crossover probability of Deb et al. 2002 is 0.9.
_CROSSED = 9


class NSGA2(RandomSearch):
    """NSGA-II: children of the networks that are best in several objectives at once.

    Deb et al. 2002, A fast and elitist multiobjective genetic algorithm: NSGA-II (IEEE Transactions
    on Evolutionary Computation 6), with :meth:`Space.crossover` and :meth:`Space.mutate`. A network
    comes before those that it dominates, and then one with more room around it before one in a
    crowd; each parent is the first of a tournament in this order. The first ``population`` networks
    are drawn from the space. Results may be reported late and in any order: each new one replaces
    the last of the population (steady state; Durillo et al. 2009, On the Effect of the
    Steady-State Selection Scheme in Multi-Objective Genetic Algorithms).

    >>> from resforge.generation import load_space
    >>> search = NSGA2(load_space("cifar_resnets"), seed=0, population=8)
    >>> for _ in range(40):
    ...     network = search.ask()
    ...     _ = search.tell(network, (abs(network.depth - 40), network.params))
    >>> [found.values for found in search.front][:2]
    [(0.0, 172930.0), (4.0, 113970.0)]
    """

    method: ClassVar[Method] = "nsga2"

    def __init__(
        self,
        space: Space,
        seed: int = 0,
        population: int = 50,
        tournament: int = 2,
        *,
        guided: bool = False,
        tries: int = TRIES,
    ) -> None:
        super().__init__(space, seed, guided=guided, tries=tries)
        self.population = as_count("population", population)
        self.tournament = as_count("tournament", tournament)
        #: The best so far, the best first.
        self._alive: list[Measured] = []

    def _next(self) -> Architecture:
        if len(self._seen) < self.population or not self._alive:
            return super()._next()
        for _ in range(_TRIES):
            one, other = self._parent(), self._parent()
            crossed = self._dice.below(10) < _CROSSED
            seed = self._dice.below(2**32)
            try:
                child = self._child(one, other if crossed else one, seed)
            except NoChildError:
                continue
            if self._seen.add(child.digest):
                return child
        return super()._next()  # all that these parents give is known

    def _parent(self) -> Architecture:
        rivals = (self._dice.below(len(self._alive)) for _ in range(self.tournament))
        return self._alive[min(rivals)].network

    def _child(self, one: Architecture, other: Architecture, seed: int) -> Architecture:
        """A mutated crossover; of parents that are one network, or have no child, a mutation."""
        try:
            between = self.space.crossover(one, other, seed) if one is not other else one
        except NoChildError:  # parents that differ in one field
            between = one
        child = self.space.mutate(between, seed)
        if between is one:
            return child
        if child.digest in between.parents:  # the mutation undid the crossover
            return between
        move = f"{between.move}, {child.move}"
        return dataclasses.replace(child, move=move, parents=between.parents)

    def _told(self, found: Measured, again: bool) -> None:
        digest = found.network.digest
        others = [other for other in self._alive if other.network.digest != digest]
        candidates = [*others, found]
        order = best_first([candidate.values for candidate in candidates])
        self._alive = [candidates[place] for place in order[: self.population]]
