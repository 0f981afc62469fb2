"""What a network costs, where its layers need no names: many networks of like parts, fast."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from ..specs.base import Spec
from ..specs.block import BlockSpec
from ..specs.layout import trace_block, trace_end, trace_stem
from ..specs.network import ResNetSpec
from ..specs.resolve import ResolvedBlock, runs_of
from ..specs.trace import Size, Trace
from .plan import Plan, is_too_wide, plan, weighted

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
    is_too_small: bool
    """Whether one of them takes a map that is too small for it."""


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
        shared = number(spec.norm), spec.activation
        parts = self._cost(
            ("stem", number(spec.stem), shared),
            Trace(spec.in_channels, self.size),
            lambda trace: trace_stem(trace, spec),
        )
        total = list(parts[:6])
        odd = parts.is_too_small
        resolved: ResolvedBlock | None = None
        for resolved, times in chain.from_iterable(runs_of(spec)):
            site = resolved.site
            parts = self._cost(
                (
                    number(resolved.block),
                    number(resolved.shortcut),
                    shared,
                    *(site.in_channels, site.width, site.stride),
                    *(site.dilations, site.follows_activation),
                ),
                parts.trace,
                partial(trace_block, resolved=resolved),
            )
            total = [a + times * b for a, b in zip(total, parts[:6], strict=True)]
            odd = odd or parts.is_too_small
        params, macs, activations, depth, first, last = total
        assert resolved is not None
        last_block: BlockSpec = resolved.block
        parts = self._cost(
            ("end", number(last_block), shared, spec.closing, spec.head and number(spec.head)),
            parts.trace,
            lambda trace: trace_end(trace, spec, last_block),
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

    def _cost(self, key: tuple[Any, ...], start: Trace, write: Callable[[Trace], object]) -> _Cost:
        """The cost of what ``write`` writes from where ``start`` stands."""
        key = (*key, start.channels, start.size, start.jump)
        found = self._costs.get(key)
        if found is None:
            trace = Trace(start.channels, start.size)
            trace.jump = start.jump
            write(trace)
            found = self._costs[key] = _sum(trace)
        return found


def _sum(trace: Trace) -> _Cost:
    layers, trace.layers = trace.layers, []
    trace.modules = []
    return _Cost(
        sum(layer.params for layer in layers),
        sum(layer.macs for layer in layers),
        sum(layer.activations for layer in layers),
        len(weighted(layers)),
        trace.first,
        trace.last,
        trace,
        any(
            (layer.stride > 1 and layer.in_size == (1, 1)) or is_too_wide(layer) for layer in layers
        ),
    )
