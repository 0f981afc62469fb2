"""From what a network shows of itself to the trees of the specs that it may have.

No kind is known here by name. Every kind of every registry proposes fields for what shows; the
plan's own code writes each proposal down, and those whose layers are the ones that show are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple, TypeVar

import torch
from pydantic import ValidationError
from torch import nn

from ..builder.make import make_block
from ..specs.base import MAX_STAGES
from ..specs.block import BLOCKS, BlockSpec
from ..specs.canonical import block_text
from ..specs.head import HEADS, HeadSpec
from ..specs.layout import BlockPlan, block_at
from ..specs.norm import BatchNormSpec, GroupNormSpec, NoNormSpec, NormSpec
from ..specs.operation import Operation, Steps, trace_chain
from ..specs.operations.act import CLASSES
from ..specs.registry import Kinds
from ..specs.resolve import ResolvedBlock, site_of
from ..specs.seen import Seen
from ..specs.shortcut import SHORTCUTS, ShortcutSpec
from ..specs.site import Dilations, Site
from ..specs.stem import STEMS, StemSpec
from ..specs.trace import Layer, Trace
from .errors import WeightsError
from .observed import Observed, printed, unknowable

Tree = dict[str, Any]
T = TypeVar("T", bound=Operation)
End = TypeVar("End", StemSpec, HeadSpec)
_SHORTCUT = "downsample"
MAX_DIFFERENT = 512
"""Blocks of a network that differ; of a hostile file each could be another one."""
MAX_LAST = 8
"""Convolutions at the end of a block, one of which says how many channels it puts out."""


class _Fit(NamedTuple):
    """A block that has the layers which show, and the shortcuts that it may have."""

    block: BlockSpec
    site: Site
    shortcuts: tuple[ShortcutSpec, ...]

    @property
    def hidden(self) -> tuple[Any, ...]:
        """Values of the fields that need not show."""
        return tuple(getattr(self.block, name) for name in self.block.hidden)

    @property
    def side(self) -> str:
        """Which shortcut of a pair it has."""
        return "match" if self.site.keeps_shape else "change"


class _Ends(NamedTuple):
    """A stem and a head, and the layers outside of the blocks that are of neither."""

    stem: StemSpec
    head: HeadSpec | None
    rest: frozenset[str]


class _Answers(NamedTuple):
    """What need not show, for the whole network."""

    activation: str
    ends: _Ends
    hidden: tuple[Any, ...]
    change: ShortcutSpec | None
    match: ShortcutSpec | None


def described(layers: Observed) -> Iterator[Tree]:
    """The trees of the specs that have the layers which show, likeliest first.

    Raises :class:`WeightsError` where there is none.
    """
    seen, norm = layers.seen, _norm(layers)
    if not layers.depth(1):
        raise _stranger(layers, "", seen.tensors, "it has no stage of blocks")
    site = Site.of_end(_in_channels(seen), norm, "relu")
    stems = dict(_fitting(STEMS, seen, site))
    if not stems:
        raise unknowable(f"its stem {_sides(seen, 'stem')}")
    channels, stages = _first_that_fits(layers, [stem.channels(site) for stem in stems], norm)
    last = Site.of_end(stages[-1][-1][0].site.out_channels, norm, "relu")
    stems = {stem: used for stem, used in stems.items() if stem.channels(site) == channels}
    heads: dict[HeadSpec | None, frozenset[str]] = {
        **dict(_fitting(HEADS, seen, last)),
        None: frozenset(),
    }
    ends = [
        _Ends(stem, head, frozenset(seen.tensors) - used - taken)
        for stem, used in stems.items()
        for head, taken in heads.items()
    ]
    left: frozenset[str] | None = None
    for answers in _every_answer(layers, ends, stages):
        rest = answers.ends.rest
        chosen = [[_choose(fits, answers) for fits in stage] for stage in stages]
        if _explained(_laid(chosen[-1][-1].block.closing(), last), seen) == rest:
            yield {
                "resforge": 1,
                "in_channels": site.in_channels,
                "stem": _dump(answers.ends.stem),
                **_stages_tree(chosen),
                "norm": norm.model_dump(),
                "activation": answers.activation,
                "head": answers.ends.head and _dump(answers.ends.head),
            }
            left = frozenset()
        elif left is None or len(rest) < len(left):
            left = rest
    if left:
        raise _stranger(layers, "", left, "")


def _in_channels(seen: Seen) -> int:
    if not seen.convs:
        raise unknowable("it has no convolution")
    return seen.convs[0].in_channels


def _sides(seen: Seen, noun: str) -> str:
    sides = [conv.kernel for conv in seen.convs]
    return f"has convolutions of sides {sides}; no {noun} of the language has these layers"


def _stranger(layers: Observed, part: str, left: Iterable[str], otherwise: str) -> WeightsError:
    """The error of a layer that no kind explains, or else of what is wrong."""
    for name in sorted(left):
        ours = f"{part}.{name}" if part and name else part or name
        theirs = layers.names.get(ours, ours)
        return unknowable(f"it holds {theirs}, a layer that infer_spec does not know")
    return unknowable(otherwise)


def _norm(layers: Observed) -> NormSpec:
    """The network's norm: whatever keeps statistics, or else one number for each channel."""
    shown = [tensors for seen in layers.parts.values() for tensors in seen.tensors.values()]
    modules = [m for m in layers.modules.values() if isinstance(m, nn.BatchNorm2d | nn.GroupNorm)]
    settings = {
        (type(m), m.eps, getattr(m, "momentum", None), getattr(m, "num_groups", None))
        for m in modules
    }
    if len(settings) > 1:
        raise unknowable("its norms differ in their kind, eps, momentum or groups")
    values: Tree = {}
    for _, eps, momentum, groups in settings:
        given = {"eps": eps, "momentum": momentum, "groups": groups}
        values = {name: value for name, value in given.items() if value is not None}
    try:
        if any("running_mean" in tensors for tensors in shown):
            return BatchNormSpec(**values)
        if any(len(tensors.get("weight", ())) == 1 for tensors in shown):
            return GroupNormSpec(**values)
    except ValidationError as error:
        raise unknowable("its norms have settings that the language does not allow") from error
    return NoNormSpec()


