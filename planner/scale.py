"""One network at many sizes: its widths or depths scaled together, by arithmetic alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import lcm
from typing import Any, Literal, TypeVar

from ..errors import Fault, SpecError
from ..specs.base import MAX_BLOCKS, MAX_CHANNELS
from ..specs.blocks import XSpec
from ..specs.layer import Size
from ..specs.network import ResNetSpec
from ..specs.norm import GroupedNorm
from ..specs.resolve import blocks_of
from ..specs.rules import broken_rules
from ..specs.stage import BlockEntrySpec, StageSpec
from .plan import Plan, lay_out

Quantity = Literal["params", "macs"]
By = Literal["width", "depth"]
_Place = TypeVar("_Place", StageSpec, BlockEntrySpec)

#: Factors are looked for in steps of 1 / _GRAIN, up to _LARGEST, and then one by one.
_GRAIN = 1024
_LARGEST = 64
_WALK = 64
_MOVING = 5


def cost_of(laid: Plan, quantity: Quantity) -> int:
    """The figure of a plan that a spec is scaled to."""
    return laid.macs if quantity == "macs" else laid.params


@dataclass(frozen=True)
class Scaled:
    """A spec at another size."""

    spec: ResNetSpec
    factor: float
    """Its widths or depths over those that were given, all together."""
    cost: int


class Scaler:
    """Scales specs to a cost, for pictures of one size.

    >>> import resforge as rf
    >>> scaled = Scaler("params", 5_000_000, (224, 224)).scale(rf.load("resnet18"), "width")
    >>> scaled.cost, [stage.width for stage in scaled.spec.stages]
    (5001098, [41, 83, 165, 331])
    """

    def __init__(self, quantity: Quantity, target: int, size: Size) -> None:
        self.quantity = quantity
        self.target = target
        self.size = size
        self.laid = 0
        """Blocks laid out so far: what the search costs."""

    def cost(self, spec: ResNetSpec) -> int:
        """What ``spec`` costs."""
        self.laid += sum(len(stage.entries) for stage in spec.stages)
        return cost_of(lay_out(spec, self.size), self.quantity)

    def _cost_at(self, knob: Knob, turns: Turns) -> int:
        """What the network with these values costs, legal or not; 0 where its layers do not meet
        or have no channels, so that it has no cost."""
        try:
            return self.cost(knob.spec_at(turns))
        except SpecError:
            return 0

    def scale(
        self, spec: ResNetSpec, by: By, step: int = 1, either_way: bool = False
    ) -> Scaled | None:
        """The network nearest to the target among those that one factor makes of ``spec``.

        Widths stay whole multiples of ``step`` and of what their groups ask for, and every block
        that keeps its shape goes on keeping it. With ``either_way`` values may stand a step beside
        the one that is nearest to the factor, equal ones together. None where no legal network is
        near. Raises :class:`SpecError` where stages have no depth to scale.
        """
        knob = widths_of(spec, step) if by == "width" else depths_of(spec)
        found = self._candidates(knob)
        if not found:
            return None
        cost, turns = min(found, key=self._distance)
        if either_way and cost != self.target:
            beside = [(self._cost_at(knob, other), other) for other in knob.beside(turns)]
            nearer = sorted(beside, key=self._distance)
            cost, turns = next(
                (found for found in nearer if knob.is_sound(found[1])), (cost, turns)
            )
        scaled = ResNetSpec(**knob.spec_at(turns).model_dump(mode="json"))
        return Scaled(scaled, sum(knob.values(turns)) / sum(knob.written), cost)

    def _distance(self, found: tuple[int, Turns]) -> tuple[int, int]:
        return abs(found[0] - self.target), found[0]

    def _candidates(self, knob: Knob) -> list[tuple[int, Turns]]:
        """The nearest legal networks below and above the target, and what each costs."""
        low, high = self._crossing(knob)
        found = []
        for turns, step in ((low, knob.narrower), (high, knob.wider)):
            for _ in range(_WALK):
                if turns is None:
                    break
                if knob.is_sound(turns):
                    found.append((self.cost(knob.spec_at(turns)), turns))
                    break
                turns = step(turns)
        return found

    def _crossing(self, knob: Knob) -> tuple[Turns | None, Turns | None]:
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
        while (after := knob.wider(turns)) and self._cost_at(knob, after) <= self.target:
            turns = after
        return turns, after

    def _above(self, knob: Knob, factor: int) -> bool:
        return self._cost_at(knob, knob.turns(factor)) > self.target


#: How many steps of the knob each value is.
Turns = tuple[int, ...]


@dataclass(frozen=True)
class Knob:
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

    def beside(self, turns: Turns) -> Iterator[Turns]:
        """``turns`` and those a step beside them, equal values moving together; where there are
        many different values, the largest alone move."""
        moving = sorted(set(self.written))[-_MOVING:]
        for steps in product((0, 1, -1), repeat=len(moving)):
            moves = dict(zip(moving, steps, strict=True))
            yield tuple(
                max(1, turn + moves.get(value, 0))
                for turn, value in zip(turns, self.written, strict=True)
            )

    def is_sound(self, turns: Turns) -> bool:
        """Whether it is a legal network with the shortcuts that were written."""
        spec = self.spec_at(turns)
        if max(self.values(turns)) > self.ceiling or broken_rules(spec):
            return False
        return not self.keeps_shapes or _kept(spec) == _kept(self.spec)


def widths_of(spec: ResNetSpec, step: int = 1) -> Knob:
    """The widths of stem and stages, in steps that their groups divide."""
    written = (*stem_widths(spec), *(width for stage in spec.stages for width in _widths(stage)))
    step = lcm(step, *_group_widths(spec))
    most = min(_LARGEST, MAX_CHANNELS // max(written)) * _GRAIN
    return Knob(spec, written, step, most, MAX_CHANNELS, _with_widths, keeps_shapes=True)


def stem_widths(spec: ResNetSpec) -> tuple[int, ...]:
    """The widths that the stem names, which are scaled with those of the stages."""
    found: list[int] = []
    for name in spec.stem.width_fields:
        value = getattr(spec.stem, name)
        found += [value] if isinstance(value, int) else value
    return tuple(found)


def _with_widths(spec: ResNetSpec, values: Sequence[int]) -> ResNetSpec:
    rest = iter(values)
    fields: dict[str, Any] = {}
    for name in spec.stem.width_fields:
        old = getattr(spec.stem, name)
        fields[name] = next(rest) if isinstance(old, int) else tuple(next(rest) for _ in old)
    stages = [_with_stage_widths(stage, rest) for stage in spec.stages]
    stem = spec.stem.model_copy(update=fields)
    return spec.model_copy(update={"stem": stem, "stages": tuple(stages)})


def _widths(stage: StageSpec) -> list[int]:
    """The widths that a stage names: its own, and those of single blocks."""
    entries = [width for entry in stage.blocks or () for width in (entry.width, entry.inner)]
    return [number for width in (stage.width, stage.inner, *entries) for number in _numbers(width)]


def _numbers(width: Any) -> list[int]:
    """The numbers among widths, which may be lists, or multiples of other widths."""
    if isinstance(width, tuple):
        return [number for each in width for number in _numbers(each)]
    return [width] if isinstance(width, int) else []


def _with_numbers(width: Any, rest: Iterator[int]) -> Any:
    """``width`` with the next of ``rest`` for each of its :func:`_numbers`."""
    if isinstance(width, tuple):
        return tuple(_with_numbers(each, rest) for each in width)
    return next(rest) if isinstance(width, int) else width


def _with_stage_widths(stage: StageSpec, rest: Iterator[int]) -> StageSpec:
    """``stage`` with the next of ``rest`` for each of its :func:`_widths`."""
    changed = _with_own_widths(stage, rest)
    if stage.blocks is None:
        return changed
    blocks = tuple(_with_own_widths(entry, rest) for entry in stage.blocks)
    return changed.model_copy(update={"blocks": blocks})


def _with_own_widths(place: _Place, rest: Iterator[int]) -> _Place:
    """A stage or one of its blocks, with the next of ``rest`` for each number of its own."""
    widths = {name: _with_numbers(getattr(place, name), rest) for name in ("width", "inner")}
    return place.model_copy(update=widths)


def depths_of(spec: ResNetSpec) -> Knob:
    """The depths of the stages. Raises :class:`SpecError` where a stage has none."""
    listed = [index for index, stage in enumerate(spec.stages) if stage.blocks is not None]
    if listed:
        message = f"stages[{listed[0]}] lists its blocks one by one: it has no depth to scale"
        help_ = "scale the widths, or say depth there"
        raise SpecError(Fault("scale", message, f"stages[{listed[0]}]", help_))
    written = tuple(stage.depth or 1 for stage in spec.stages)
    most = min(_LARGEST, MAX_BLOCKS // sum(written)) * _GRAIN
    return Knob(spec, written, 1, most, MAX_BLOCKS, _with_depths, keeps_shapes=False)


def with_depths_times(spec: ResNetSpec, factor: float) -> ResNetSpec:
    """``spec`` with every depth times ``factor``, to the nearest whole number and at least one.

    Raises :class:`SpecError` where a stage has no depth, or the network would be too deep.
    """
    knob = depths_of(spec)
    turns = knob.turns(min(round(factor * _GRAIN), knob.most))
    return ResNetSpec(**knob.spec_at(turns).model_dump(mode="json"))


def _with_depths(spec: ResNetSpec, values: Sequence[int]) -> ResNetSpec:
    stages = [
        stage.model_copy(update={"depth": depth})
        for stage, depth in zip(spec.stages, values, strict=True)
    ]
    return spec.model_copy(update={"stages": tuple(stages)})


def _kept(spec: ResNetSpec) -> list[bool]:
    return [block.site.keeps_shape for stage in blocks_of(spec) for block in stage]


def _group_widths(spec: ResNetSpec) -> set[int]:
    """What the widths of a legal network are multiples of."""
    norm = spec.norm
    asked = {norm.size or norm.groups} if isinstance(norm, GroupedNorm) else set()
    for stage in blocks_of(spec):
        kinds = {block.block for block in stage if isinstance(block.block, XSpec)}
        asked |= {block.group_width * block.ratio for block in kinds}
    return asked
