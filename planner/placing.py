"""Every layer of a network in plain numbers, each with its name and its place."""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

from ..specs.ends import ChainLayout, before_at, closing_at, head_at, stem_at
from ..specs.layer import Layer, Module, Size
from ..specs.layout import BlockPlan, layout_of, place_block
from ..specs.network import ResNetSpec
from ..specs.resolve import ResolvedBlock, blocks_of
from ..specs.trace import Trace


class EndModules(NamedTuple):
    """The modules of a network outside of its blocks, by the chain that they stand in."""

    stem: tuple[Module, ...]
    closing: tuple[Module, ...]
    head: tuple[Module, ...]


class Placed(NamedTuple):
    """The layers of a network, all together and by the part that they belong to."""

    layers: tuple[Layer, ...]
    stem: tuple[Layer, ...]
    stages: tuple[tuple[BlockPlan, ...], ...]
    closing: tuple[Layer, ...]
    head: tuple[Layer, ...]
    modules: EndModules
    before: tuple[tuple[Module, ...], ...]


def placed(spec: ResNetSpec, size: Size) -> Placed:
    """The layers of ``spec`` for pictures of ``size``."""
    trace = Trace(spec.in_channels, size)
    stem = _place(trace, stem_at(spec, size))
    stages: list[tuple[BlockPlan, ...]] = []
    before: list[tuple[Module, ...]] = []
    for index, blocks in enumerate(blocks_of(spec)):
        chain: tuple[Module, ...] = ()
        if spec.stages[index].before is not None:
            chain = _place(trace, before_at(spec, index, trace.channels, trace.size))
        before.append(chain)
        stages.append(_stage(trace, blocks))
    closing = _place(trace, closing_at(spec, blocks[-1].block, trace.channels, trace.size))
    head = _place(trace, head_at(spec, trace.channels, trace.size))
    return Placed(
        tuple(trace.layers),
        _layers(stem),
        tuple(stages),
        _layers(closing),
        _layers(head),
        EndModules(stem, closing, head),
        tuple(before),
    )


def _place(trace: Trace, chain: ChainLayout) -> tuple[Module, ...]:
    """Write down a chain, and its modules with the layers at their places."""
    start = len(trace.layers)
    trace.place(chain.layers, "", chain.end)
    own = iter(trace.layers[start:])
    return tuple(
        [module._replace(layers=tuple(islice(own, len(module.layers)))) for module in chain.modules]
    )


def _layers(modules: tuple[Module, ...]) -> tuple[Layer, ...]:
    return tuple([layer for module in modules for layer in module.layers])


def _stage(trace: Trace, blocks: list[ResolvedBlock]) -> tuple[BlockPlan, ...]:
    stage: list[BlockPlan] = []
    for resolved in blocks:
        start = len(trace.layers)
        if not stage or resolved.like != stage[-1].resolved.like:
            laid = layout_of(resolved, trace.size)
        place_block(trace, resolved, laid)
        own = tuple(trace.layers[start:])
        stage.append(BlockPlan(resolved, own, laid.cuts, trace.receptive_field, laid.modules))
    return tuple(stage)
