"""Each block of a network with every default and override settled."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice, repeat
from typing import Any, NamedTuple

from .block import BlockSpec
from .fields import NetworkFields
from .norm import NoNormSpec, NormSpec
from .paths import Path
from .shortcut import ShortcutSpec
from .shortcuts import ShortcutPairSpec
from .site import UNDILATED, Dilations, Site
from .stage import BlockEntrySpec


class ResolvedBlock(NamedTuple):
    """One block with every default and override settled."""

    name: str
    """Its name in the state dict."""
    drop_rate: float
    """The chance that its residual branch is left out while training."""
    block_path: Path
    """Where in the spec its block was named."""
    shortcut_path: Path
    """Where in the spec its shortcut was named."""
    block: BlockSpec
    shortcut: ShortcutSpec
    site: Site
    drop_mode: str
    """Whether one draw holds for a mini-batch or each image has its own."""

    @property
    def like(self) -> tuple[Any, ...]:
        """What the layers of the block depend on: equal for blocks whose layers are equal."""
        return self.block, self.shortcut, self.site

    @property
    def shares_entry(self) -> bool:
        """Whether the shortcut takes the activated input, as the branch does."""
        return not self.shortcut.absent and self.block.shares_entry(self.site)


def blocks_of(spec: NetworkFields) -> Iterator[list[ResolvedBlock]]:
    """Each stage's blocks, with every default and override settled."""
    rates = _drop_rates(spec)
    for index, stage in enumerate(runs_of(spec)):
        blocks: list[ResolvedBlock] = []
        for block, times in stage:
            for _ in range(times):
                # As block._replace(name=..., drop_rate=...), in half of its time.
                name = f"layer{index + 1}.{len(blocks)}"
                blocks.append(ResolvedBlock(name, next(rates), *block[2:]))
        yield blocks


def runs_of(spec: NetworkFields) -> Iterator[list[tuple[ResolvedBlock, int]]]:
    """As :func:`blocks_of`, in a time that does not grow with depth: of blocks in a row that are
    equal but for their names and drop rates the first, and how many there are."""
    channels = spec.stem.channels(spec.stem_site)
    rates = _drop_rates(spec)
    for index, stage in enumerate(spec.stages):
        alike = stage.blocks is None
        depth = stage.depth or 0
        runs: list[tuple[ResolvedBlock, int]] = []
        entries = (_NOTHING,) * min(depth, 2) if alike else stage.entries
        for position, entry in enumerate(entries):
            block = _resolve(spec, next(rates), index, position, entry, channels)
            channels = block.site.out_channels
            runs.append((block, depth - 1 if alike and position else 1))
        if alike and spec.stochastic_depth is not None:
            deque(islice(rates, max(0, depth - 2)), maxlen=0)
        yield runs


_NOTHING = BlockEntrySpec()


def _drop_rates(spec: NetworkFields) -> Iterator[float]:
    """The drop rate of each block."""
    rule = spec.stochastic_depth
    if rule is None:
        return repeat(0.0)
    total = sum(len(stage.entries) for stage in spec.stages)
    return (rule.drop_rate(number, total) for number in range(1, total + 1))


def _dilations(spec: NetworkFields, index: int, position: int) -> Dilations:
    first = own = spec.stages[index].dilation
    if position == 0:
        before = spec.stages[index - 1].dilation if index else 1
        first = spec.stages[index].first_dilation or before
    return UNDILATED if first == own == 1 else Dilations(first, own)


def site_of(
    block: BlockSpec,
    in_channels: int,
    width: int,
    stride: int,
    dilations: Dilations,
    first: bool,
    norm: NormSpec,
    activation: str,
) -> Site:
    """The site of ``block``; ``first``: it follows the stem."""
    bare = isinstance(norm, NoNormSpec)
    return Site(
        in_channels,
        width,
        block.out_channels(width),
        stride,
        dilations,
        first and block.activates_first,
        norm,
        activation,
        block.projection_norm,
        block.projection_bias(bare),
    )


def _resolve(
    spec: NetworkFields,
    drop_rate: float,
    index: int,
    position: int,
    entry: BlockEntrySpec,
    in_channels: int,
) -> ResolvedBlock:
    """What is left out of an entry is the stage's, or else the network's."""
    stage = spec.stages[index]
    block: BlockSpec | None = entry.block
    pair: ShortcutPairSpec | None = entry.shortcut
    block_path: Path = ("stages", index, "blocks", position)
    pair_path = block_path
    if block is None:
        block, block_path = stage.block, ("stages", index)
    if block is None:
        block, block_path = spec.block, ()
    if pair is None:
        pair, pair_path = stage.shortcut, ("stages", index)
    if pair is None:
        pair, pair_path = spec.shortcut, ()
    width = stage.width
    stride = stage.stride if position == 0 else 1
    keeps = stride == 1 and in_channels == block.out_channels(width)
    drop = spec.stochastic_depth
    first = index == position == 0
    dilations = _dilations(spec, index, position)
    site = site_of(block, in_channels, width, stride, dilations, first, spec.norm, spec.activation)
    return ResolvedBlock(
        f"layer{index + 1}.{position}",
        drop_rate,
        (*block_path, "block"),
        (*pair_path, "shortcut", "match" if keeps else "change"),
        block,
        pair.match if keeps else pair.change,
        site,
        "batch" if drop is None else drop.mode,
    )
