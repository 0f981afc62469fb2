"""Each block of a network with every default and override settled."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice, repeat
from typing import Any, Final, NamedTuple

from .activation import Activation
from .axes import Axes
from .base import keep, kept
from .block import BlockSpec
from .convolution import PLAIN, ConvolutionSpec
from .fields import Frame, NetworkFields
from .layer import Size
from .norm import NormSpec
from .operation import Steps, named, trace_chain
from .operations import ActSpec
from .paths import Path
from .shortcut import ShortcutSpec
from .shortcuts import ShortcutPairSpec
from .site import UNDILATED, Dilations, Site
from .stage import BlockEntrySpec, StageFrame, nothing
from .stem import StemSpec
from .sums import Counted, Course
from .tally import Tally
from .trace import Trace

# Skips the Python-level call of a named tuple's constructor: a tenth of a spec's validation.
_new = tuple.__new__


class _Resolved(NamedTuple):
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
    drop_scaled: str = "training"
    """When the branch is scaled for being left out at times."""


class Known:
    """What was found out about a block on maps of one size."""

    __slots__ = ("counted", "course", "size", "tally", "text")

    def __init__(self, size: Size, course: Course | None) -> None:
        self.size, self.course = size, course
        """Its course; None where only its layout says what it adds."""
        self.tally: Tally | None = None
        """What it adds to a network."""
        self.text = ""
        """What it means for the identity of a network."""
        self.counted: list[Counted] | None = None
        """What its text is made of, until that is made."""


class ResolvedBlock(_Resolved):
    """One block with every default and override settled."""

    # Generated networks share many of their blocks.
    fits: bool | None = None
    """Whether nothing is wrong with it at its place; None where nobody has looked."""
    latest: Known | None = None
    """What was found out about it last; mostly all there is."""
    known: dict[Size, Known] | None = None
    """What was found out about it, by the size of the map that it takes; None before it was looked
    at on maps of two sizes."""
    courses: dict[Size, tuple[tuple[Steps, ...], Course | None]] | None = None
    """The latest course of a block of its place with other channels, and the chains that it is
    for, by the size of the map; None where no others are looked at."""

    # Copies and pickles learn for themselves.
    def __getstate__(self) -> None:
        return None

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
                # As block._replace(name=..., drop_rate=...), in a third of its time.
                name = f"layer{index + 1}.{len(blocks)}"
                blocks.append(_new(ResolvedBlock, (name, next(rates), *block[2:])))
        yield blocks


Run = tuple[ResolvedBlock, int]
"""The first of some blocks in a row that are equal but for their names and drop rates, and how
many there are."""


@kept("_runs")
def runs_of(spec: NetworkFields) -> tuple[tuple[Run, ...], ...]:
    """As :func:`blocks_of`, in a time that does not grow with depth: the runs of each stage."""
    # To check a spec, to plan it and to name it by its digest is one reading.
    return tuple(runs_in_turn(spec))


def runs_in_turn(spec: NetworkFields) -> Iterator[tuple[Run, ...]]:
    """As :func:`runs_of`, for whoever may not want to know them all."""
    frame, channels = spec.frame, spec.frame.stem_channels
    around, even, dilation = _around(frame), frame.spec.stochastic_depth is None, 1
    rates: Iterator[float] | None = None
    ramps: dict[int, list[int]] | None = None
    found: list[tuple[Run, ...]] = []
    for index, stage in enumerate(spec.stages):
        own, depth, row = stage.frame, stage.depth, None
        if own.begins:
            channels = _after(*before_stage(spec, index, channels))
        if even and depth and own.repeats:
            follows = index == 0 and ends_activated(frame, own)
            row = _row(around, own, index, dilation, follows)
        runs: tuple[Run, ...]
        if row is not None and depth:
            runs = _repeated(row, channels, stage.width or 1, depth)
        else:
            if ramps is None:
                ramps = _ramps(spec, frame.stem_channels)
            rates = _drop_rates(spec) if rates is None else rates
            sums = _sums_after(found)
            runs = tuple(_runs_in(spec, around, index, ramps.get(index), channels, sums, rates))
        if runs:
            channels = runs[-1][0].site.out_channels
        found.append(runs)
        dilation = own.dilation
        yield runs
    keep(spec, "_runs", tuple(found))


def _sums_after(stages: Sequence[tuple[Run, ...]]) -> int:
    """Branches that were added up after some stages since the shape changed last."""
    sums = 0
    for block, times in chain.from_iterable(stages):
        sums = (sums if block.site.keeps_shape else 0) + times
    return sums


class _Around:
    """What the blocks of a network share.

    Compared by identity, which is much faster where stages are looked up: equal ones are one.
    """

    def __init__(
        self,
        site: tuple[NormSpec, Activation, ConvolutionSpec, int],
        drop: tuple[str, str],
        block: BlockSpec,
        pair: ShortcutPairSpec,
    ) -> None:
        self.site, self.drop, self.block, self.pair = site, drop, block, pair


_arounds: Final = lru_cache(1024)(_Around)


@lru_cache(1024)
def _around(frame: Frame) -> _Around:
    spec = frame.spec
    drop = spec.stochastic_depth
    how = ("batch", "training") if drop is None else (drop.mode, drop.scaled)
    site = spec.norm, spec.activation, spec.convolution, spec.dims
    return _arounds(site, how, spec.block, spec.shortcut)


class _Slot:
    """A place in a network, all but the channels of the block that stands there.

    Compared by identity, which is much faster where blocks are looked up.
    """

    def __init__(
        self,
        around: _Around,
        chosen: _Choice,
        index: int,
        position: int,
        entered: _Entered,
        drop_rate: float = 0.0,
    ) -> None:
        block, pair, block_path, pair_path = chosen
        head = f"layer{index + 1}.{position}", drop_rate, block_path
        self._keeps = (*head, (*pair_path, "match"), block, pair.match)
        self._changes = (*head, (*pair_path, "change"), block, pair.change)
        stride, dilations, follows = entered
        self._block, self._drop, self._strides = block, around.drop, stride != 1
        self._beside = _beside(block, stride, dilations, follows, *around.site)
        self._courses: Any = {}, {}

    def block(self, in_channels: int, width: int) -> ResolvedBlock:
        """The block with its channels."""
        out_channels = self._block.out_channels(width)
        site = _new(Site, (in_channels, width, out_channels, *self._beside))
        keeps = in_channels == out_channels and not self._strides
        own = self._keeps if keeps else self._changes
        found = _new(ResolvedBlock, (*own, site, *self._drop))
        found.courses = self._courses[keeps]
        return found


class _Row(NamedTuple):
    """The blocks of a stage that repeats one, all but their channels and how many there are."""

    first: _Slot
    rest: _Slot
    """That of all after the first."""


@lru_cache(4096)
def _row(
    around: _Around, stage: StageFrame, index: int, dilation: int, follows_activation: bool
) -> _Row | None:
    """The row of a stage without drop rates, ``dilation`` being that of the stage before; None
    where the block minds how many came before it."""
    spec = stage.spec
    chosen = _usual(around, index, spec.block, spec.shortcut)
    if chosen.block.reads_sums:
        return None
    own = stage.dilation
    dilations = _dilations(spec.first_dilation or dilation, own)
    first = _Entered(spec.step, dilations, follows_activation)
    rest = _Entered(1, _dilations(own, own), False)
    return _Row(_Slot(around, chosen, index, 0, first), _Slot(around, chosen, index, 1, rest))


def _repeated(row: _Row, in_channels: int, width: int, depth: int) -> tuple[Run, ...]:
    """The runs of a stage of a row."""
    first = _block_at(row.first, in_channels, width)
    if depth == 1:
        return ((first, 1),)
    return (first, 1), (_block_at(row.rest, first.site.out_channels, width), depth - 1)


@lru_cache(16_384)
def _block_at(slot: _Slot, in_channels: int, width: int) -> ResolvedBlock:
    """The block of a place with its channels. Generated networks share many of their blocks."""
    return slot.block(in_channels, width)


def _runs_in(
    spec: NetworkFields,
    around: _Around,
    index: int,
    ramp: list[int] | None,
    channels: int,
    sums: int,
    rates: Iterator[float],
) -> Iterator[Run]:
    """The runs of any stage."""
    stage = spec.stages[index]
    usual = _usual(around, index, stage.block, stage.shortcut)
    alike = stage.blocks is None and ramp is None and not usual.block.reads_sums
    alike = alike and not isinstance(stage.inner, tuple)
    widths_given = stage.gives_inner
    depth = stage.depth or 0
    entries = (_NOTHING,) * min(depth, 2) if alike else stage.entries
    for position, entry in enumerate(entries):
        width = entry.width or (ramp[position] if ramp else stage.width) or 1
        chosen = usual if entry is _NOTHING else _chosen(usual, entry, index, position)
        entered = _entered(spec, index, position, entry)
        slot = _Slot(around, chosen, index, position, entered, next(rates))
        block = slot.block(channels, width)
        if not alike and chosen.block.reads_sums:
            block = block._replace(site=block.site._replace(sums=sums))
        if widths_given:
            inner = stage.inner_at(position)
            block = block._replace(site=block.site._replace(inner=inner))
        block.known = _known(block.like)
        channels, times = block.site.out_channels, depth - 1 if alike and position else 1
        sums = (sums if block.site.keeps_shape else 0) + times
        yield block, times
    if alike and spec.stochastic_depth is not None:
        deque(islice(rates, max(0, depth - 2)), maxlen=0)


_NOTHING: Final = nothing()


@lru_cache(1024)
def _known(like: tuple[Any, ...]) -> dict[Size, Known]:
    """What was found out about blocks that differ in their names and drop rates alone."""
    return {}


def before_stage(spec: NetworkFields, index: int, in_channels: int) -> tuple[Steps, Site]:
    """The operations before the first block of a stage, and their site."""
    stage = spec.stages[index]
    site = spec.end_site(in_channels)
    steps = named(stage.before or (), f"before{index + 1}.")
    return steps, site._replace(width=stage.width or in_channels)


def _after(steps: Steps, site: Site) -> int:
    """The channels that a chain puts out."""
    trace = Trace(site.in_channels, site.point)
    trace_chain(trace, steps, site, site.width, fresh=False)
    return trace.channels


def _ramps(spec: NetworkFields, stem_channels: int) -> dict[int, list[int]]:
    """The widths of the blocks of those stages that widen block by block.

    The sum is made in floats, block by block, as in the authors' code: its rounding decides
    between neighbouring widths.
    """
    ramps: dict[int, list[int]] = {}
    start, pending = stem_channels, list[int]()
    for index, stage in enumerate(spec.stages):
        if stage.widen == "linear":
            pending.append(index)
            if stage.width is None:
                continue
            depths = [spec.stages[at].size for at in pending]
            width, step = float(start), (stage.width - start) / sum(depths)
            for at, depth in zip(pending, depths, strict=True):
                ramps[at] = []
                for _ in range(depth):
                    width += step
                    ramps[at].append(round(width))
            pending = []
        start = stage.width or start
    return ramps


def _drop_rates(spec: NetworkFields) -> Iterator[float]:
    """The drop rate of each block."""
    rule = spec.stochastic_depth
    if rule is None:
        return repeat(0.0)
    total = sum(stage.size for stage in spec.stages)
    return (rule.drop_rate(number, total) for number in range(1, total + 1))


class _Entered(NamedTuple):
    """How a block takes its input."""

    stride: Axes
    dilations: Dilations
    follows_activation: bool
    """Whether the block takes what the stem has just activated."""


def _entered(spec: NetworkFields, index: int, position: int, entry: BlockEntrySpec) -> _Entered:
    stage = spec.stages[index]
    own = entry.dilation or stage.dilation
    if position:
        return _Entered(1, _dilations(own, own), False)
    before = spec.stages[index - 1].dilation if index else 1
    dilations = _dilations(stage.first_dilation or entry.dilation or before, own)
    follows = index == 0 and ends_activated(spec.frame, stage.frame)
    return _Entered(stage.step, dilations, follows)


def _dilations(first: int, own: int) -> Dilations:
    return UNDILATED if first == own == 1 else Dilations(first, own)


@lru_cache(1024)
def ends_activated(network: Frame, stage: StageFrame) -> bool:
    """Whether the first block, of that stage, takes what the stem, or the chain before the block,
    has just activated, or pooled after that."""
    steps = network.spec.stem.steps(network.stem_site)
    if stage.spec.before is not None:
        steps += named(stage.spec.before, "")
    for _, op in reversed(steps):
        if not op.keeps_activation:
            # What a stem with a module of its own ends in is not known; most end in an activation.
            return op.ends_activated or isinstance(op, ActSpec | StemSpec)
    return False


def site_of(
    block: BlockSpec,
    in_channels: int,
    width: int,
    stride: Axes,
    dilations: Dilations,
    first: bool,
    norm: NormSpec,
    activation: Activation,
    convolution: ConvolutionSpec = PLAIN,
    dims: int = 2,
) -> Site:
    """The site of ``block``; ``first``: it follows a stem that has just activated its input."""
    beside = _beside(block, stride, dilations, first, norm, activation, convolution, dims)
    return _new(Site, (in_channels, width, block.out_channels(width), *beside))


def _beside(
    block: BlockSpec,
    stride: Axes,
    dilations: Dilations,
    first: bool,
    norm: NormSpec,
    activation: Activation,
    convolution: ConvolutionSpec,
    dims: int,
) -> tuple[Any, ...]:
    """All of a site but its channels."""
    first = first and block.activates_first
    projection = block.projection_norm, block.projection_bias(not norm.layer)
    shape = stride, dilations, first
    return (*shape, norm, activation, *projection, convolution, dims, 0, ())


class _Choice(NamedTuple):
    """The block and the shortcuts of a place, and where in the spec each was named."""

    block: BlockSpec
    pair: ShortcutPairSpec
    block_path: Path
    pair_path: Path


def _usual(
    around: _Around, index: int, block: BlockSpec | None, pair: ShortcutPairSpec | None
) -> _Choice:
    """The choices of a stage: what it leaves out is the network's."""
    own = ("stages", index)
    return _Choice(
        around.block if block is None else block,
        around.pair if pair is None else pair,
        ("block",) if block is None else (*own, "block"),
        ("shortcut",) if pair is None else (*own, "shortcut"),
    )


def _chosen(usual: _Choice, entry: BlockEntrySpec, index: int, position: int) -> _Choice:
    """The choices of an entry: what it leaves out is the stage's."""
    own = ("stages", index, "blocks", position)
    block, pair, block_path, pair_path = usual
    if entry.block is not None:
        block, block_path = entry.block, (*own, "block")
    if entry.shortcut is not None:
        pair, pair_path = entry.shortcut, (*own, "shortcut")
    return _Choice(block, pair, block_path, pair_path)
