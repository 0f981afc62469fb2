"""Search of a space: the methods by name, a whole search in one call, and searches in files.

The caller trains and measures the networks, and may report results in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import get_args

from ..errors import Fault, SpecError, wrong_type
from ..specs.plain import as_count
from .draws import TRIES
from .evolution import Evolution
from .nsga2 import NSGA2
from .points import Architecture
from .random_search import Measured, Method, RandomSearch
from .space import Space

Objective = Callable[[Architecture], float | Sequence[float]]


def make_search(
    space: Space,
    method: Method = "evolution",
    seed: int = 0,
    population: int = 50,
    tournament: int | None = None,
    guided: bool = False,
    tries: int = TRIES,
) -> RandomSearch:
    """The search of a method; ``random`` has no population, and ``tournament`` is by default that
    of the method. Raises :class:`SpecError` for an unknown method and a wrong number."""
    if method == "random":
        return RandomSearch(space, seed, guided=guided, tries=tries)
    if method == "evolution":
        size = 10 if tournament is None else tournament
        return Evolution(space, seed, population, size, guided=guided, tries=tries)
    if method == "nsga2":
        size = 2 if tournament is None else tournament
        return NSGA2(space, seed, population, size, guided=guided, tries=tries)
    message = f"there is no method {method!r}"
    raise SpecError(Fault("search", message, "method", f"use {', '.join(get_args(Method))}"))


def search(
    space: Space,
    objective: Objective,
    count: int,
    *,
    method: Method = "evolution",
    seed: int = 0,
    population: int = 50,
    tournament: int | None = None,
    guided: bool = False,
    tries: int = TRIES,
) -> Iterator[Measured]:
    """Ask for ``count`` networks one after another, and measure each with ``objective``.

    Runs :class:`Evolution`, :class:`NSGA2` or :class:`RandomSearch` from start to end. The same
    seed and objective give the same networks. ``objective`` returns a number, or one for each of
    several objectives. Raises :class:`SpecError` where the space has no more.

    >>> from resforge.generation import load_space
    >>> found = search(load_space("cifar_resnets"), lambda network: network.macs, 30, seed=1)
    >>> min(measured.value for measured in found)
    21823968.0
    """
    searcher = make_search(space, method, seed, population, tournament, guided, tries)
    if not callable(objective):
        raise wrong_type("search", "a function of a network as objective", objective)
    return _measured(searcher, objective, as_count("count", count, 0))


def _measured(searcher: RandomSearch, objective: Objective, count: int) -> Iterator[Measured]:
    for _ in range(count):
        network = searcher.ask()
        yield searcher.tell(network, objective(network))
