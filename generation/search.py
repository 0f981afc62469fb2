"""Looking for the network of a space that does best by some objective: by chance, or by evolution.

Who trains and measures the networks, and in what order results come back, is the caller's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from ..errors import Fault, SpecError
from .draw import Architecture, Draws
from .seen import Seen
from .shuffle import Dice
from .space import Space

Method = Literal["evolution", "random"]
_TRIES = 50


@dataclass(frozen=True)
class Measured:
    """A network, and what the objective says of it: less is better."""

    network: Architecture
    value: float


class RandomSearch:
    """Networks of the space's own sample, one after another.

    Told results change nothing; :attr:`best` is the best of them.
    """

    def __init__(self, space: Space, seed: int = 0) -> None:
        self.space = space
        self.best: Measured | None = None
        self._seen = Seen()
        self._draws = Draws(space, seed).given(0, self._seen)

    def ask(self) -> Architecture:
        """A network that was neither asked nor told of. Raises :class:`SpecError` where there is
        none left."""
        found = next(self._draws, None)
        if found is None:
            message = f"all {len(self._seen):,} networks of the space were asked for"
            raise SpecError(Fault("search", message, help="ask for fewer, or free more"))
        return found

    def tell(self, network: Architecture, value: float) -> None:
        """What the objective says of ``network``, asked for or not; less is better, and what is not
        finite (a network that diverged) is worse than all else."""
        self._seen.add(network.digest)
        value = value if isfinite(value) else float("inf")
        if self.best is None or value < self.best.value:
            self.best = Measured(network, value)


class Evolution(RandomSearch):
    """Regularised evolution: the best of a few by chance has a child, and the oldest dies.

    Real et al. 2019, Regularized Evolution for Image Classifier Architecture Search (arXiv
    1802.01548), Algorithm 1, with the space's own :meth:`Space.mutate`. Until ``population``
    networks have been asked for, they are drawn from the space. Results may be told late and in any
    order: a parent is one of those known by then. Tell all results of an earlier search to go on
    with it.

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
        for name, value in (("population", population), ("tournament", tournament)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise SpecError(Fault("search", f"{name} is {value!r}", name, f"use {name}=10"))
        super().__init__(space, seed)
        self._dice = Dice("evolution", seed)
        self._size, self._tournament = population, tournament
        self._alive: deque[Measured] = deque(maxlen=population)

    def ask(self) -> Architecture:
        if len(self._seen) < self._size or not self._alive:
            return super().ask()
        for _ in range(_TRIES):
            rivals = [
                self._alive[self._dice.below(len(self._alive))] for _ in range(self._tournament)
            ]
            parent = min(rivals, key=lambda rival: rival.value)
            try:
                child = self.space.mutate(parent.network, seed=self._dice.below(2**32))
            except SpecError:
                continue
            if self._seen.add(child.digest):
                return child
        return super().ask()  # all around the best is known

    def tell(self, network: Architecture, value: float) -> None:
        super().tell(network, value)
        self._alive.append(Measured(network, value if isfinite(value) else float("inf")))


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
    """Ask for ``count`` networks one after another and measure each.

    What :class:`Evolution` and :class:`RandomSearch` do where nobody else drives them. The same
    seed and objective give the same networks. Raises :class:`SpecError` where the space has no
    more.

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
