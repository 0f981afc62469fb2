"""The points of a space: at each index a network, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import islice
from typing import Any, Final, cast

from ..errors import Fault, SpecError
from ..planner.figures import Figures, counted_at, figures_at
from ..planner.plan import check_size
from ..reading.places import placed
from ..specs.canonical import digest
from ..specs.layer import Size
from ..specs.network import ResNetSpec
from ..specs.outline import Outline
from ..specs.plain import is_whole, plain
from ..specs.rules import broken_rules, rules_for
from ..text.document import Document
from .choices import Product
from .constraints import Kept, Limit, UndefinedError, missed
from .expressions import Scope
from .late import Late
from .template import Template


@dataclass(frozen=True)
class Architecture(Late):
    """A network of a space."""

    number: int
    """Number of the draw that gave it, or its index where it was enumerated."""
    index: int
    """Its place in the space: ``space.at(index)``."""
    spec: ResNetSpec
    digest: str
    params: int
    macs: int
    activations: int
    depth: int
    receptive_field: int
    move: str = ""
    """How it was made from its parent, where it has one: ``deeper``, ``other shortcut``."""
    parents: tuple[str, ...] = ()
    """Digests of the networks that it was made from; two for a crossover."""

    @classmethod
    def unmade(
        cls, make: Callable[[], ResNetSpec], number: int, index: int, name: str, figures: Figures
    ) -> Architecture:
        """A network whose spec is made where somebody asks for it: most are only counted."""
        known = number, index, name, *figures, "", ()
        return cls.later({"spec": make}, zip(_KNOWN, known, strict=True))


_KNOWN: Final = [field.name for field in fields(Architecture) if field.name != "spec"]


@dataclass(frozen=True)
class Miss(Late):
    """A point that is no legal network, or one outside the limits of ``where``."""

    index: int
    faults: tuple[Fault, ...]
    """Why it is no network; empty where it is one."""
    figures: Figures | None
    """Costs of the network; None where there is none."""
    missed: dict[str, float]
    """Relative distance from each limit that the network does not keep, by the limit's place within
    ``where``: ``params``, ``conditions[0]``."""

    @classmethod
    def illegal(cls, index: int, why: Callable[[], Sequence[Fault]]) -> Miss:
        """A point that is no legal network. ``why`` finds the faults: most are never asked for."""
        known: dict[str, Any] = {"index": index, "figures": None, "missed": {}}
        return cls.later({"faults": lambda: tuple(why())}, known)


class _Look:
    """A look at a point."""

    __slots__ = ("figures", "found", "index", "make", "number", "outline", "size")

    def __init__(self, index: int, number: int) -> None:
        self.index, self.number = index, number
        self.found: Architecture | Miss | Exception | None = None
        """What stands at the point, or what somebody's code raised there; None while unknown."""
        self.make: Callable[[], ResNetSpec]
        self.outline: ResNetSpec
        """Its spec, or what stands in for that where it is only read."""
        self.size: Size
        self.figures: Figures

    def made(self) -> None:
        """Let its spec stand for itself."""
        if isinstance(self.outline, Outline):
            spec = self.outline.spec()
            self.make, self.outline = (lambda: spec), spec

    def network(self) -> Architecture:
        """The network, whose costs are known."""
        name = digest(self.outline, self.size)
        return Architecture.unmade(self.make, self.number, self.index, name, self.figures)


#: Points that are looked at step by step.
TOGETHER = 16
#: A quantity that a caller measures or computes for a network.
Quantity = Callable[[Architecture], Any]