def _proposed(kinds: Kinds[T], seen: Seen) -> Iterator[T]:
    """Every kind with every set of fields that it proposes."""
    for model in kinds.values():
        for fields in model.proposals(seen):
            try:
                yield model(**fields)
            except ValidationError:  # a channel count, say, beyond the language's ceilings
                continue


def _fitting(kinds: Kinds[End], seen: Seen, site: Site) -> Iterator[tuple[End, frozenset[str]]]:
    """Stems or heads whose layers show, and the names of these layers."""
    for op in _proposed(kinds, seen):
        used = _explained(_laid(op.steps(site), site), seen)
        if used is not None:
            yield op, used


def _laid(steps: Steps, site: Site) -> Sequence[Layer]:
    trace = Trace(site.in_channels, (1, 1))
    trace_chain(trace, steps, site, None, fresh=False)
    return trace.layers


def _explained(
    planned: Iterable[Layer], seen: Seen, moved: dict[str, str] | None = None
) -> frozenset[str] | None:
    """Names of the layers that are planned; None where one does not show as it is planned."""
    names = set()
    for layer in planned:
        name = (moved or {}).get(layer.name, layer.name)
        for tensor, shape in layer.parameters.items():
            owner, _, leaf = tensor.rpartition(".")
            owner = name if owner == layer.name else owner
            there = seen.tensors.get(owner, {}).get(leaf)
            # A norm without its bias lacks a tensor; it is no other layer.
            lacks = there is None and owner in seen.tensors and layer.kind.endswith("_norm")
            if there != shape and not lacks:
                return None
            names.add(owner)
        if layer.kind == "conv" and not _is_conv(layer, name, seen):
            return None
    return frozenset(names & set(seen.tensors))


def _is_conv(layer: Layer, name: str, seen: Seen) -> bool:
    conv = seen.conv(name)
    if conv is None or conv.bias != layer.bias:
        return False
    spread = layer.dilation if layer.kernel > 1 else conv.dilation
    return conv.stride in (None, layer.stride) and conv.dilation in (None, spread)


def _first_that_fits(
    layers: Observed, widths: Iterable[int], norm: NormSpec
) -> tuple[int, list[list[list[_Fit]]]]:
    """The stages after a stem of the first of ``widths`` that they fit."""
    faults: list[WeightsError] = []
    for width in dict.fromkeys(widths):
        try:
            return width, _stages(layers, width, norm)
        except WeightsError as error:
            faults.append(error)
    raise faults[0]


def _stages(layers: Observed, channels: int, norm: NormSpec) -> list[list[list[_Fit]]]:
    """The fits of each block of each stage."""
    stages: list[list[list[_Fit]]] = []
    known: dict[Any, list[_Fit]] = {}
    while depth := layers.depth(len(stages) + 1):
        number, blocks = len(stages) + 1, []
        if number > MAX_STAGES:
            raise unknowable(f"it has more than {MAX_STAGES} stages")
        rest = _spread(layers.parts[f"layer{number}.{depth - 1}"])[-1]
        for index in range(depth):
            name = f"layer{number}.{index}"
            usual, first = (2 if number > 1 and index == 0 else 1), number == 1 and index == 0
            # The first block of bottlenecks may show the dilation of the stage before alone.
            dilations = Dilations(_spread(layers.parts[name])[0], rest)
            key = (layers.parts[name].key, channels, usual, first, rest)
            if len(known) >= MAX_DIFFERENT:
                raise unknowable(f"more than {MAX_DIFFERENT} of its blocks differ")
            if key not in known:
                known[key] = _fits(layers, name, channels, usual, first, dilations, norm)
            blocks.append(known[key])
            channels = blocks[-1][0].site.out_channels
        stages.append(blocks)
    return stages


