"""The figures by which networks are compared."""

from __future__ import annotations

from typing import NamedTuple

from ..specs.axes import largest
from .plan import Plan


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