class Points:
    """The points of a space, planned and checked one at a time by their index."""

    def __init__(
        self,
        template: Template,
        limits: list[Limit],
        side: int,
        document: Document | None = None,
        measured: Mapping[str, Quantity] | None = None,
    ) -> None:
        self.template, self.limits = template, limits
        self._side = side
        self._document = document
        self._measured = measured or {}
        #: Places of limits on measured quantities.
        self._dear = {each.place for each in limits if not each.names.isdisjoint(self._measured)}
        self._reads = any(each.names for each in limits)
        self._cheap = [each for each in limits if each.place not in self._dear]

    @property
    def measures(self) -> bool:
        """Whether a look may call quantities of a caller, which may take long."""
        return bool(self._measured)

    @property
    def choices(self) -> Product:
        """The values of all free fields, in a fixed order."""
        return self.template.choices

    @property
    def size(self) -> int:
        """Number of points, illegal ones included."""
        return self.choices.size

    def look(self, index: int, number: int | None = None) -> Architecture | Miss:
        """The network at ``index``, or what is wrong with the point.

        Raises :class:`SpecError` for an index that the space does not have, and whatever a
        caller's quantity raises.
        """
        if not is_whole(index) or not 0 <= index < self.size:
            help_ = f"count from 0 to {self.size - 1:,}"
            raise SpecError(Fault("range", f"the space has no index {index!r}", help=help_))
        found = self.look_each([(int(index), int(index) if number is None else number)])[0]
        if isinstance(found, Exception):
            raise found
        return found

    def look_each(self, asked: Sequence[tuple[int, int]]) -> list[Architecture | Miss | Exception]:
        """As :meth:`look`, at several points, given by their indexes and numbers; what it would
        raise at one of them stands in the place of what it would give.

        Each step is done for all of them before the next: that takes a sixth less time than one
        point after another, since what a step reads stays in the processor's caches.
        """
        looks = [_Look(index, number) for index, number in asked]
        for step in (self._make, self._check, self._count, self._compare, self._name):
            for look in looks:
                if look.found is None:
                    try:
                        step(look)
                    except Exception as error:  # of a quantity or a kind of a caller
                        look.found = error
        return [look.found for look in looks if look.found is not None]

    def look_through(self, indexes: Iterable[int]) -> Iterator[Architecture | Miss]:
        """As :meth:`look`, at points in turn."""
        left, together = iter(indexes), 1
        while some := [*islice(left, together)]:
            for found in self.look_each([(index, index) for index in some]):
                if isinstance(found, Exception):
                    raise found
                yield found
            together = 1 if self.measures else TOGETHER

    def _make(self, look: _Look) -> None:
        try:
            outline = self.template.outline_at(look.index)
        except SpecError as error:
            look.found = Miss(look.index, error.faults, None, {})
            return
        look.make, look.outline = outline.spec, cast(ResNetSpec, outline)

    def _check(self, look: _Look) -> None:
        try:
            rules = rules_for(look.outline)
            if not rules.of_outlines:
                look.made()
            legal = rules.kept_by(look.outline)
        except SpecError as error:  # of an operation that somebody registered
            look.found = Miss(look.index, error.faults, None, {})
            return
        if not legal:
            look.found = Miss.illegal(look.index, partial(self._rules_broken, look.index))

    def _count(self, look: _Look) -> None:
        look.size = (self._side,) * look.outline.dims
        try:
            look.figures = _sized(look)
        except SpecError as error:
            look.found = Miss(look.index, error.faults, None, {})

    def _compare(self, look: _Look) -> None:
        """Look whether the network keeps the limits."""
        if not self.limits:
            return
        ways = {n: partial(_measure, n, way, look.network) for n, way in self._measured.items()}
        try:
            if self._reads:  # conditions may look at any field
                look.made()
            far = self._missed(Scope(look.outline, look.figures, ways))
        except UndefinedError as error:
            look.found = Miss(look.index, (error.fault,), None, {})
            return
        if far:
            look.found = Miss(look.index, (), look.figures, far)

    def _name(self, look: _Look) -> None:
        look.found = look.network()

    def _rules_broken(self, index: int) -> Sequence[Fault]:
        try:
            return broken_rules(self.template.spec_at(index))
        except SpecError as error:  # of an operation that somebody registered
            return error.faults

    def asked(self, missed: Mapping[str, float]) -> list[Limit]:
        """The limits that a network which misses some was asked for: those on measured quantities,
        which may take long, only where it keeps all others."""
        return self.limits if self._dear.intersection(missed) == missed.keys() else self._cheap

    def _missed(self, scope: Scope) -> dict[str, float]:
        """How far a network is from each of the limits that it does not keep, by their places.

        Raises :class:`UndefinedError` where a condition has no value.
        """
        found = missed(self._cheap, scope)
        return found or missed([each for each in self.limits if each.place in self._dear], scope)

    def at(self, index: int) -> Architecture:
        """The network at ``index``; raises :class:`SpecError` where there is none within the
        limits."""
        found = self.look(index)
        if isinstance(found, Architecture):
            return found
        raise self.error(found.faults or [*self._outside(found)])

    def worst(self, miss: Miss) -> Limit:
        """The limit that a network misses by most."""
        return max(self.limits, key=lambda limit: miss.missed.get(limit.place, 0.0))

    def _outside(self, miss: Miss) -> Iterator[Fault]:
        """A fault for each limit that a network does not keep."""
        return (self._broken(miss, limit) for limit in self.limits if limit.place in miss.missed)

    def _broken(self, miss: Miss, limit: Limit) -> Fault:
        network = f"the network at index {miss.index:,}"
        name = limit.place
        if isinstance(limit, Kept):
            message = f"{network} is not within the limits: {limit.broken}"
            return Fault("space", message, f"where.{name}", "relax the condition")
        figure = getattr(miss.figures, name)
        message = f"{network} has {figure:,} {name}, and not {limit.range}"
        return Fault("space", message, f"where.{name}", f"extend the range to {figure:,}")

    def holds(self, network: Architecture) -> bool:
        """Whether ``network`` is what stands at its index, within ``where`` or not."""
        if not 0 <= network.index < self.size:
            return False
        try:
            spec = self.template.spec_at(network.index)
        except SpecError:
            return False
        return spec.digest == network.digest

    def error(self, faults: Fault | Sequence[Fault]) -> SpecError:
        """The error of ``faults``, with their lines and columns where the space came from text."""
        found = [faults] if isinstance(faults, Fault) else faults
        return SpecError(placed(found, self._document) if self._document else found)


def _measure(name: str, way: Quantity, network: Callable[[], Architecture]) -> Any:
    """What a caller's quantity is for a network. Raises :class:`SpecError` for another value than a
    number, a word or a truth value."""
    found = network()
    value = way(found)
    # NumPy's arrays and torch's tensors of one number.
    value = value.item() if getattr(value, "shape", None) == () else plain(value)
    if isinstance(value, bool | int | float | str):
        return value
    message = f"{name} is {type(value).__name__} for network {found.digest[:12]}"
    help_ = "return a number, a word or a truth value; inf for a network that has none"
    raise SpecError(Fault("condition", message, name, help_))


def _sized(look: _Look) -> Figures:
    """The figures of a legal network; raises :class:`SpecError` for one that is too large for
    :func:`resforge.build`, or for the pictures of its space."""
    figures = counted_at(look.outline, look.size)
    if figures is None:
        look.made()
        figures = figures_at(look.outline, look.size)  # raises, and says why
    try:
        check_size(figures)
    except SpecError as error:
        help_ = "allow smaller values only"
        raise SpecError([replace(fault, help=help_) for fault in error.faults]) from None
    return figures
