"""Matched controls: arms that are scaled, by arithmetic alone, to the cost of the first arm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator
from pydantic_core import PydanticCustomError

from ...errors import Fault, SpecError
from ...planner.plan import Plan
from ...planner.scale import By, Quantity, Scaler, cost_of
from ...specs.base import Spec
from ...specs.explain import shown
from ...specs.network import ResNetSpec

MAX_TOLERANCE = 0.5
_PERCENT = re.compile(r"(\d{1,6}(?:\.\d{1,12})?) ?%", re.ASCII)


def _fraction(value: Any) -> Any:
    """Convert a tolerance to a fraction: ``1%`` is 0.01."""
    given = value
    if isinstance(value, str) and (percent := _PERCENT.fullmatch(value)):
        value = float(percent[1]) / 100
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError(
            "type",
            "expected a percentage or a fraction, not {given}",
            {"given": shown(given), "help": "write 1%, or 0.01"},
        )
    # The comparison is false for NaN, too.
    if not 0 < value <= MAX_TOLERANCE:
        raise PydanticCustomError(
            "range",
            "{given} is not a tolerance",
            {"given": shown(given), "help": "use more than 0% and at most 50%"},
        )
    return float(value)


Tolerance = Annotated[float, BeforeValidator(_fraction, json_schema_input_type=float | str)]


class MatchSpec(Spec):
    """The cost in which all arms match the first arm, and the dimension that is scaled.

    >>> MatchSpec(params="1%")
    MatchSpec(params=0.01, macs=None, by='width')
    """

    params: Tolerance | None = None
    """Tolerance of the number of parameters, relative to the first arm."""
    macs: Tolerance | None = None
    """Tolerance of the multiply-accumulates, relative to the first arm."""
    by: By = "width"
    """Dimension to scale: ``width`` of stem and stages, or ``depth`` of the stages."""

    @model_validator(mode="after")
    def _one_quantity(self) -> MatchSpec:
        if (self.params is None) == (self.macs is None):
            raise PydanticCustomError(
                "match",
                "match takes one quantity: params or macs",
                {"help": "write match: {params: 1%}"},
            )
        return self

    @property
    def quantity(self) -> Quantity:
        return "macs" if self.params is None else "params"

    @property
    def tolerance(self) -> float:
        return self.params or self.macs or 0.0


@dataclass(frozen=True)
class Matched:
    """Result of matching an arm."""

    quantity: Quantity
    by: By
    factor: float
    """Total width or depth relative to the file's; 1 for an arm that was not scaled."""
    residual: float
    """Relative difference of the arm's cost to the first arm's."""


class Matcher:
    """Scales specs to the cost of ``first``.

    >>> import resforge as rf
    >>> plain, wide = (rf.load(name) for name in ("resnet18", "wide_resnet50_2"))
    >>> matcher = Matcher(MatchSpec(params="1%"), rf.plan(plain))
    >>> narrow, matched = matcher.match(wide)
    >>> rf.plan(plain).params, rf.plan(narrow).params, round(matched.factor, 3)
    (11689512, 11677114, 0.403)
    """

    def __init__(self, match: MatchSpec, first: Plan) -> None:
        self.how = match
        target = cost_of(first, match.quantity)
        self._scaler = Scaler(match.quantity, target, first.input_shape[1:])

    @property
    def planned(self) -> int:
        """Number of blocks planned so far, which measures the cost of the search."""
        return self._scaler.laid

    def match(self, spec: ResNetSpec) -> tuple[ResNetSpec, Matched]:
        """Scale ``spec`` into the tolerance; a spec within the tolerance is returned unchanged.

        Widths stay multiples of the number of groups, and shape-preserving blocks stay
        shape-preserving. Raises :class:`SpecError` with the nearest cost that can be reached.
        """
        cost = self._scaler.cost(spec)
        if self._within(cost):
            return spec, self._matched(1.0, cost)
        try:
            scaled = self._scaler.scale(spec, self.how.by)
        except SpecError as error:
            help_ = "use by: width, or write the depths in the arm"
            fault = Fault("match", error.message, "match.by", help_)
            raise SpecError(fault) from None
        if scaled is None:
            raise SpecError(self._fault("there is no legal network near that cost", None))
        if not self._within(scaled.cost):
            raise SpecError(self._miss(scaled.cost))
        return scaled.spec, self._matched(scaled.factor, scaled.cost)

    def _residual(self, cost: int) -> float:
        return (cost - self._scaler.target) / self._scaler.target

    def _within(self, cost: int) -> bool:
        return abs(self._residual(cost)) <= self.how.tolerance

    def _matched(self, factor: float, cost: int) -> Matched:
        return Matched(self.how.quantity, self.how.by, factor, self._residual(cost))

    def _miss(self, cost: int) -> Fault:
        noun = "MACs" if self.how.quantity == "macs" else "params"
        residual = self._residual(cost)
        nearest = f"the nearest {self.how.by} has {cost:,} {noun} ({100 * residual:+.2f} %)"
        target = f"the target is {self._scaler.target:,} within {100 * self.how.tolerance:g} %"
        return self._fault(f"{nearest}; {target}", abs(residual))

    def _fault(self, message: str, reached: float | None) -> Fault:
        other = "depth" if self.how.by == "width" else "width"
        help_ = f"match by: {other}, or leave the arm out"
        if reached is not None and reached <= MAX_TOLERANCE:
            # Rounded up, so that the suggested tolerance is sufficient.
            help_ = f"use {self.how.quantity}: {ceil(1000 * reached) / 10:g}%, or by: {other}"
        return Fault("match", message, f"match.{self.how.quantity}", help_)
