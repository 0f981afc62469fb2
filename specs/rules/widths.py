"""Widths that groups must divide, and weights that are more than one number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from math import gcd

from ...errors import Fault, path_text
from ..ends import ChainLayout, before_at, closing_at, head_at, stem_at
from ..fields import NetworkFields
from ..layer import Layer
from ..layout import BlockPlan, layout_of, place_block
from ..norm import GroupedNorm
from ..operations import ConvSpec
from ..operations.norm import uneven
from ..resolve import runs_of
from ..trace import Trace
from .branches import dead_branches


def divide_widths(spec: NetworkFields) -> Iterator[Fault]:
    norm = spec.norm
    blocks: list[BlockPlan] = []
    for stage in runs_of(spec):
        for resolved, _ in stage:
            trace = Trace(resolved.site.in_channels, spec.point)
            laid = layout_of(resolved, spec.point)
            place_block(trace, resolved, laid)
            blocks.append(BlockPlan(resolved, tuple(trace.layers), laid.cuts, 1, laid.modules))
    if spec.init.zero_residual:
        yield from dead_branches(spec, blocks)
    if isinstance(norm, GroupedNorm):
        layers = [layer for end in _ends_of(spec) for layer in end.layers]
        yield from _uneven_norms(norm, layers + [layer for b in blocks for layer in b.layers])
    for block in blocks:
        yield from _uneven_groups(block)


def _ends_of(spec: NetworkFields) -> Iterator[ChainLayout]:
    """What stands outside of the blocks, on maps of one position."""
    stem = stem_at(spec, spec.point)
    yield stem
    channels = stem.end.channels
    for index, stage in enumerate(runs_of(spec)):
        if spec.stages[index].before is not None:
            yield before_at(spec, index, channels, spec.point)
        last = stage[-1][0]
        channels = last.site.out_channels
    closing = closing_at(spec, last.block, channels, spec.point)
    yield closing
    yield head_at(spec, closing.end.channels, spec.point)


def _uneven_norms(norm: GroupedNorm, layers: Iterable[Layer]) -> Iterator[Fault]:
    """Widths that the groups of the network's norm do not divide."""
    norms = {layer.out_channels for layer in layers if layer.kind == norm.layer}
    widths = sorted(norms)
    wrong = [width for width in widths if not norm.groups_of(width)]
    if wrong:
        common = gcd(*widths)
        divisors = [str(n) for n in range(1, min(common, 4096) + 1) if common % n == 0]
        field, text = uneven(norm)
        yield Fault(
            "norm",
            f"{text} do not divide {wrong[0]} channels",
            f"norm.{field}",
            f"use a divisor of every width: {', '.join(divisors)}",
        )


def _uneven_groups(block: BlockPlan) -> Iterator[Fault]:
    """Only a registered kind can plan them: the widths of a bottleneck are made of its groups."""
    for layer in block.layers:
        if layer.kind != "conv" or layer.groups == 1:
            continue
        common = gcd(layer.in_channels, layer.out_channels)
        if common % layer.groups:
            yield Fault(
                "block",
                f"{layer.groups} groups do not divide {layer.in_channels} and "
                f"{layer.out_channels} channels ({layer.name})",
                path_text(block.resolved.block_path),
                f"use a divisor of {common}",
            )


def standardize_several(spec: NetworkFields) -> Iterator[Fault]:
    """Weights of words that are one number for each channel: standardised they would be 0."""
    chains = [end.modules for end in _ends_of(spec)]
    for stage in runs_of(spec):
        for resolved, _ in stage:
            chains += layout_of(resolved, spec.point).modules[:4]
    for module in chain.from_iterable(chains):
        if isinstance(module.op, ConvSpec):
            for field, message, help_ in module.op.problems(module, spec.stem_site):
                if field == "convolution":
                    message = f"{message} ({module.layer.name})"
                    yield Fault("convolution", message, "convolution", help_)
