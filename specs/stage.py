"""A run of blocks at one width; the first may stride."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from .axes import Axes, uniform
from .base import MAX_BLOCKS, Channels, Depth, Dilation, Spec, Stride, keep, kept
from .block import AnyBlock, shorten_block
from .by_axis import ByAxis
from .inner import BlockInner, StageInner, Widths, listed
from .operation import FullChain, shorten_chain
from .shortcuts import ShortcutRule, shorten_shortcut


class BlockChoices(Spec):
    """A block and a shortcut; what is left out is that of the whole around it."""

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


class BlockEntrySpec(BlockChoices):
    """One block of a stage; what is left out is the stage's, or else the network's."""

    width: Channels | None = None
    """Base channels of this block, where they differ from the stage's."""
    inner: BlockInner | None = None
    """Channels within this block's branch, where they differ from the stage's `inner`: a width, or
    a list with one for each convolution that takes one."""
    dilation: Dilation | None = None
    """Distance between the taps of this block's convolutions of 3x3 and more, where it differs from
    the stage's: multi-grid (Chen et al. 2017, DeepLabV3, arXiv 1706.05587, section 3.2.1)."""

    def to_tree(self) -> dict[str, Any]:
        inner = None if self.inner is None else _as_list(self.inner)
        own = {"width": self.width, "inner": inner, "dilation": self.dilation}
        tree = {name: value for name, value in own.items() if value is not None}
        return {**tree, **super().to_tree()}


@cache
def nothing() -> BlockEntrySpec:
    """The entry that leaves everything out."""
    return BlockEntrySpec.usual()


class StageSpec(BlockChoices):
    """``depth`` blocks alike, or one entry of ``blocks`` for each."""

    __slots__ = ("_frame",)

    before: FullChain | None = None
    """Operations before the first block, at the stage's width where they name none: the layers
    between the stages of a ResNet-9, or a module such as BAM."""

    depth: Depth | None = None
    """Number of blocks."""
    blocks: Annotated[
        tuple[BlockEntrySpec, ...] | None, Field(strict=False, min_length=1, max_length=MAX_BLOCKS)
    ] = None
    """The blocks one by one, instead of `depth`."""
    width: Channels | None = None
    """Base channels; a `bottleneck` puts out `expansion` times as many. Left out only where `widen`
    is `linear` and goes on in the next stage."""
    widen: Literal["first", "linear"] = "first"
    """The blocks that widen: the `first` to the stage's width, or each by as much (`linear`), from
    the width of the stage before, or the channels of the stem, to the stage's. Widths are rounded
    block by block (Han et al. 2017, PyramidNet, arXiv 1610.02915, equation 2). A stage without a
    width shares the growth of the next one."""
    inner: StageInner | None = None
    """Channels within the branches: of a word those of its convolutions but the last, of a chain
    those of its operations of `width: inner`. A width for all blocks, or a list with an item for
    each: a width, or a list with one for each convolution. Left out: as the block has them."""
    stride: Annotated[Stride, ByAxis(Stride)] = 1
    """Stride of the first block, or a list with one for each axis; the others have 1."""
    dilation: Dilation = 1
    """Distance between the taps of the blocks' convolutions of 3x3 and more."""
    first_dilation: Dilation | None = None
    """Dilation of the first block's convolution that strides, and of those before it. Left out: the
    dilation of the stage before, as in torchvision and timm. (mmsegmentation has the stage's.)"""

    @property
    @kept("_frame")
    def frame(self) -> StageFrame:
        """All of the stage but its depth and its width."""
        fields = self.__dict__
        return _frame(*[fields[name] for name in _FRAME])

    def with_size(self, values: Mapping[str, Any]) -> StageSpec:
        """The stage with another depth or width; ``values`` are of :data:`SIZES`."""
        found = self.with_values(values)
        keep(found, "_frame", self.frame)
        return found

    @property
    def step(self) -> Axes:
        """The stride, one number where the axes have the same."""
        return uniform(self.stride)

    @property
    def entries(self) -> tuple[BlockEntrySpec, ...]:
        """One entry for each block, whichever way they were written."""
        return (nothing(),) * (self.depth or 0) if self.blocks is None else self.blocks

    @property
    def gives_inner(self) -> bool:
        """Whether the stage or one of its blocks gives widths within branches."""
        if self.inner is not None:
            return True
        return self.blocks is not None and any(entry.inner for entry in self.blocks)

    def inner_at(self, position: int) -> Widths:
        """The widths within the branch of one block, as they are written; none where they are left
        out."""
        inner = self.inner
        if self.blocks is not None and self.blocks[position].inner is not None:
            inner = self.blocks[position].inner
        elif isinstance(inner, tuple):
            inner = inner[position]
        return listed(inner)

    @property
    def size(self) -> int:
        """The number of blocks."""
        return (self.depth or 0) if self.blocks is None else len(self.blocks)

    def to_tree(self) -> dict[str, Any]:
        size = (
            {"depth": self.depth}
            if self.blocks is None
            else {"blocks": [entry.to_tree() for entry in self.blocks]}
        )
        tree: dict[str, Any] = {}
        if self.before is not None:
            tree["before"] = shorten_chain(self.before)
        tree |= size
        if self.width is not None:
            tree["width"] = self.width
        if self.widen != "first":
            tree["widen"] = self.widen
        if self.inner is not None:
            tree["inner"] = _as_list(self.inner)
        tree["stride"] = self.stride
        if self.dilation != 1:
            tree["dilation"] = self.dilation
        if self.first_dilation is not None:
            tree["first_dilation"] = self.first_dilation
        return {**tree, **super().to_tree()}


class StageFrame:
    """All of a stage but its depth and its width: what stages share that differ in these.

    Compared by identity, which is much faster where parts are looked up: equal ones are one.
    """

    __slots__ = ("begins", "dilation", "repeats", "spec")

    def __init__(self, *values: Any) -> None:
        # A spec whose depth and width stand for any.
        self.spec = StageSpec.model_construct(**dict(zip(_FRAME, values, strict=True)))
        self.dilation = self.spec.dilation
        #: Whether operations stand before its first block.
        self.begins = self.spec.before is not None
        #: Whether its blocks are one, repeated at one width.
        self.repeats = self.spec.blocks is None and self.spec.inner is None
        self.repeats = self.repeats and self.spec.widen == "first"


SIZES: Final = frozenset({"depth", "width"})
"""What stages of one frame differ in."""
_FRAME: Final = tuple(name for name in StageSpec.model_fields if name not in SIZES)
_frame: Final = lru_cache(1024)(StageFrame)


def _as_list(inner: Any) -> Any:
    """Widths as a file writes them."""
    return [_as_list(each) for each in inner] if isinstance(inner, tuple) else inner
