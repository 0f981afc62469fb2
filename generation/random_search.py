"""Random search, and what all searches share: asking, telling, and the history of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, ClassVar, Literal

from ..errors import Fault, SpecError, wrong_type
from ..specs.plain import as_count, as_seed, is_number, plain
from .dice import Dice
from .digests import DigestSet
from .draws import TRIES
from .pareto import pareto_front
from .points import Architecture
from .space import Space

Method = Literal["evolution", "nsga2", "random"]


@dataclass(frozen=True)
class Measured:
    """A network and its value under the objective; lower is better."""

    network: Architecture
    value: float
    """The value; with several objectives that of the first."""
    others: tuple[float, ...] = ()
    """The values of the second objective and those after it."""

    @property
    def values(self) -> tuple[float, ...]:
        """One value for each objective."""
        return (self.value, *self.others)


@dataclass(frozen=True)
class Asked:
    """A network in the history of a search.

    ``network.parents`` are the digests of the networks that it was made from, and ``network.move``
    says how; both are empty for a network that was drawn from the space.
    """

    network: Architecture
    values: tuple[float, ...] | None
    """Its last reported value for each objective; None where nothing was reported."""


class RandomSearch:
    """Random search: the networks of the space's sample, one after another.

    ``guided`` draws go towards the limits of the space, as those of :meth:`Space.sample` do: for
    spaces whose networks are too rare for chance; ``tries`` points are looked at for each draw.
    Results do not change what is asked. Searches can be copied and pickled;
    :func:`~resforge.generation.save_search` writes one to a file.
    """

    method: ClassVar[Method] = "random"

    def __init__(
        self, space: Space, seed: int = 0, *, guided: bool = False, tries: int = TRIES
    ) -> None:
        if not isinstance(space, Space):
            help_ = "call load_space for a shipped name or a file"
            raise wrong_type(type(self).__name__, "a space", space, help_)
        self.space, self.guided, self.tries = space, guided, as_count("tries", tries)
        self.seed = as_seed(type(self).__name__, seed)
        self._dice = Dice(self.method, self.seed)
        self._seen = DigestSet()
        self._drawing = _Drawing(space, self.seed, guided, self.tries, self._seen)
        self._networks: dict[str, Architecture] = {}
        self._tells: list[Measured] = []
        self._results: dict[str, Measured] = {}

    def ask(self) -> Architecture:
        """A network that was neither asked nor reported before.

        Any number may be asked for before results are reported. Raises :class:`SpecError` where
        there is none left.
        """
        found = self._next()
        self._networks[found.digest] = found
        return found

    def tell(self, network: Architecture, value: float | Sequence[float]) -> Measured:
        """Report the value of ``network``, which need not come from :meth:`ask`; returns both.

        Lower is better. With several objectives ``value`` is a sequence with a number for each. A
        network with a value that is not finite (one that diverged) is worse than any other. One
        that is reported again has its last value. Raises :class:`SpecError` for a network of
        another space, for what is no number, and for another number of objectives than before.
        """
        first, *others = self._checked(value)
        found = Measured(self.space.own(network), first, tuple(others))
        self._seen.add(network.digest)
        self._networks.setdefault(network.digest, network)
        self._note(found)
        return found

    @property
    def tells(self) -> tuple[Measured, ...]:
        """All results in the order in which they were reported."""
        return tuple(self._tells)

    @property
    def best(self) -> Measured | None:
        """The network with the lowest value, of the first objective where there are several; None
        before the first result that is finite."""
        finite = (found for found in self._results.values() if isfinite(found.value))
        return min(finite, key=lambda found: found.value, default=None)

    @property
    def front(self) -> tuple[Measured, ...]:
        """The Pareto front: the measured networks that no other dominates, by rising value of the
        first objective. A network dominates another if it is no worse in any objective and better
        in one."""
        found = list(self._results.values())
        return tuple(found[place] for place in pareto_front([each.values for each in found]))

    @property
    def history(self) -> tuple[Asked, ...]:
        """Every network that was asked for, or reported without that, in this order."""
        return tuple(self._asked(network) for network in self._networks.values())

    def lineage(self, network: Architecture) -> tuple[Asked, ...]:
        """The ancestors of ``network`` in the history, in its order, and ``network`` itself as the
        last.

        Raises :class:`SpecError` for a network that is not in the history.
        """
        if network.digest not in self._networks:
            message = f"network {network.digest[:12]} was neither asked for nor reported"
            raise SpecError(Fault("search", message, help="use one of its history"))
        wanted, waiting = set[str](), [network.digest]
        while waiting:
            digest = waiting.pop()
            if digest in self._networks and digest not in wanted:
                wanted.add(digest)
                waiting += self._networks[digest].parents
        return tuple(self._asked(each) for key, each in self._networks.items() if key in wanted)

    def restore(
        self, networks: Iterable[Architecture], tells: Iterable[Measured], drawn: int, rolled: int
    ) -> None:
        """Bring a new search to the state of another one of the same settings.

        ``networks`` are those of its history and ``tells`` its results, both in their order;
        ``drawn`` and ``rolled`` are its :attr:`position`.
        """
        for network in networks:
            self._seen.add(network.digest)
            self._networks[network.digest] = network
        for found in tells:
            self._note(found)
        self._drawing.start = drawn
        self._dice.skip(rolled)

    @property
    def position(self) -> tuple[int, int]:
        """Number of the next draw from the space, and of random numbers used besides."""
        return self._drawing.start, self._dice.rolled

    def _asked(self, network: Architecture) -> Asked:
        found = self._results.get(network.digest)
        return Asked(network, found.values if found else None)

    def _next(self) -> Architecture:
        """The next network to ask for."""
        found = next(self._drawing, None)
        if found is None:
            message = f"all {len(self._seen):,} networks of the space are known"
            raise SpecError(Fault("search", message, help="ask for fewer, or free more"))
        return found

    def _note(self, found: Measured) -> None:
        again = found.network.digest in self._results
        self._tells.append(found)
        self._results[found.network.digest] = found
        self._told(found, again)

    def _told(self, found: Measured, again: bool) -> None:
        """A result was reported; ``again`` if that of the network was known already."""

    def _checked(self, value: Any) -> tuple[float, ...]:
        """A value for each objective; all are infinite where one is not finite."""
        listed = value.tolist() if hasattr(value, "tolist") else plain(value)
        values = listed if isinstance(listed, list) else [listed]
        if not values or not all(map(is_number, values)):
            message = f"the value of a network is one number, or one for each objective: {value!r}"
            raise SpecError(Fault("search", message, "value", "report numbers; lower is better"))
        known = len(self._tells[0].values) if self._tells else len(values)
        if len(values) != known:
            said = "one value was" if len(values) == 1 else f"{len(values)} values were"
            message = f"{said} reported, and {known} before"
            help_ = "report one for each objective, always in the same order"
            raise SpecError(Fault("search", message, "value", help_))
        numbers = tuple(map(float, values))
        return numbers if all(map(isfinite, numbers)) else (inf,) * len(numbers)


class _Drawing:
    """The networks of a sample that are not in ``seen``. Unlike the iterator of a space, it can be
    copied and pickled."""

    def __init__(self, space: Space, seed: int, guided: bool, tries: int, seen: DigestSet) -> None:
        self.space, self.seed, self.guided, self.seen = space, seed, guided, seen
        self.tries = tries
        self.start = 0
        """Number of the next draw."""
        self._iterator: Iterator[Architecture] | None = None

    def __next__(self) -> Architecture:
        if self._iterator is None:
            draws = self.space.draws(self.seed, self.tries, self.guided)
            self._iterator = draws.starting_at(self.start, self.seen)
        found = next(self._iterator)
        self.start = found.number + 1
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_iterator": None}
