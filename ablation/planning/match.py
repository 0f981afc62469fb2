"""Matched controls: arms scaled, by arithmetic alone, until they cost what the first arm does."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator
from pydantic_core import PydanticCustomError

from ...specs.base import MAX_BLOCKS, MAX_CHANNELS, Spec
from ...specs.errors import Fault, SpecError
from ...specs.explain import shown
from ...specs.network import ResNetSpec
from ...specs.plan import Plan, lay_out
from ...specs.rules import broken_rules
from ...specs.trace import Size

Quantity = Literal["params", "macs"]
By = Literal["width", "depth"]

MAX_TOLERANCE = 0.5
_PERCENT = re.compile(r"(\d{1,6}(?:\.\d{1,12})?) ?%", re.ASCII)
#: Factors are looked for in steps of 1 / _GRAIN, up to _LARGEST, and then one by one.
_GRAIN = 1024
_LARGEST = 64
_WALK = 64


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
        self.target = _cost(first, match.quantity)
        self.size: Size = first.input_shape[1:]
        self.laid = 0
        """Blocks laid out so far: what the search costs."""

    def match(self, spec: ResNetSpec) -> tuple[ResNetSpec, Matched]:
        """``spec`` scaled into the tolerance; as it is where it lies within.

        Widths stay whole multiples of a group norm's groups, and every block that keeps its shape
        goes on keeping it. Raises :class:`SpecError` with how near it comes.
        """
        cost = self._lay(spec)
        if self._within(cost):
            return spec, self._matched(1.0, cost)
        knob = _widths(spec) if self.how.by == "width" else _depths(spec)
        best = min(
            self._candidates(knob), key=lambda found: (abs(found[0] - self.target), found[0])
        )
        cost, turns = best
        if not self._within(cost):
            raise SpecError(self._miss(cost))
        scaled = ResNetSpec(**knob.spec_at(turns).model_dump(mode="json"))
        return scaled, self._matched(sum(knob.values(turns)) / sum(knob.written), cost)

    def _candidates(self, knob: _Knob) -> list[tuple[int, Turns]]:
        """The nearest legal networks below and above the target, and what each costs."""
        low, high = self._crossing(knob)
        found = []
        for turns, step in ((low, knob.narrower), (high, knob.wider)):
            for _ in range(_WALK):
                if turns is None:
                    break
                if knob.is_sound(turns):
                    found.append((self._lay(knob.spec_at(turns)), turns))
                    break
                turns = step(turns)
        if not found:
            raise SpecError(self._fault("no legal network of that cost is near", None))
        return found

    def _crossing(self, knob: _Knob) -> tuple[Turns | None, Turns | None]:
        """Neighbours, the first of which costs at most the target and the second more."""
        low, high = 0, _GRAIN
        while not self._above(knob, high):
            if high == knob.most:
                return knob.turns(high), None
            low, high = high, min(2 * high, knob.most)
        if self._above(knob, 0):
            return None, knob.turns(0)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._above(knob, middle) else (middle, high)
        turns = knob.turns(low)
        while (after := knob.wider(turns)) and self._lay(knob.spec_at(after)) <= self.target:
            turns = after
        return turns, after

    def _above(self, knob: _Knob, factor: int) -> bool:
        return self._lay(knob.spec_at(knob.turns(factor))) > self.target

    def _lay(self, spec: ResNetSpec) -> int:
        self.laid += sum(len(stage.entries) for stage in spec.stages)
        return _cost(lay_out(spec, self.size), self.how.quantity)

    def _residual(self, cost: int) -> float:
        return (cost - self.target) / self.target

    def _within(self, cost: int) -> bool:
        return abs(self._residual(cost)) <= self.how.tolerance

    def _matched(self, factor: float, cost: int) -> Matched:
        return Matched(self.how.quantity, self.how.by, factor, self._residual(cost))

    def _miss(self, cost: int) -> Fault:
        noun = "MACs" if self.how.quantity == "macs" else "params"
        residual = self._residual(cost)
        told = f"{cost:,} {noun} ({100 * residual:+.2f} %) is as near as its {self.how.by}s come"
        wanted = f" to {self.target:,}, and {100 * self.how.tolerance:g} % is asked"
        return self._fault(told + wanted, abs(residual))

    def _fault(self, message: str, reached: float | None) -> Fault:
        other = "depth" if self.how.by == "width" else "width"
        help_ = f"match by: {other}, or leave the arm out"
        if reached is not None and reached <= MAX_TOLERANCE:
            # Upwards, so that what is offered is enough.
            help_ = f"use {self.how.quantity}: {ceil(1000 * reached) / 10:g}%, or by: {other}"
        return Fault("match", message, f"match.{self.how.quantity}", help_)


#: How many steps of the knob each value is.
Turns = tuple[int, ...]


@dataclass(frozen=True)
class _Knob:
    """Values of a spec that are scaled together, each in whole steps and at least one."""

    spec: ResNetSpec
    written: tuple[int, ...]
    step: int
    most: int
    """The largest factor, in parts of ``_GRAIN``."""
    ceiling: int
    put: Callable[[ResNetSpec, Sequence[int]], ResNetSpec]
    keeps_shapes: bool

    def turns(self, factor: int) -> Turns:
        """Every value times ``factor / _GRAIN``, to the nearest step."""
        return tuple(
            max(1, (2 * value * factor + _GRAIN * self.step) // (2 * _GRAIN * self.step))
            for value in self.written
        )

    def values(self, turns: Turns) -> list[int]:
        return [turn * self.step for turn in turns]

    def spec_at(self, turns: Turns) -> ResNetSpec:
        """The spec with these values, checked by nobody yet."""
        return self.put(self.spec, self.values(turns))

    def wider(self, turns: Turns) -> Turns | None:
        """The values at the next larger factor that rounds to others."""
        ends = [
            Fraction(2 * turn + 1, value) for turn, value in zip(turns, self.written, strict=True)
        ]
        after = tuple(turn + (end == min(ends)) for turn, end in zip(turns, ends, strict=True))
        return after if max(after) * self.step <= self.ceiling else None

    def narrower(self, turns: Turns) -> Turns | None:
        """The values at the next smaller factor that rounds to others."""
        ends = [
            Fraction(2 * turn - 1, value) if turn > 1 else Fraction(0)
            for turn, value in zip(turns, self.written, strict=True)
        ]
        if not any(ends):
            return None
        return tuple(turn - (end == max(ends)) for turn, end in zip(turns, ends, strict=True))

    def is_sound(self, turns: Turns) -> bool:
        """Whether it is a legal network with the shortcuts that were written."""
        spec = self.spec_at(turns)
        if max(self.values(turns)) > self.ceiling or broken_rules(spec):
            return False
        return not self.keeps_shapes or _kept(spec) == _kept(self.spec)


def _widths(spec: ResNetSpec) -> _Knob:
    stem = getattr(spec.stem, "widths", None) or (spec.stem.out_channels,)
    written = (*stem, *(stage.width for stage in spec.stages))
    step = spec.norm.groups if spec.norm.kind == "group" else 1
    most = min(_LARGEST, MAX_CHANNELS // max(written)) * _GRAIN
    return _Knob(spec, written, step, most, MAX_CHANNELS, _with_widths, keeps_shapes=True)


def _with_widths(spec: ResNetSpec, values: Sequence[int]) -> ResNetSpec:
    cut = len(values) - len(spec.stages)
    field = {"widths": tuple(values[:cut])} if cut > 1 else {"width": values[0]}
    stages = [
        stage.model_copy(update={"width": width})
        for stage, width in zip(spec.stages, values[cut:], strict=True)
    ]
    stem = spec.stem.model_copy(update=field)
    return spec.model_copy(update={"stem": stem, "stages": tuple(stages)})


def _depths(spec: ResNetSpec) -> _Knob:
    listed = [index for index, stage in enumerate(spec.stages) if stage.blocks is not None]
    if listed:
        message = f"stages[{listed[0]}] lists its blocks one by one: it has no depth to scale"
        raise SpecError(Fault("match", message, "match.by", "use by: width, or say depth there"))
    written = tuple(stage.depth or 1 for stage in spec.stages)
    most = min(_LARGEST, MAX_BLOCKS // sum(written)) * _GRAIN
    return _Knob(spec, written, 1, most, MAX_BLOCKS, _with_depths, keeps_shapes=False)


def _with_depths(spec: ResNetSpec, values: Sequence[int]) -> ResNetSpec:
    stages = [
        stage.model_copy(update={"depth": depth})
        for stage, depth in zip(spec.stages, values, strict=True)
    ]
    return spec.model_copy(update={"stages": tuple(stages)})


def _kept(spec: ResNetSpec) -> list[bool]:
    return [block.keeps_shape for stage in spec.blocks() for block in stage]


def _cost(laid: Plan, quantity: Quantity) -> int:
    return laid.macs if quantity == "macs" else laid.params
