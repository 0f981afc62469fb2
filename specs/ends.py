"""The parts of a network outside of its blocks, as layers and modules in plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import mul
from typing import Final

from .axes import Axes, largest, on_axes
from .block import BlockSpec
from .fields import Frame, NetworkFields
from .layer import End, Layer, Module, Size
from .operation import Operation, Steps, named, trace_chain
from .resolve import before_stage
from .site import Site
from .tally import Tally, tally_of
from .trace import Trace

#: A side that only a pool of the whole map makes one position of.
_LARGE = 2**20


@dataclass(frozen=True, eq=False)
class ChainLayout:
    """A chain written down by itself, as if it were the whole network. Equal to itself alone, so
    that it is soon found where it is a key."""

    layers: tuple[Layer, ...]
    modules: tuple[Module, ...]
    end: End

    @cached_property
    def tally(self) -> Tally:
        """What it adds to the network."""
        return tally_of(self.layers, self.modules, self.end)


def stem_at(spec: NetworkFields, size: Size) -> ChainLayout:
    """The stem on a picture of ``size``."""
    return _stem_at(spec.frame, size)


@lru_cache(1024)
def _stem_at(frame: Frame, size: Size) -> ChainLayout:
    site = frame.stem_site
    return _laid(frame.spec.stem.steps(site), site, None, size)


def stem_map_at(spec: NetworkFields, size: Size) -> tuple[str, End]:
    """The stem's map on a picture of ``size``: the name of the module that puts it out, and its
    shape.

    It is the map before the pool that ends the stem, where one does, as timm and the encoders of
    U-Nets have it; of a stem of no operations it is the picture, without a name.
    """
    site = spec.stem_site
    steps = spec.stem.steps(site)
    count = len(steps)
    while count and _pools(*steps[count - 1]):
        count -= 1
    laid = _chain_at(steps[: count or len(steps)], site, None, size)
    return (laid.modules[-1].name if laid.modules else ""), laid.end


def _pools(name: str, op: Operation) -> bool:
    # What a word is given in the place of its pool stands under the pool's name.
    return name.partition(".")[0] == "maxpool" or op.kind in ("pool", "blur")


def before_at(spec: NetworkFields, index: int, channels: int, size: Size) -> ChainLayout:
    """What stands before the first block of a stage, on a map of ``channels`` and ``size``."""
    steps, site = before_stage(spec, index, channels)
    return _chain_at(steps, site, site.width, size)


def closing_at(spec: NetworkFields, last: BlockSpec, channels: int, size: Size) -> ChainLayout:
    """What stands between the last block, which is ``last``, and the head."""
    return _closing_at(spec.frame, closing_in(spec.frame, last), channels, size)


@lru_cache(1024)
def closing_in(frame: Frame, last: BlockSpec) -> Steps:
    """As :func:`closing_of`, in networks of a frame."""
    return closing_of(frame.spec, last)


@lru_cache(4096)
def _closing_at(frame: Frame, steps: Steps, channels: int, size: Size) -> ChainLayout:
    laid = _laid(steps, frame.end_site(channels), None, size)
    if not laid.modules:
        return laid
    # The last stage's map is handed out as a feature: whoever holds it keeps it as it was.
    modules = tuple([module._replace(in_place=False) for module in laid.modules])
    return ChainLayout(laid.layers, modules, laid.end)


def head_at(spec: NetworkFields, channels: int, size: Size) -> ChainLayout:
    """The head on a map of ``channels`` and ``size``; nothing where there is none."""
    return _head_at(spec.frame, channels, size)


def head_tally_at(spec: NetworkFields, channels: int, size: Size) -> Tally:
    """What the head adds to the network, on a map of ``channels`` and ``size``."""
    return _head_tally_at(spec.frame, channels, size)


def head_of(frame: Frame, channels: int, size: Size) -> ChainLayout:
    """As :func:`head_at`, for whoever does not ask again: it is not kept."""
    site, head = frame.end_site(channels), frame.spec.head
    return _laid(() if head is None else head.steps(site), site, None, size)


_head_at: Final = lru_cache(1024)(head_of)


@lru_cache(4096)
def _head_tally_at(frame: Frame, channels: int, size: Size) -> Tally:
    # Generated networks end in many widths: their layouts would be more to keep than all else.
    return head_of(frame, channels, size).tally


def stride_of(spec: NetworkFields) -> tuple[Axes, Axes]:
    """Input pixels between neighbouring elements: of what the stem puts out, and of the last
    stage's map."""
    end = stem_at(spec, spec.point).end
    stem, stride, channels = end.stride, end.stride, end.channels
    for index, stage in enumerate(spec.stages):
        if stage.before is not None:
            end = before_at(spec, index, channels, spec.point).end
            stride, channels = on_axes(mul, stride, end.stride), end.channels
        stride = on_axes(mul, stride, stage.step)
    return stem, stride


def head_map(spec: NetworkFields) -> int | None:
    """The side of the last feature map that the head can take; None where it takes any."""
    if spec.head is None:
        return None
    site = spec.end_site(1)
    steps = spec.head.steps(site)
    if all(op.map_size is None for _, op in steps):
        return None
    trace = Trace(1, (_LARGE,) * spec.dims)
    for step in steps:
        side = step[1].map_size
        if side is not None:
            # A pool of the whole map leaves one position of any.
            return side * largest(trace.jump) if max(trace.size) > 1 else None
        trace_chain(trace, (step,), site, None, fresh=False)
    return None


def closing_of(spec: NetworkFields, last: BlockSpec) -> Steps:
    """What follows the last stage, before the head."""
    return last.closing() if spec.closing is None else named(spec.closing, "closing.")


def _laid(steps: Steps, site: Site, missing_width: int | None, size: Size) -> ChainLayout:
    """The layout of a chain."""
    trace = Trace(site.in_channels, size)
    trace_chain(trace, steps, site, missing_width, fresh=False)
    return ChainLayout(tuple(trace.layers), tuple(trace.modules), trace.end)


# Networks share their chains, and each is written down once.
_chain_at: Final = lru_cache(1024)(_laid)
