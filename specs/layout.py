"""The blocks of a network as layers and modules in plain numbers.

Everything that is built, counted, exported or drawn is read from what is written down here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import repeat
from operator import is_
from typing import NamedTuple, TypeVar

from ..errors import Fault, SpecError, path_text
from .axes import Axes, axes_text, size_text
from .block import BlockSpec, Chains
from .inner import Widths, with_inner
from .join import JoinSpec
from .layer import End, Layer, Module, Size
from .operation import Steps, trace_chain
from .operations import DropPathSpec
from .resolve import Known, ResolvedBlock
from .shortcut import ShortcutSpec
from .site import Site
from .sums import Course, Part, are_summed
from .tally import Tally, tally_of
from .trace import Trace
from .windows import strided

T = TypeVar("T")
# Skips the Python-level call of a named tuple's constructor.
_new = tuple.__new__


class BlockPlan(NamedTuple):
    """One block: what it is, its layers, in the order in which data meets them, and its
    modules."""

    resolved: ResolvedBlock
    layers: tuple[Layer, ...]
    cuts: tuple[int, int, int]
    """Where among the layers the branch, the shortcut and what follows the sum begin."""
    receptive_field: Axes
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
        kind of block knows none, or an operation that is made of others ends the branch: no layer
        of it holds all that it puts out, or an activation stands behind it."""
        end = self.spec.residual_end(self.branch)
        if end is None:
            return None
        own = end.name.removeprefix(f"{self.name}.")
        composites = (module for module in self.modules.branch if module.inner)
        held = any(layer.name == own for module in composites for layer in module.layers)
        return None if held else end

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
    def stride(self) -> Axes:
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


def layout_of(resolved: ResolvedBlock, size: Size) -> BlockLayout:
    """The layout of a block on a map of ``size``. Raises :class:`SpecError` where a chain ends in
    another shape than the block's."""
    laid = block_at(resolved.block, resolved.shortcut, resolved.site, size)
    if not laid.meets:
        for part, end in laid.ends.items():
            _check_end(resolved, part, end, laid)
    return laid


def tally_at(resolved: ResolvedBlock, size: Size) -> Tally:
    """The tally of a block on a map of ``size``. Raises as :func:`layout_of` does."""
    known = resolved.latest
    if known is None or known.size != size:
        known = known_at(resolved, size)
    if known.tally is None:
        known.tally = _tally_of(resolved, known, size)
    return known.tally


def known_at(resolved: ResolvedBlock, size: Size) -> Known:
    """What was found out about a block on a map of ``size``."""
    latest, known = resolved.latest, resolved.known
    if latest is not None and latest.size == size:
        return latest
    if known is None and latest is not None:
        known = resolved.known = {latest.size: latest}
    found = known.get(size) if known else None
    if found is None:
        found = Known(size, _course_of(resolved, size))
        if known is not None:
            known[size] = found
    resolved.latest = found
    return found


def _course_of(resolved: ResolvedBlock, size: Size) -> Course | None:
    """The course of a block on a map of ``size``."""
    block, shortcut, site = resolved.like
    if resolved.courses is None:
        return course_at(block, shortcut, site, size)
    # Chains are kept by those who make them: those of blocks that differ in their channels are
    # mostly the same objects, which are told much faster than equal ones.
    chains = _chains_of(block, shortcut, site)
    latest = resolved.courses.get(size)
    if latest is not None and all(map(is_, latest[0], chains)):
        return latest[1]
    course = _course(chains, shortcut, site.without_channels, size)
    resolved.courses[size] = chains, course
    return course


def _tally_of(resolved: ResolvedBlock, known: Known, size: Size) -> Tally:
    if known.course is not None:
        sums, meets = known.course.count(resolved.site)
        if meets:
            known.counted = sums.counted
            return known.course.tally(resolved.site, sums)
    laid = layout_of(resolved, size)
    modules = [module for chain in laid.modules[:4] for module in chain]
    return tally_of(laid.layers, modules, laid.end)


def course_at(block: BlockSpec, shortcut: ShortcutSpec, site: Site, size: Size) -> Course | None:
    """The course of a block on a map of ``size``; None where only its layout says what it adds."""
    return _course(_chains_of(block, shortcut, site), shortcut, site.without_channels, size)


@lru_cache(1024)
def _course(
    chains: tuple[Steps, ...], shortcut: ShortcutSpec, site: Site, size: Size
) -> Course | None:
    if not are_summed(chains, site.choices) or type(shortcut.joined()).trace is not JoinSpec.trace:
        return None

    def move(at: Trace, chain: int, missing_width: int | None, fresh: bool) -> Part:
        return Part(at, chains[chain], site)

    parts, ends, end = _walk(Trace(1, size), move, chains, shortcut, site)
    return Course(parts, shortcut, end, all(found[1:3] == end[1:3] for found in ends.values()))


def place_block(trace: Trace, resolved: ResolvedBlock, laid: BlockLayout) -> None:
    """Write down a block whose layout is known."""
    trace.place(laid.layers, f"{resolved.name}.", laid.end)


class BlockLayout(NamedTuple):
    """A block written down by itself, as if it were the whole network."""

    layers: tuple[Layer, ...]
    cuts: tuple[int, int, int]
    modules: BlockModules
    ends: dict[str, End]
    """Where the branch, the shortcut's path and what follows the sum end."""
    end: End
    """Where the block ends."""
    meets: bool
    """Whether all of them end in the block's shape."""


