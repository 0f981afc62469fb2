"""Scaling a network to a budget with its proportions kept."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal, get_args

from ..errors import Fault, SpecError
from ..planner.plan import plan
from ..planner.scale import Quantity, Scaler, with_depths_times
from ..reading.load import SpecLike, as_spec
from ..specs.base import MAX_CHANNELS
from ..specs.layer import Size
from ..specs.network import ResNetSpec
from ..specs.plain import as_count, is_number

#: Beyond what the largest widths and depths of the language reach.
_MOST = 10**15

By = Literal["width", "depth", "compound"]


@dataclass(frozen=True)
class Fitted:
    """A network scaled to a budget."""

    spec: ResNetSpec
    quantity: Quantity
    target: int
    cost: int
    width: float
    """Sum of the widths over that of the original widths."""
    depth: float
    """Number of blocks over that of the original."""

    @property
    def residual(self) -> float:
        """Relative difference of the cost to the target; negative where the cost is below."""
        return (self.cost - self.target) / self.target


def fit(
    spec: SpecLike,
    *,
    params: float | None = None,
    macs: float | None = None,
    by: By = "width",
    step: int = 1,
    input_size: int | Size | None = None,
) -> Fitted:
    """``spec`` with widths, depths or both scaled to a number of parameters or MACs.

    It is a spec, a catalogue name, a file or a mapping.

    One factor scales all widths (to multiples of ``step`` and of the groups) or all depths, each to
    the nearest legal value or one step beside it. The result is the network nearest to the budget,
    however far it is: see :attr:`Fitted.residual`. ``compound`` scales depth by the square root of
    the factor of the cost and fits the rest by width, after Dollár et al. 2021, Fast and Accurate
    Model Scaling (arXiv 2103.06877): cost grows with depth and with the square of width, and each
    takes half of the growth. MACs are counted for pictures of ``input_size`` pixels a side, by
    default the spec's own.

    Raises :class:`SpecError` for an invalid budget, and where no legal network is near.

    >>> import resforge as rf
    >>> fitted = fit(rf.load("resnet18"), params=5e6)
    >>> [stage.width for stage in fitted.spec.stages], fitted.cost, f"{fitted.residual:+.2%}"
    ([41, 84, 166, 330], 5000257, '+0.01%')
    """
    spec = as_spec(spec, "fit")
    quantity, target = _budget(params, macs)
    if by not in get_args(By):
        message = f"by is width, depth or compound, not {by!r}"
        raise SpecError(Fault("fit", message, "by", "use by='width'"))
    step = as_count("step", step)
    if step > MAX_CHANNELS:
        message = f"step is at most {MAX_CHANNELS:,}, the largest width, not {step:,}"
        raise SpecError(Fault("range", message, "step", "use step=8"))
    size = plan(spec, input_size).input_shape[1:]
    scaler = Scaler(quantity, target, size)
    start = spec
    if by == "compound":
        start = with_depths_times(spec, sqrt(target / scaler.cost(spec)))
    scaled = scaler.scale(start, "depth" if by == "depth" else "width", step, either_way=True)
    if scaled is None:
        other = "width" if by == "depth" else "depth"
        message = f"found no legal network of about {target:,} {quantity}"
        raise SpecError(Fault("fit", message, "by", f"use by={other!r}, or other shortcuts"))
    return Fitted(
        scaled.spec,
        quantity,
        target,
        scaled.cost,
        1.0 if by == "depth" else scaled.factor,
        _blocks(scaled.spec) / _blocks(spec),
    )


def _budget(params: float | None, macs: float | None) -> tuple[Quantity, int]:
    if (params is None) == (macs is None):
        message = "exactly one of params and macs is needed"
        raise SpecError(Fault("fit", message, help="write fit(spec, params=5e6)"))
    quantity: Quantity = "macs" if params is None else "params"
    target = params if params is not None else macs
    if not is_number(target) or not 1 <= target < inf:
        message = f"{target!r} is not a number of {quantity}"
        raise SpecError(Fault("fit", message, quantity, "use a number such as 5e6"))
    if target > _MOST:
        message = (
            f"{quantity} is at most {_MOST:,}, and {float(min(target, 10**300)):.3g} is too large"
        )
        raise SpecError(Fault("range", message, quantity, "use a number such as 5e6"))
    return quantity, round(target)


def _blocks(spec: ResNetSpec) -> int:
    return sum(len(stage.entries) for stage in spec.stages)
