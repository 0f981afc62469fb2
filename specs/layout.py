"""The parts of a network as layers and modules in plain numbers.

Everything that is built, counted, exported or drawn is read from what is written down here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ..errors import Fault, SpecError, path_text
from .block import BlockSpec
from .fields import NetworkFields
from .join import JoinSpec
from .operation import Steps, named, trace_chain
from .operations import DropPathSpec
from .resolve import ResolvedBlock
from .shortcut import ShortcutSpec
from .site import Site
from .trace import Layer, Module, Size, Trace, strided


class BlockPlan(NamedTuple):
    """One block: what it is, its layers, in the order in which data meets them, and its
    modules."""

    resolved: ResolvedBlock
    layers: tuple[Layer, ...]
    cuts: tuple[int, int, int]
    """Where among the layers the branch, the shortcut and what follows the sum begin."""
    receptive_field: int
    """Side, in input pixels, of the square that an element of the output sees."""
    modules: BlockModules
    """The modules of the block's chains."""

    def layer(self, name: str) -> Layer:
        """The layer of that name within the block. Raises ``KeyError``.

        >>> import resforge as rf
        >>> rf.plan(rf.load("resnet50")).stages[1][0].layer("conv2").stride
        2
        """
        full = f"{self.resolved.name}.{name}"
        for layer in self.layers:
            if layer.name == full:
                return layer
        raise KeyError(f"{full}: the block has {', '.join(layer.name for layer in self.layers)}")

    @property
    def residual_end(self) -> Layer | None:
        """The layer with which the residual branch is 0 where its weights are; None where the
        kind of block knows none."""
        return self.spec.residual_end(self.branch)

    @property
    def name(self) -> str:
        """The block's name in the state dict."""
        return self.resolved.name

    @property
    def spec(self) -> BlockSpec:
        """The kind of block, with its fields."""
        return self.resolved.block

    @property
    def shortcut(self) -> ShortcutSpec:
        """The kind of shortcut, with its fields."""
        return self.resolved.shortcut

    @property
    def site(self) -> Site:
        """Where the block stands, in plain numbers."""
        return self.resolved.site

    @property
    def in_channels(self) -> int:
        """Channels of the block's input."""
        return self.site.in_channels

    @property
    def out_channels(self) -> int:
        """Channels of the block's output."""
        return self.site.out_channels

    @property
    def stride(self) -> int:
        """Stride of the block."""
        return self.site.stride

    @property
    def entry(self) -> tuple[Layer, ...]:
        """The layers before branch and shortcut divide."""
        return self.layers[: self.cuts[0]]

    @property
    def branch(self) -> tuple[Layer, ...]:
        """The layers of the residual branch F(x), from there to the sum."""
        return self.layers[self.cuts[0] : self.cuts[1]]

    @property
    def shortcut_layers(self) -> tuple[Layer, ...]:
        """The layers of the shortcut."""
        return self.layers[self.cuts[1] : self.cuts[2]]

    @property
    def exit(self) -> tuple[Layer, ...]:
        """The layers after the sum."""
        return self.layers[self.cuts[2] :]


class BlockModules(NamedTuple):
    """The modules of a block, by the chain that they stand in."""

    entry: tuple[Module, ...]
    branch: tuple[Module, ...]
    path: tuple[Module, ...]
    """The modules of the shortcut's path; their names begin with ``downsample``."""
    exit: tuple[Module, ...]
    join: JoinSpec
    fresh: bool
    """Whether the sum may be written over the branch's output."""


def trace_stem(trace: Trace, spec: NetworkFields) -> None:
    """Write down the stem."""
    site = spec.stem_site
    trace_chain(trace, spec.stem.steps(site), site, None, fresh=False)


def trace_end(trace: Trace, spec: NetworkFields, last: BlockSpec) -> tuple[int, int]:
    """Write down what follows the last block, which is ``last``: where, among the layers and
    among the modules, the head begins."""
    site = Site.of_end(trace.channels, spec.norm, spec.activation)
    trace_chain(trace, closing_of(spec, last), site, None, fresh=False)
    # The last stage's map is handed out as a feature: whoever holds it keeps it as it was.
    trace.modules[:] = [module._replace(in_place=False) for module in trace.modules]
    cuts = len(trace.layers), len(trace.modules)
    if spec.head is not None:
        site = Site.of_end(trace.channels, spec.norm, spec.activation)
        trace_chain(trace, spec.head.steps(site), site, None, fresh=False)
    return cuts


def closing_of(spec: NetworkFields, last: BlockSpec) -> Steps:
    """What follows the last stage, before the head."""
    return last.closing() if spec.closing is None else named(spec.closing, "closing.")


