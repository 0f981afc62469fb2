"""The points of a space: at each index a network, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..errors import Fault, SpecError
from ..planner.figures import Figures, figures_of
from ..planner.plan import Plan, check_size, plan
from ..reading.places import placed
from ..specs.network import ResNetSpec
from ..specs.plain import is_whole
from ..specs.rules import broken_rules
from ..text.document import Document
from .choices import Product
from .constraints import Where
from .template import Template


@dataclass(frozen=True, slots=True)
class Architecture:
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


@dataclass(frozen=True, slots=True)
class Miss:
    """A point that is no legal network, or one outside the limits of ``where``."""

    index: int
    faults: tuple[Fault, ...]
    """Why it is no network; empty where it is one."""
    figures: Figures | None
    """Costs of the network; None where there is none."""
    missed: dict[str, float]
    """Relative distance of each quantity that lies outside its limits."""


class Points:
    """The points of a space, planned and checked one at a time by their index."""

    def __init__(
        self, template: Template, where: Where, side: int, document: Document | None
    ) -> None:
        self.template, self.where = template, where
        self._side = side
        self._document = document

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

        Raises :class:`SpecError` for an index that the space does not have.
        """
        if not is_whole(index) or not 0 <= index < self.size:
            help_ = f"count from 0 to {self.size - 1:,}"
            raise SpecError(Fault("range", f"the space has no index {index!r}", help=help_))
        index = int(index)
        try:
            spec = ResNetSpec.unchecked(self.template.tree_at(index))
            if faults := broken_rules(spec):
                raise SpecError(faults)
            laid = plan(spec, self._side)
            _check_size(laid)
            figures = figures_of(laid)
            if missed := self.where.missed(figures):
                return Miss(index, (), figures, missed)
        except SpecError as error:
            return Miss(index, error.faults, None, {})
        number = index if number is None else number
        return Architecture(number, index, spec, spec.digest, *figures)

    def at(self, index: int) -> Architecture:
        """The network at ``index``; raises :class:`SpecError` where there is none within the
        limits."""
        found = self.look(index)
        if isinstance(found, Architecture):
            return found
        raise self.error(found.faults or [self._outside(found)])

    def _outside(self, miss: Miss) -> Fault:
        """The fault of a network outside the limits."""
        name = max(miss.missed, key=miss.missed.__getitem__)
        limit, figure = getattr(self.where, name), getattr(miss.figures, name)
        message = f"the network at index {miss.index:,} has {figure:,} {name}, and not {limit}"
        return Fault("space", message, f"where.{name}", f"extend the range to {figure:,}")

    def holds(self, network: Architecture) -> bool:
        """Whether ``network`` is what stands at its index, within ``where`` or not."""
        if not 0 <= network.index < self.size:
            return False
        try:
            spec = ResNetSpec.unchecked(self.template.tree_at(network.index))
        except SpecError:
            return False
        return spec.digest == network.digest

    def error(self, faults: Fault | Sequence[Fault]) -> SpecError:
        """The error of ``faults``, with their lines and columns where the space came from text."""
        found = [faults] if isinstance(faults, Fault) else faults
        return SpecError(placed(found, self._document) if self._document else found)


def _check_size(laid: Plan) -> None:
    """Refuse a network that :func:`resforge.build` would refuse."""
    try:
        check_size(laid)
    except SpecError as error:
        help_ = "allow smaller values only"
        raise SpecError([replace(fault, help=help_) for fault in error.faults]) from None