@lru_cache(1024)
def block_at(block: BlockSpec, shortcut: ShortcutSpec, site: Site, size: Size) -> BlockLayout:
    """The layout of a block on a map of ``size``.

    Networks repeat their blocks, and generators their networks: each is written down once.
    """
    chains, trace = _chains_of(block, shortcut, site), Trace(site.in_channels, size)
    layers, modules = trace.layers, trace.modules

    def write(at: Trace, chain: int, missing_width: int | None, fresh: bool) -> _Written:
        before, start = len(layers), len(modules)
        trace_chain(at, chains[chain], site, missing_width, fresh)
        return before, tuple(modules[start:]), at.fresh

    written, ends, end = _walk(trace, write, chains, shortcut, site)
    entry, branch, path, exit_ = [found[1] for found in written]
    parts = BlockModules(entry, branch, path, exit_, shortcut.joined(), written[1][2])
    cuts = written[1][0], written[2][0], written[3][0]
    return BlockLayout(tuple(layers), cuts, parts, ends, end, _meet(ends, end))


_Written = tuple[int, tuple[Module, ...], bool]
"""The layers before a chain, its modules, and whether its output may be written over."""


def _walk(
    trace: Trace,
    write: Callable[[Trace, int, int | None, bool], T],
    chains: tuple[Steps, ...],
    shortcut: ShortcutSpec,
    site: Site,
) -> tuple[tuple[T, T, T, T], dict[str, End], End]:
    """Go through a block on a map: what ``write`` makes of each chain by its number, where branch,
    shortcut and what follows the sum end, and where the block should."""
    size, trace.dilation = trace.size, site.dilations.first
    entry = write(trace, 0, None, False)
    side = trace.fork("shortcut")
    gate = side.fork("shortcut")
    branch = write(trace, 1, site.width, False)
    ends = {"branch": trace.end}
    path = write(side, 2, site.out_channels, False)
    if not shortcut.absent:
        ends["shortcut"] = side.end
        shortcut.joined().trace(gate, "downsample", site)
        trace.join(side)
    exit_ = write(trace, 3, None, True)
    if chains[3]:
        ends["exit"] = trace.end
    shape = site.out_channels, strided(size, site.stride), site.stride
    return (entry, branch, path, exit_), ends, _new(End, (*shape, trace.first, trace.last))


def _meet(ends: Mapping[str, End], end: End) -> bool:
    """Whether all of them are of the block's shape."""
    return all(found[:3] == end[:3] for found in ends.values())


def _chains_of(block: BlockSpec, shortcut: ShortcutSpec, site: Site) -> tuple[Steps, ...]:
    """Entry, branch, path and exit."""
    entry, branch, exit_ = block.chains(site, not shortcut.absent and block.shares_entry(site))
    if site.inner:
        entry, branch, exit_ = _with_inner(Chains(entry, branch, exit_), site.inner)
    path = () if shortcut.absent else _bypass(shortcut.steps(site))
    return entry, branch, path, exit_


@lru_cache(1024)
def _bypass(steps: Steps) -> Steps:
    """The path of a shortcut, by the names of its modules within the block."""
    return tuple([(f"downsample.{name}" if name else "downsample", op) for name, op in steps])


def _with_inner(chains: Chains, inner: Widths) -> Chains:
    """``chains`` with the widths that the stage gives for those within them."""
    widths = repeat(inner[0]) if len(inner) == 1 else iter(inner)
    return Chains(*(with_inner(steps, widths) for steps in chains))


def _check_end(resolved: ResolvedBlock, part: str, end: End, laid: BlockLayout) -> None:
    """Refuse a chain that ends in another shape than the block's: torch might broadcast it."""
    site, size = resolved.site, laid.end.size
    if end[:3] == laid.end[:3]:
        return
    name = f"the {part} of {resolved.name}"
    if end.stride != site.stride:
        strides = axes_text(end.stride), axes_text(site.stride)
        message = f"{name} strides by {strides[0]}, its block by {strides[1]}"
        help_ = "write stride: block at one operation of it, and no stride at the others"
    elif end.channels != site.out_channels:
        message = f"{name} ends in {end.channels} channels, its block in {site.out_channels}"
        help_ = f"make it end in {site.out_channels} channels"
    else:
        message = f"{name} ends in a map of {size_text(end.size)} where its block has one of "
        message += size_text(size)
        help_ = "pad its windows by half, or leave padding out"
    if part == "exit":
        help_ = "keep the shape after the sum; `before` of the next stage may change it"
    path = resolved.shortcut_path if part == "shortcut" else resolved.block_path
    code = "shortcut" if part == "shortcut" else "block"
    raise SpecError(Fault(code, message, path_text(path), help_))


def with_drop_path(modules: BlockModules, resolved: ResolvedBlock) -> BlockModules:
    """``modules`` with the operation that leaves the branch out at random at its end."""
    channels = resolved.site.out_channels
    how = {"mode": resolved.drop_mode, "scaled": resolved.drop_scaled}
    op = DropPathSpec.model_validate({"rate": resolved.drop_rate, **how})
    dims = resolved.site.dims
    module = Module("drop_path", op, channels, channels, (), modules.fresh, dims)
    return modules._replace(branch=(*modules.branch, module))
