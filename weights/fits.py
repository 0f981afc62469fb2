"""The blocks and shortcuts that have the layers of each block of a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial, reduce
from itertools import product
from typing import Any, NamedTuple

from ..specs.axes import Axes, largest, merged, on_axes
from ..specs.base import MAX_STAGES
from ..specs.block import BLOCKS, BlockSpec
from ..specs.canonical import block_text
from ..specs.resolve import site_of
from ..specs.seen import Seen
from ..specs.shortcut import SHORTCUTS, ShortcutSpec
from ..specs.site import Dilations, Site
from .alike import alike
from .chains import SHORTCUT, Chain, block_at_names, chain_at, shortcuts_at_names
from .errors import WeightsError
from .fit import Fit, planned_block
from .laid import explained, proposed, sides, stranger
from .observed import Observed, unknowable
from .published import published_blocks
from .slots import with_operations

MAX_DIFFERENT = 512
"""Blocks of a network that differ; of a hostile file each could be another one."""


MAX_LAST = 8
"""Convolutions at the end of a block, one of which says how many channels it puts out."""


class StageFits(NamedTuple):
    """The fits of each block of a stage, and what stands before the first."""

    blocks: list[list[Fit]]
    before: Chain | None


def before_prefix(stage: int) -> str:
    """How the names of what stands before a stage begin."""
    return f"before{stage}."


def first_that_fits(
    layers: Observed, widths: Iterable[int], stem: Site
) -> tuple[int, list[StageFits]]:
    """The stages after a stem of the first of ``widths`` that they fit."""
    faults: list[WeightsError] = []
    for width in dict.fromkeys(widths):
        try:
            return width, _stages(layers, width, stem)
        except WeightsError as error:
            faults.append(error)
    raise faults[0]


def _stages(layers: Observed, channels: int, stem: Site) -> list[StageFits]:
    """The fits of each block of each stage."""
    stages: list[StageFits] = []
    known: dict[Any, list[Fit]] = {}
    while depth := layers.depth(len(stages) + 1):
        number, blocks = len(stages) + 1, list[list[Fit]]()
        if number > MAX_STAGES:
            raise unknowable(f"it has more than {MAX_STAGES} stages")
        before = chain_at(
            layers.seen, before_prefix(number), stem._replace(in_channels=channels, width=channels)
        )
        channels = channels if before is None else before.channels
        usual_spread = _spread(layers.parts[f"layer{number}.{depth - 1}"])[-1]
        for index in range(depth):
            name = f"layer{number}.{index}"
            usual, first = (2 if number > 1 and index == 0 else 1), number == 1 and index == 0
            spread = _spread(layers.parts[name])
            # The first block of bottlenecks may show the dilation of the stage before alone.
            rest = spread[-1] if index or len(spread) > 1 else usual_spread
            dilations = Dilations(spread[0], rest)
            key = (layers.parts[name].key, channels, usual, first, rest)
            if len(known) >= MAX_DIFFERENT:
                raise unknowable(f"more than {MAX_DIFFERENT} of its blocks differ")
            if key not in known:
                known[key] = _fits(layers, name, channels, usual, first, dilations, stem)
            blocks.append(known[key])
            channels = blocks[-1][0].site.out_channels
        stages.append(StageFits(blocks, before))
    return stages


def _spread(block: Seen) -> list[int]:
    """The dilations of the branch's convolutions, from the first to the last; 1 for none."""
    convs = [conv for conv in block.without(SHORTCUT).convs if conv.kernel != 1]
    spread = [conv.dilation or 1 for conv in convs]
    if not all(isinstance(dilation, int) for dilation in spread):
        raise unknowable("its convolutions dilate by axis")
    return [largest(dilation) for dilation in spread] or [1]


def _strides(block: Seen) -> list[Axes]:
    """The strides of all modules of a block: a pool may stride in place of a convolution."""
    given = [settings.get("stride") for settings in block.settings.values()]
    sides = [merged(each) if isinstance(each, tuple) else each for each in given]
    return [each for each in sides if isinstance(each, int | tuple)]