def _spread(block: Seen) -> list[int]:
    """The dilations of the branch's convolutions, from the first to the last; 1 for none."""
    convs = block.without(_SHORTCUT).convs
    return [conv.dilation or 1 for conv in convs if conv.kernel > 1] or [1]


def _fits(
    layers: Observed,
    name: str,
    in_channels: int,
    usual: int,
    first: bool,
    dilations: Dilations,
    norm: NormSpec,
) -> list[_Fit]:
    """The blocks that have the layers of the block ``name``, likeliest first."""
    seen = layers.parts[name]
    branch, beside = seen.without(_SHORTCUT), seen.below(_SHORTCUT)
    strides = [conv.stride for conv in seen.convs if conv.stride is not None]
    last = reversed(branch.convs[-MAX_LAST:])
    outside = dict.fromkeys([conv.out_channels for conv in last] or [in_channels])
    fits: list[_Fit] = []
    left = None
    for block, out_channels in product(_proposed(BLOCKS, branch), outside):
        width = block.width_for(out_channels)
        if width is None or any(block.problems_at(width)):
            continue
        # A state dict's block that changes nothing and projects nothing keeps the size.
        changes = not beside.empty or in_channels != out_channels
        stride = max(strides) if strides else usual if changes else 1
        site = site_of(block, in_channels, width, stride, dilations, first, norm, "relu")
        planned = _planned(name, block, _ABSENT, site)
        used = None if planned is None else _explained(planned.layers, branch)
        if used is None:
            continue
        unused = [other for other in branch.tensors if other not in used]
        shortcuts = () if unused else _shortcuts(layers, name, block, site)
        if shortcuts and out_channels == (fits[0].site.out_channels if fits else out_channels):
            fits.append(_Fit(block, site, shortcuts))
        elif left is None or len(unused) < len(left):
            left = unused
    if not fits:
        shown = [f"{_SHORTCUT}.{other}".rstrip(".") for other in beside.tensors]
        none = f"{name} {_sides(branch, 'block')}"
        raise _stranger(layers, name, shown if left == [] else left or (), none)
    return _alike(layers, name, fits)


def _alike(layers: Observed, name: str, fits: list[_Fit]) -> list[_Fit]:
    """Of a block that is made of resforge's own modules the fits that print as it does."""
    if not layers.is_own:
        return fits
    shown = printed(layers.blocks[name])

    def prints_alike(fit: _Fit, shortcut: ShortcutSpec, activation: str) -> bool:
        site = fit.site._replace(activation=activation)
        planned = _planned(name, fit.block, shortcut, site)
        with torch.device("meta"):
            return planned is not None and printed(make_block(planned)) == shown

    alike = []
    for fit in fits:
        shortcuts = tuple(
            shortcut
            for shortcut in fit.shortcuts
            if any(prints_alike(fit, shortcut, each) for each in _activations(layers))
        )
        if shortcuts:
            alike.append(fit._replace(shortcuts=shortcuts))
    return alike or fits


def _planned(name: str, block: BlockSpec, shortcut: ShortcutSpec, site: Site) -> BlockPlan | None:
    """The plan of one block; None beyond the language's ceilings. Its layers have no prefix."""
    try:
        laid = block_at(block, shortcut, site, (1, 1))
    except ValidationError:
        return None
    resolved = ResolvedBlock(name, 0.0, (), (), block, shortcut, site, "batch")
    return BlockPlan(resolved, laid.layers, laid.cuts, 1, laid.modules)


_ABSENT = next(shortcut for shortcut in _proposed(SHORTCUTS, Seen({})) if shortcut.absent)


def _shortcuts(
    layers: Observed, name: str, block: BlockSpec, site: Site
) -> tuple[ShortcutSpec, ...]:
    """The shortcuts with which a block has the layers that show, of equal ones the first."""
    seen = layers.parts[name]
    found: dict[Any, ShortcutSpec] = {}
    for shortcut in _proposed(SHORTCUTS, seen.below(_SHORTCUT)):
        if shortcut.why_illegal(site.in_channels, site.out_channels, site.stride):
            continue
        planned = _planned(name, block, shortcut, site)
        if planned is None:
            continue
        moved = layers.form.moved([planned]) if layers.form.moved else {}
        start = f"{name}."
        own = {a.removeprefix(start): b.removeprefix(start) for a, b in moved.items()}
        if _explained(planned.layers, seen, own) == frozenset(seen.tensors):
            names = tuple(layer.name for layer in planned.layers)
            found.setdefault((names, block_text(block, shortcut, site)), shortcut)
    return tuple(found.values())