def trace_block(trace: Trace, resolved: ResolvedBlock) -> tuple[tuple[int, int, int], BlockModules]:
    """Write down a block: the cuts between its parts, as :class:`BlockPlan` has them, and its
    modules. Raises :class:`SpecError` where a chain ends in another shape than the block's."""
    laid = block_at(resolved.block, resolved.shortcut, resolved.site, trace.size)
    for part, end in laid.ends.items():
        _check_end(resolved, part, end, laid)
    trace.place(laid.layers, f"{resolved.name}.")
    trace.channels, trace.size = resolved.site.out_channels, laid.size
    trace.first += trace.jump * laid.first
    trace.last += trace.jump * laid.last
    trace.jump *= resolved.site.stride
    return laid.cuts, laid.modules


class _End(NamedTuple):
    """The shape that a chain ends in."""

    channels: int
    size: Size
    stride: int


class BlockLayout(NamedTuple):
    """A block written down by itself, as if it were the whole network."""

    layers: tuple[Layer, ...]
    cuts: tuple[int, int, int]
    modules: BlockModules
    ends: dict[str, _End]
    """Shapes that the branch and the shortcut's path end in."""
    size: Size
    """Size of the map that the block puts out."""
    first: int
    """Pixels by which the block moves the first that is seen."""
    last: int


@lru_cache(1024)
def block_at(block: BlockSpec, shortcut: ShortcutSpec, site: Site, size: Size) -> BlockLayout:
    """The layout of a block on a map of ``size``.

    Networks repeat their blocks, and generators their networks: each is written down once.
    """
    trace = Trace(site.in_channels, size)
    layers, modules = trace.layers, trace.modules
    shared = not shortcut.absent and block.shares_entry(site)
    chains = block.chains(site, shared)
    trace.dilation = site.dilations.first
    trace_chain(trace, chains.entry, site, None, fresh=False)
    side = trace.fork("shortcut")
    branch, entered = len(layers), len(modules)
    trace_chain(trace, chains.branch, site, site.width, fresh=False)
    fresh, branched, bypass = trace.fresh, len(modules), len(layers)
    ends = {"branch": _End(trace.channels, trace.size, trace.jump)}
    join = shortcut.joined()
    if not shortcut.absent:
        gate = side.fork("shortcut")
        steps = tuple(
            (f"downsample.{name}" if name else "downsample", op)
            for name, op in shortcut.steps(site)
        )
        trace_chain(side, steps, site, site.out_channels, fresh=False)
        ends["shortcut"] = _End(side.channels, side.size, side.jump)
        join.trace(gate, "downsample", site)
        trace.join(side)
    exit_, joined = len(layers), len(modules)
    trace_chain(trace, chains.exit, site, None, fresh=True)
    parts = BlockModules(
        tuple(modules[:entered]),
        tuple(modules[entered:branched]),
        tuple(modules[branched:joined]),
        tuple(modules[joined:]),
        join,
        fresh,
    )
    cuts = branch, bypass, exit_
    out = strided(size, site.stride)
    return BlockLayout(tuple(layers), cuts, parts, ends, out, trace.first, trace.last)


def _check_end(resolved: ResolvedBlock, part: str, end: _End, laid: BlockLayout) -> None:
    """Refuse a chain that ends in another shape than the block's: torch might broadcast it."""
    site, size = resolved.site, laid.size
    if end == (site.out_channels, size, site.stride):
        return
    path, help_ = resolved.block_path, "give one convolution of the branch stride: block"
    if part == "shortcut":
        path, help_ = resolved.shortcut_path, "give one operation of the path stride: block"
    if end.stride != site.stride:
        message = (
            f"the {part} of {resolved.name} strides by {end.stride}, its block by {site.stride}"
        )
    else:
        written = f"{end.channels} channels of {end.size[0]}x{end.size[1]}"
        message = (
            f"the {part} of {resolved.name} ends in {written}, the block puts out "
            f"{site.out_channels} of {size[0]}x{size[1]}"
        )
        help_ = "pad its windows by half, or leave padding out"
    if end.stride == site.stride and end.channels != site.out_channels:
        help_ = f"make it end in {site.out_channels} channels"
    raise SpecError(Fault(part.replace("branch", "block"), message, path_text(path), help_))


def with_drop_path(modules: BlockModules, resolved: ResolvedBlock) -> BlockModules:
    """``modules`` with the operation that leaves the branch out at random at its end."""
    channels = resolved.site.out_channels
    op = DropPathSpec(rate=resolved.drop_rate, mode=resolved.drop_mode)  # type: ignore[arg-type]
    module = Module("drop_path", op, channels, channels, (), modules.fresh)
    return modules._replace(branch=(*modules.branch, module))
