"""A run of blocks at one width; the first may stride."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from .base import MAX_BLOCKS, Channels, Depth, Dilation, Spec, Stride
from .block import AnyBlock, shorten_block
from .shortcuts import ShortcutRule, shorten_shortcut


class BlockEntrySpec(Spec):
    """One block of a stage; what is left out is the stage's, or else the network's."""

    block: AnyBlock | None = None
    """The block, where it differs from the network's."""
    shortcut: ShortcutRule | None = None
    """The shortcut, where it differs from the network's."""

    def to_tree(self) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        if self.block is not None:
            tree["block"] = shorten_block(self.block)
        if self.shortcut is not None:
            tree["shortcut"] = shorten_shortcut(self.shortcut)
        return tree


class StageSpec(BlockEntrySpec):
    """``depth`` blocks alike, or one entry of ``blocks`` for each."""

    depth: Depth | None = None
    """Number of blocks."""
    blocks: Annotated[
        tuple[BlockEntrySpec, ...] | None, Field(strict=False, min_length=1, max_length=MAX_BLOCKS)
    ] = None
    """The blocks one by one, instead of `depth`."""
    width: Channels
    """Base channels; a `bottleneck` puts out `expansion` times as many."""
    stride: Stride = 1
    """Stride of the first block; the others have 1."""
    dilation: Dilation = 1
    """Distance between the taps of the blocks' convolutions of 3x3 and more."""
    first_dilation: Dilation | None = None
    """Dilation of the first block's convolution that strides, and of those before it. Left out: the
    dilation of the stage before, as in torchvision and timm. (mmsegmentation has the stage's.)"""

    @property
    def entries(self) -> tuple[BlockEntrySpec, ...]:
        """One entry for each block, whichever way they were written."""
        return (BlockEntrySpec(),) * (self.depth or 0) if self.blocks is None else self.blocks

    def to_tree(self) -> dict[str, Any]:
        size = (
            {"depth": self.depth}
            if self.blocks is None
            else {"blocks": [entry.to_tree() for entry in self.blocks]}
        )
        tree = {**size, "width": self.width, "stride": self.stride}
        if self.dilation != 1:
            tree["dilation"] = self.dilation
        if self.first_dilation is not None:
            tree["first_dilation"] = self.first_dilation
        return {**tree, **super().to_tree()}
