"""Random search and evolution for the best network of a space by some objective.

The caller trains and measures the networks, and may report results in any order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal

from ..errors import Fault, SpecError
from ..specs.plain import as_count, as_seed, is_number
from .dice import Dice
from .digests import DigestSet
from .draws import Draws
from .points import Architecture
from .space import Space

Method = Literal["evolution", "random"]
_TRIES = 50


@dataclass(frozen=True)
class Measured:
    """A network and its value under the objective; lower is better."""

    network: Architecture
    value: float


class RandomSearch:
    """Random search: the networks of the space's sample, one after another.

    Results do not change what is asked; :attr:`best` is the best of them.
    """

    def __init__(self, space: Space, seed: int = 0) -> None:
        self.space = space
        self.best: Measured | None = None
        self._seen = DigestSet()
        self._draws = Draws(space.points, seed).starting_at(0, self._seen)

    def ask(self) -> Architecture:
        """A network that was neither asked nor reported before.

        Raises :class:`SpecError` where there is none left.
        """
        found = next(self._draws, None)
        if found is None:
            message = f"all {len(self._seen):,} networks of the space are known"
            raise SpecError(Fault("search", message, help="ask for fewer, or free more"))
        return found

    def tell(self, network: Architecture, value: float) -> None:
        """Report the objective's value for ``network``, which need not come from :meth:`ask`.

        Lower is better; a value that is not finite (a network that diverged) is worse than any
        other. Raises :class:`SpecError` for a network of another space and for what is no number.
        """
        found = Measured(self.space.own(network), _finite(value))
        self._seen.add(network.digest)
        if self.best is None or found.value < self.best.value:
            self.best = found
        self._told(found)

    def _told(self, found: Measured) -> None:
        """A result was reported."""


class Evolution(RandomSearch):
    """Regularised evolution: the best of a random tournament is mutated, and the oldest removed.

    Real et al. 2019, Regularized Evolution for Image Classifier Architecture Search (arXiv
    1802.01548), Algorithm 1, with :meth:`Space.mutate`. The first ``population`` networks are drawn
    from the space. Results may be reported late and in any order: parents are chosen among those
    known by then. To resume an earlier search, report all of its results.

    >>> from resforge.generation import load_space
    >>> search = Evolution(load_space("cifar_resnets"), seed=0, population=8, tournament=3)
    >>> for _ in range(40):
    ...     network = search.ask()
    ...     search.tell(network, abs(network.params - 500_000))
    >>> search.best.network.params
    525298
    """

    def __init__(
        self, space: Space, seed: int = 0, population: int = 50, tournament: int = 10
    ) -> None:
        super().__init__(space, seed)
        self._dice = Dice("evolution", as_seed("Evolution", seed))
        self._size = as_count("population", population)
        self._tournament = as_count("tournament", tournament)
        self._population: deque[Measured] = deque(maxlen=self._size)

    def ask(self) -> Architecture:
        if len(self._seen) < self._size or not self._population:
            return super().ask()
        for _ in range(_TRIES):
            rivals = [
                self._population[self._dice.below(len(self._population))]
                for _ in range(self._tournament)
            ]
            parent = min(rivals, key=lambda rival: rival.value)
            try:
                child = self.space.mutate(parent.network, seed=self._dice.below(2**32))
            except SpecError:
                continue
            if self._seen.add(child.digest):
                return child
        return super().ask()  # all neighbours of the best are known

    def _told(self, found: Measured) -> None:
        self._population.append(found)


def _finite(value: object) -> float:
    """A value of the objective; one that is not finite becomes infinity."""
    if not is_number(value):
        message = f"the value of a network is one number, not {value!r}"
        raise SpecError(Fault("search", message, "value", "report a number; lower is better"))
    return float(value) if isfinite(value) else inf


def search(
    space: Space,
    objective: Callable[[Architecture], float],
    count: int,
    *,
    method: Method = "evolution",
    seed: int = 0,
    population: int = 50,
    tournament: int = 10,
) -> Iterator[Measured]:
    """Ask for ``count`` networks one after another, and measure each with ``objective``.

    Runs :class:`Evolution` or :class:`RandomSearch` from start to end. The same seed and objective
    give the same networks. Raises :class:`SpecError` where the space has no more.

    >>> from resforge.generation import load_space
    >>> found = search(load_space("cifar_resnets"), lambda network: network.macs, 30, seed=1)
    >>> min(measured.value for measured in found)
    21823968
    """
    searcher = RandomSearch(space, seed)
    if method == "evolution":
        searcher = Evolution(space, seed, population, tournament)
    elif method != "random":
        message = f"there is no method {method!r}"
        raise SpecError(Fault("search", message, "method", "use 'evolution' or 'random'"))
    for _ in range(count):
        network = searcher.ask()
        value = objective(network)
        searcher.tell(network, value)
        yield Measured(network, value)