def _every_answer(
    layers: Observed, ends: Sequence[_Ends], stages: list[list[list[_Fit]]]
) -> Iterator[_Answers]:
    """Every set of answers, those first that are likeliest in sum."""
    blocks = [fits for stage in stages for fits in stage]
    hidden = dict.fromkeys(fit.hidden for fits in blocks for fit in fits)
    change, match = (_alternatives(blocks, side) for side in ("change", "match"))
    answers = product(*map(enumerate, (_activations(layers), ends, hidden, change, match)))
    for ranked in sorted(answers, key=lambda each: sum(rank for rank, _ in each)):
        yield _Answers(*(answer for _, answer in ranked))  # type: ignore[arg-type]


def _activations(layers: Observed) -> list[str]:
    if not layers.is_module:
        return ["relu"]
    known = {getattr(nn, cls[3:]): name for name, cls in CLASSES.items()}
    seen = [known[kind] for kind, _ in Counter(layers.types).most_common() if kind in known]
    return seen or ["relu", "silu", "gelu", "leaky_relu", "elu", "tanh"]


def _alternatives(blocks: list[list[_Fit]], side: str) -> list[ShortcutSpec | None]:
    """The shortcuts of one side of a pair: first those that most blocks may have."""
    counts: Counter[ShortcutSpec] = Counter()
    for fits in blocks:
        counts.update({s: None for fit in fits if fit.side == side for s in fit.shortcuts}.keys())
    return [shortcut for shortcut, _ in counts.most_common()] or [None]


class _Choice(NamedTuple):
    """One fit of a block, and one of its shortcuts."""

    block: BlockSpec
    site: Site
    side: str
    shortcut: ShortcutSpec


def _choose(fits: list[_Fit], answers: _Answers) -> _Choice:
    """The fit that the answers ask for, or else the nearest to it."""

    def strangeness(fit: _Fit) -> tuple[bool, bool]:
        return fit.hidden != answers.hidden, getattr(answers, fit.side) not in fit.shortcuts

    fit = min(fits, key=strangeness)
    wanted = getattr(answers, fit.side)
    shortcut = wanted if wanted in fit.shortcuts else fit.shortcuts[0]
    return _Choice(fit.block, fit.site, fit.side, shortcut)


def _dump(spec: Operation) -> Tree:
    return spec.model_dump(mode="json")


def _stages_tree(stages: list[list[_Choice]]) -> Tree:
    """Stages, and the block and shortcut of the network: those that most of it has."""
    pairs = [_pair(stage) for stage in stages]
    every = [choice for stage in stages for choice in stage]
    block = Counter(choice.block for choice in every).most_common(1)[0][0]
    pair = _pair(every)
    if pair is None:
        known = [own for own in pairs if own is not None] or [{}]
        pair = max(known, key=known.count)
    tree: Tree = {"stages": [], "block": _dump(block), "shortcut": _dump_pair(pair)}
    before = 1
    for choices, own in zip(stages, pairs, strict=True):
        site, last = choices[0].site, choices[-1].site
        entry: Tree = {"width": site.width, "stride": site.stride}
        first, rest = site.dilations.first, last.dilations.rest
        if rest != 1:
            entry["dilation"] = rest
        if first != before:
            entry["first_dilation"] = first
        before = rest
        strides = any(choice.site.stride > 1 for choice in choices[1:])
        if strides or any(choice.site.width != site.width for choice in choices):
            raise unknowable("the blocks of a stage differ in width, or stride within it")
        if own is None or any(choice.block != choices[0].block for choice in choices):
            entry["blocks"] = [
                {"block": _dump(c.block), "shortcut": {c.side: _dump(c.shortcut)}} for c in choices
            ]
        else:
            entry["depth"] = len(choices)
            if choices[0].block != block:
                entry["block"] = _dump(choices[0].block)
            if any(own[side] != pair.get(side) for side in own):
                entry["shortcut"] = _dump_pair({**pair, **own})
        tree["stages"].append(entry)
    return tree


def _pair(choices: Iterable[_Choice]) -> dict[str, ShortcutSpec] | None:
    """The shortcuts of both sides; None where blocks of one side differ."""
    pair: dict[str, ShortcutSpec] = {}
    for choice in choices:
        if pair.setdefault(choice.side, choice.shortcut) != choice.shortcut:
            return None
    return pair


def _dump_pair(pair: dict[str, ShortcutSpec]) -> Tree:
    return {side: _dump(shortcut) for side, shortcut in pair.items()}
