"""The sums over the layers of a network, part by part: no layer is named for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..specs.axes import Axes
from ..specs.ends import before_at, closing_at, closing_in, head_tally_at, stem_at, stem_map_at
from ..specs.layer import Size
from ..specs.layout import tally_at
from ..specs.network import ResNetSpec
from ..specs.resolve import runs_of
from ..specs.tally import Tally
from ..specs.trace import Trace

# Skips the Python-level call of a named tuple's constructor.
_new = tuple.__new__


class Feature(NamedTuple):
    """The map a stage puts out: what ``model.features(x)`` returns at its place."""

    name: str
    channels: int
    stride: Axes
    """Input pixels between neighbouring elements."""
    size: Size
    """Height and width, or a side for each axis."""
    receptive_field: Axes


def stem_map_of(spec: ResNetSpec, size: Size) -> Feature:
    """The stem's map for pictures of ``size``, named after the module that puts it out."""
    name, end = stem_map_at(spec, size)
    totals = Totals(spec.in_channels, size)
    totals.map.go_on(end)
    return totals.feature(name)


class Totals:
    """Sums over parts in a row, and the map where they end."""

    def __init__(self, channels: int, size: Size) -> None:
        self.params = self.macs = self.activations = self.depth = 0
        self.fits = True
        self.map = Trace(channels, size)
        self.receptive_field: Axes = 1
        """That of the last map before the head."""

    def add(self, tally: Tally, times: int = 1) -> None:
        """Add so many parts that are alike."""
        params, macs, activations, depth, channels, end, fits = tally
        self.params += params * times
        self.macs += macs * times
        self.activations += activations * times
        self.depth += depth * times
        self.fits = self.fits and fits
        self.map.go_on(end, times)
        self.map.channels = channels

    def feature(self, name: str) -> Feature:
        """The present map."""
        at = self.map
        return _new(Feature, (name, at.channels, at.jump, at.size, at.receptive_field))


def totals_of(spec: ResNetSpec, size: Size) -> Totals:
    """The sums over a network for pictures of ``size``. Raises :class:`SpecError` where a chain
    ends in another shape than its block's."""
    totals = Totals(spec.in_channels, size)
    for _ in _stages(spec, size, totals):
        pass
    at = totals.map
    totals.receptive_field = at.receptive_field
    totals.add(head_tally_at(spec, at.channels, at.size))
    return totals


def features_of(spec: ResNetSpec, size: Size) -> tuple[Feature, ...]:
    """The maps that the stages put out for pictures of ``size``. Raises as :func:`totals_of`
    does."""
    totals = Totals(spec.in_channels, size)
    return tuple([totals.feature(f"layer{stage}") for stage in _stages(spec, size, totals)])


def _stages(spec: ResNetSpec, size: Size, totals: Totals) -> Iterator[int]:
    """Add all but the head; the number of each stage, counted from 1, once its map is reached: that
    of the last is behind the closing."""
    at, frame, stages = totals.map, spec.frame, spec.stages
    totals.add(stem_at(spec, size).tally)
    for number, runs in enumerate(runs_of(spec), start=1):
        if stages[number - 1].frame.begins:
            totals.add(before_at(spec, number - 1, at.channels, at.size).tally)
        for resolved, times in runs:
            totals.add(tally_at(resolved, at.size), times)
        if number == len(stages) and closing_in(frame, resolved.block):
            totals.add(closing_at(spec, resolved.block, at.channels, at.size).tally)
        yield number
