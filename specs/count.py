"""What a network costs, where its layers need no names: many networks of like parts, fast."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from .base import Spec
from .plan import Plan, lay_block, lay_end, plan, weighted
from .trace import Size, Trace

if TYPE_CHECKING:
    from .network import ResNetSpec, ResolvedBlock
    from .order import Order

#: Parts whose costs are kept; a counter that has met more starts anew.
_KEPT = 20_000


class Figures(NamedTuple):
    """The totals of a plan."""

    params: int
    macs: int
    activations: int
    depth: int
    receptive_field: int


def figures_of(plan: Plan) -> Figures:
    """The figures of a plan."""
    return Figures(plan.params, plan.macs, plan.activations, plan.depth, plan.receptive_field)


class _Cost(NamedTuple):
    """What some layers in a row add, and the map that they leave."""

    params: int
    macs: int
    activations: int
    depth: int
    first: int
    """How far the first pixel that is seen moves."""
    last: int
    trace: Trace
    """The pen where they end."""
    strides_on_one: bool
    """Whether one of them strides over a map of one pixel."""


class Counter:
    """Counts networks for pictures of one size, and keeps what each kind of block costs where.

    The costs are those of the layers that a plan writes down; no arithmetic stands here.

    >>> import resforge as rf
    >>> Counter((224, 224)).count(rf.load("resnet50")).macs
    4089184256
    """

    def __init__(self, size: Size) -> None:
        self.size = size
        self._costs: dict[tuple[Any, ...], _Cost] = {}
        self._numbers: dict[Any, int] = {}

    def count(self, spec: ResNetSpec) -> Figures:
        """The figures of :func:`~resforge.plan`. Raises :class:`SpecError` where that does."""
        if len(self._costs) > _KEPT:
            self._costs.clear()
            self._numbers.clear()
        number = self._numbering()
        norm = number(spec.norm)
        parts = self._cost(
            ("stem", number(spec.stem), norm),
            Trace(spec.in_channels, self.size),
            lambda trace: spec.stem.lay(trace, spec.norm),
        )
        total = list(parts[:6])
        odd = parts.strides_on_one
        what: ResolvedBlock | None = None
        for what, times in chain.from_iterable(spec.runs()):
            parts = self._cost(
                (number(what.block), number(what.shortcut), norm, *what[7:]),
                parts.trace,
                partial(lay_block, what=what, norm=spec.norm),
            )
            total = [a + times * b for a, b in zip(total, parts[:6], strict=True)]
            odd = odd or parts.strides_on_one
        params, macs, activations, depth, first, last = total
        order: Order = "post" if what is None else what.block.arrangement
        parts = self._cost(
            ("end", order, norm, spec.head and number(spec.head)),
            parts.trace,
            lambda trace: lay_end(trace, spec, order),
        )
        if odd:
            return figures_of(plan(spec, self.size))
        return Figures(
            params + parts.params,
            macs + parts.macs,
            activations + parts.activations,
            depth + parts.depth,
            last - first + 1,
        )

    def _numbering(self) -> Callable[[Spec], int]:
        """Numbers for parts of specs, the same for equal ones.

        To hash a part takes longer than to look its cost up, so each object is hashed once.
        """
        known: dict[int, int] = {}

        def number(part: Spec) -> int:
            found = known.get(id(part))
            if found is None:
                found = known[id(part)] = self._numbers.setdefault(part, len(self._numbers))
            return found

        return number

    def _cost(self, key: tuple[Any, ...], start: Trace, lay: Callable[[Trace], object]) -> _Cost:
        """The cost of what ``lay`` writes from where ``start`` stands."""
        key = (*key, start.channels, start.size, start.jump)
        found = self._costs.get(key)
        if found is None:
            trace = Trace(start.channels, start.size)
            trace.jump = start.jump
            lay(trace)
            found = self._costs[key] = _sum(trace)
        return found


def _sum(trace: Trace) -> _Cost:
    layers, trace.layers = trace.layers, []
    return _Cost(
        sum(layer.params for layer in layers),
        sum(layer.macs for layer in layers),
        sum(layer.activations for layer in layers),
        len(weighted(layers)),
        trace.first,
        trace.last,
        trace,
        any(layer.stride > 1 and layer.in_size == (1, 1) for layer in layers),
    )
