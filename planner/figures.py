"""The figures by which networks are compared."""

from __future__ import annotations

from typing import NamedTuple

from ..specs.axes import largest
from ..specs.layer import Size
from ..specs.network import ResNetSpec
from .plan import Plan, fitting
from .totals import totals_of


class Figures(NamedTuple):
    """The totals of a plan; the receptive field on the axis where it is largest."""

    params: int
    macs: int
    activations: int
    depth: int
    receptive_field: int


def figures_of(plan: Plan) -> Figures:
    """The figures of a plan."""
    return Figures(
        plan.params, plan.macs, plan.activations, plan.depth, largest(plan.receptive_field)
    )


def figures_at(spec: ResNetSpec, size: Size) -> Figures:
    """The figures of ``spec`` at ``size``, without its plan. Raises as :func:`plan` does for a size
    that it cannot take."""
    return counted_at(spec, size) or figures_of(fitting(spec, size))  # raises, and says why


def counted_at(spec: ResNetSpec, size: Size) -> Figures | None:
    """As :func:`figures_at`; None for a size that the network cannot take."""
    sums = totals_of(spec, size)
    if not sums.fits:
        return None
    field = largest(sums.receptive_field)
    return Figures(sums.params, sums.macs, sums.activations, sums.depth, field)