def _fits(
    layers: Observed,
    name: str,
    in_channels: int,
    usual: int,
    first: bool,
    dilations: Dilations,
    stem: Site,
) -> list[Fit]:
    """The blocks that have the layers of the block ``name``, likeliest first."""
    seen = layers.parts[name]
    branch, beside = seen.without(SHORTCUT), seen.below(SHORTCUT)
    strides = _strides(seen)
    last = reversed(branch.convs[-MAX_LAST:])
    outside = dict.fromkeys([conv.out_channels for conv in last] or [in_channels])
    fits: list[Fit] = []
    left = None
    # A state dict's block that changes nothing and projects nothing keeps the size.
    changes = not beside.empty or list(outside) != [in_channels]
    stride = reduce(partial(on_axes, max), strides) if strides else usual if changes else 1
    place = stem._replace(in_channels=in_channels, stride=stride, dilations=dilations)
    for block, out_channels in _tries(branch, outside, fits, place):
        width = block.width_for(out_channels)
        if width is None or any(block.problems_at(width)):
            continue
        changes = not beside.empty or in_channels != out_channels
        stride = reduce(partial(on_axes, max), strides) if strides else usual if changes else 1
        shared = stem.norm, stem.activation, stem.convolution, stem.dims
        activated = first and "bn0" not in branch.tensors
        site = site_of(block, in_channels, width, stride, dilations, activated, *shared)
        planned = planned_block(name, block, _ABSENT, site)
        used = None if planned is None else explained(planned.layers, branch)
        if used is None:
            continue
        unused = [other for other in branch.tensors if other not in used]
        shortcuts = () if unused else _shortcuts(layers, name, block, site)
        if shortcuts and out_channels == (fits[0].site.out_channels if fits else out_channels):
            fits.append(Fit(block, site, shortcuts))
        elif left is None or len(unused) < len(left):
            left = unused
    if not fits:
        shown = [f"{SHORTCUT}.{other}".rstrip(".") for other in beside.tensors]
        none = f"{name} {sides(branch.convs, 'block')}"
        raise stranger(layers, name, shown if left == [] else left or (), none)
    return alike(layers, name, fits)


def _tries(
    branch: Seen, outside: Iterable[int], fits: Sequence[Fit], place: Site
) -> Iterator[tuple[BlockSpec, int]]:
    """Blocks and output channels: those that kinds propose, or else, while nothing of them is among
    ``fits``, the catalogue's, and then what the names say."""
    sites = [place._replace(width=each, out_channels=each) for each in outside]
    for site in sites:
        if (seen := with_operations(branch, site)) is not None:
            yield from ((block, site.out_channels) for block in proposed(BLOCKS, seen))
    if not fits:
        yield from product(published_blocks(place.dims), outside)
    if not fits:
        for site in sites:
            yield from ((block, site.out_channels) for block in block_at_names(branch, site))


_ABSENT = next(shortcut for shortcut in proposed(SHORTCUTS, Seen({})) if shortcut.absent)


def _shortcuts(
    layers: Observed, name: str, block: BlockSpec, site: Site
) -> tuple[ShortcutSpec, ...]:
    """The shortcuts with which a block has the layers that show, of equal ones the first."""
    seen = layers.parts[name]
    found: dict[Any, ShortcutSpec] = {}
    words = *proposed(SHORTCUTS, seen.below(SHORTCUT)), *shortcuts_at_names(seen, site)
    for shortcut in words:
        if shortcut.why_illegal(site.in_channels, site.out_channels, site.stride):
            continue
        planned = planned_block(name, block, shortcut, site)
        if planned is None:
            continue
        own = layers.moved(planned)
        if explained(planned.layers, seen, own) == frozenset(seen.tensors):
            names = tuple(layer.name for layer in planned.layers)
            found.setdefault((names, block_text(block, shortcut, site)), shortcut)
    return tuple(found.values())
