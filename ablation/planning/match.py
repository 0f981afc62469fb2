"""Matched controls: arms scaled, by arithmetic alone, until they cost what the first arm does."""

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


def _share(value: Any) -> Any:
    """``1%`` is 0.01."""
    given = value
    if isinstance(value, str) and (percent := _PERCENT.fullmatch(value)):
        value = float(percent[1]) / 100
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PydanticCustomError(
            "type",
            "expected a share, not {given}",
            {"given": shown(given), "help": "write 1%, or 0.01"},
        )
    # The comparison is false for what is not a number, too.
    if not 0 < value <= MAX_TOLERANCE:
        raise PydanticCustomError(
            "range",
            "{given} is no tolerance",
            {"given": shown(given), "help": "use more than 0% and at most 50%"},
        )
    return float(value)


Tolerance = Annotated[float, BeforeValidator(_share, json_schema_input_type=float | str)]


class MatchSpec(Spec):
    """What all arms have in common with the first, and what is scaled to get there.

    >>> MatchSpec(params="1%")
    MatchSpec(params=0.01, macs=None, by='width')
    """

    params: Tolerance | None = None
    """Parameters, as a share of the first arm's by which they may differ."""
    macs: Tolerance | None = None
    """Multiply-accumulates, likewise."""
    by: By = "width"
    """``width`` scales stem and stages, ``depth`` the stages."""

    @model_validator(mode="after")
    def _one_quantity(self) -> MatchSpec:
        if (self.params is None) == (self.macs is None):
            raise PydanticCustomError(
                "match",
                "one quantity is matched: params or macs",
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
    """How an arm was matched."""

    quantity: Quantity
    by: By
    factor: float
    """Its widths or depths over those that the file says, all together; 1 where none moved."""
    residual: float
    """By what share of the first arm's cost its own is above it."""


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
    def laid(self) -> int:
        """Blocks laid out so far: what the search costs."""
        return self._scaler.laid

    def match(self, spec: ResNetSpec) -> tuple[ResNetSpec, Matched]:
        """``spec`` scaled into the tolerance; as it is where it lies within.

        Widths stay whole multiples of what their groups ask for, and every block that keeps its
        shape goes on keeping it. Raises :class:`SpecError` with how near it comes.
        """
        cost = self._scaler.cost(spec)
        if self._within(cost):
            return spec, self._matched(1.0, cost)
        try:
            scaled = self._scaler.scale(spec, self.how.by)
        except SpecError as error:
            help_ = "use by: width, or say depth there"
            fault = Fault("match", error.message, "match.by", help_)
            raise SpecError(fault) from None
        if scaled is None:
            raise SpecError(self._fault("no legal network of that cost is near", None))
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
        told = f"{cost:,} {noun} ({100 * residual:+.2f} %) is as near as its {self.how.by}s come"
        wanted = f" to {self._scaler.target:,}, and {100 * self.how.tolerance:g} % is asked"
        return self._fault(told + wanted, abs(residual))

    def _fault(self, message: str, reached: float | None) -> Fault:
        other = "depth" if self.how.by == "width" else "width"
        help_ = f"match by: {other}, or leave the arm out"
        if reached is not None and reached <= MAX_TOLERANCE:
            # Upwards, so that what is offered is enough.
            help_ = f"use {self.how.quantity}: {ceil(1000 * reached) / 10:g}%, or by: {other}"
        return Fault("match", message, f"match.{self.how.quantity}", help_)
