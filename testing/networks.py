"""A whole network, drawn as the tree that a file would hold.

Blocks and shortcuts are drawn once for all stages, and each place says which one it has. Stages
come last. So an example shrinks to a network that has what it needs and nothing besides: what
comes before that in a list can be deleted, with nothing after it that would be read in its place.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from .fields import Tree, activations, chains, norms, operations
from .kinds import NORMS, Wanted
from .parts import blocks, convolutions, heads, shortcuts, stems, stochastic_depths

# A strategy that is made within a draw takes longer than what it draws: each is made once.
_whole = cache(st.integers)
_SOMETIMES = st.booleans()
_RARELY = st.sampled_from([False, False, False, True])
_NAMES = st.text("abc-_ é", max_size=6)
_SCHEMES = st.sampled_from(["kaiming_normal", "torch"])
_OWN = st.sampled_from([0, 0, 0, 1, 1, 2])
"""Which of the parts a place has: 0 that of the place around it."""
_COUNTS = st.sampled_from([1, 1, 1, 2, 2, 3])
_DILATIONS = st.sampled_from([None, None, None, 2, 3])
_FIRST_DILATIONS = st.sampled_from([None, None, None, None, 1, 2])
_WIDENS = st.sampled_from([None, None, None, None, None, None, "linear", "shared"])
"""How a stage widens: by its first block, block by block, or so together with the next stage."""
_INNER = st.sampled_from([None, None, None, "x2", "x4", "each"])
"""Widths within the branches of a stage, which groups of two divide: one for all blocks, or one
for each."""
_WIDER = st.sampled_from([0, 0, 0, 0, 1, 2, 3])
"""Steps by which a block is wider than its stage, and one; 0 where it has the stage's width."""
_PLACES = st.sampled_from(["closing", "before"])


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a network may be, and what it has; see :func:`strategies.trees`."""

    max_stages: int
    max_depth: int
    max_width: int
    max_stride: int
    heads: bool | None
    dims: tuple[int, ...]
    wanted: Wanted


@st.composite
def networks(draw: DrawFn, limits: Limits) -> Tree:
    """A tree whose choices need not be legal all together."""
    wanted = limits.wanted
    axes = draw(_axes(limits.dims))
    norm = draw(norms(kinds=wanted.kept("norm", dict.fromkeys(NORMS))))
    # Group norm must divide every width it meets.
    step = int(norm.get("groups") or norm.get("size") or 1)
    drops = None if wanted.without_shortcut else draw(stochastic_depths())
    tree: Tree = {
        "resforge": 1,
        "name": draw(_NAMES),
        "dims": axes,
        "in_channels": draw(_whole(1, 4)),
        "stem": draw(stems(step=step, max_width=limits.max_width, axes=axes, wanted=wanted)),
        "norm": norm,
        "activation": draw(activations(kinds=wanted.activation)),
        "convolution": draw(convolutions()) if axes == 2 else "plain",
        "stochastic_depth": drops,
        "head": _head(draw, limits, axes),
        "init": {"scheme": draw(_SCHEMES), "zero_residual": draw(_SOMETIMES)},
    }
    if draw(_RARELY):
        tree["closing"] = draw(_closings(axes))
    asked = _asked(draw, wanted, axes)
    own = {
        "block": _several(draw, blocks(plain=step > 1, axes=axes, wanted=wanted)),
        # Where branches are dropped every block needs a shortcut.
        "shortcut": _several(draw, shortcuts(plain=not drops, axes=axes, wanted=wanted)),
    }
    stage = _stage(limits, step, axes)
    stages = tree["stages"] = [draw(stage) for _ in range(draw(_whole(1, limits.max_stages)))]
    for key, operation in asked.items():
        place = stages[0] if key == "before" else tree
        place[key] = [*place.get(key, ()), operation]
    _make_room(stages, limits)
    for key, parts in own.items():
        tree |= _put(stages, key, parts)
    _settle(stages, tree.get("block", {}))
    return tree


def _several(draw: DrawFn, one: SearchStrategy[Tree]) -> list[Tree]:
    # Hypothesis shrinks a number with the parts that it counts better than a list.
    return [draw(one) for _ in range(draw(_COUNTS))]


def _asked(draw: DrawFn, wanted: Wanted, axes: int) -> Tree:
    """An operation that is asked for, by the name of the chain that it is to stand in."""
    if not wanted.operation:
        return {}
    return {draw(_PLACES): draw(operations(axes=axes, kinds=wanted.operation))}


@cache
@st.composite
def _stage(draw: DrawFn, limits: Limits, step: int, axes: int) -> Tree:
    """A stage whose widths are multiples of ``step``; ``block`` and ``shortcut`` are numbers."""
    width = draw(_whole(1, limits.max_width)) * step
    stage: Tree = {"width": width, "stride": draw(_strides(limits.max_stride, axes))}
    stage |= {"block": draw(_OWN), "shortcut": draw(_OWN)}
    own: Tree = {"dilation": draw(_DILATIONS), "first_dilation": draw(_FIRST_DILATIONS)}
    own |= {"widen": draw(_WIDENS), "inner": draw(_INNER)}
    if step > 1:  # It is drawn then too, so that the next choices stay what they are.
        del own["widen"]
    stage |= {name: value for name, value in own.items() if value is not None}
    if draw(_RARELY):
        stage["before"] = draw(_befores(axes))
    depth = draw(_whole(1, limits.max_depth))
    if draw(_RARELY):
        stage["blocks"] = [draw(_entry(width, step)) for _ in range(depth)]
    else:
        stage["depth"] = depth
    return stage


@cache
@st.composite
def _entry(draw: DrawFn, width: int, step: int) -> Tree:
    """A block of a stage of that width, a multiple of ``step``."""
    entry: Tree = {"block": draw(_OWN), "shortcut": draw(_OWN)}
    if wider := draw(_WIDER):
        entry["width"] = width + (wider - 1) * step
    if dilation := draw(_DILATIONS):
        entry["dilation"] = dilation
    return entry


def _put(stages: list[Tree], key: str, parts: list[Tree]) -> Tree:
    """Put parts where their numbers stand; gives the one of the network where a block has it."""
    for stage in stages:
        for place in (stage, *stage.get("blocks", ())):
            # The number may be too large, so that what stands before the part can be deleted.
            if number := min(place.pop(key), len(parts) - 1):
                place[key] = parts[number]
    used = any(
        key not in place
        for stage in stages
        for place in stage.get("blocks", (stage,))
        if key not in stage
    )
    return {key: parts[0]} if used else {}


def _make_room(stages: list[Tree], limits: Limits) -> None:
    """A block that keeps the shape, or one that changes it, for the shortcuts asked for."""
    last, wanted = stages[-1], limits.wanted
    if wanted.change and limits.max_stride > 1 and all(s["stride"] == 1 for s in stages):
        last["stride"] = 2
    if wanted.match and limits.max_depth > 1 and all(_depth(stage) == 1 for stage in stages):
        if "blocks" in last:
            last["blocks"].append(dict(last["blocks"][0]))
        else:
            last["depth"] = 2


def _depth(stage: Tree) -> int:
    return len(stage["blocks"]) if "blocks" in stage else int(stage["depth"])


def _settle(stages: list[Tree], usual: Tree) -> None:
    """What is a choice only for some blocks, of which `usual` is that of the network, or for some
    stages in a row."""
    for stage in stages:
        inner = stage.pop("inner", None)
        if inner and _takes_inner(stage.get("block", usual), stage.get("blocks", [])):
            each = [("x2", "x4")[index % 2] for index in range(_depth(stage))]
            if inner == "each" and "blocks" in stage:
                for entry, own in zip(stage["blocks"], each, strict=True):
                    entry["inner"] = own
            else:
                stage["inner"] = each if inner == "each" else inner
    for stage, after in itertools.zip_longest(stages, stages[1:], fillvalue=Tree()):
        if stage.get("widen") == "shared":
            stage["widen"] = "linear"
            if "widen" in after:
                del stage["width"]


def _head(draw: DrawFn, limits: Limits, axes: int) -> Tree | None:
    with_head = True if limits.wanted.head else limits.heads
    if with_head is None:
        with_head = draw(_SOMETIMES)
    return draw(heads(axes=axes, wanted=limits.wanted)) if with_head else None


def _takes_inner(block: Tree, entries: Sequence[Tree]) -> bool:
    """Whether all blocks of a stage are one whose inner widths may be twice as large."""
    own = {"conv1", "conv2", "conv3"} & {name for name, op in block.items() if op is not None}
    words = block.get("kind") in ("basic", "bottleneck") and not own
    branch = block.get("branch", ())
    written = any(isinstance(op, dict) and op.get("width") == "inner" for op in branch)
    return (words or written) and not any("block" in entry for entry in entries)


@cache
def _befores(axes: int) -> SearchStrategy[list[Any]]:
    """A chain before the first block of a stage."""
    usual: list[list[Any]] = [
        ["norm", "act"],
        [{"conv": 1}, "norm", "act"],
        [{"conv": 3}, {"pool": "max", "stride": 1}],
    ]
    return chains(usual, axes=axes)


@cache
def _closings(axes: int) -> SearchStrategy[list[Any]]:
    """A chain between the last stage and the head."""
    return chains([[], ["norm", "act"]], axes=axes)


@cache
def _axes(dims: tuple[int, ...]) -> SearchStrategy[int]:
    return st.sampled_from(sorted(dims, key=lambda number: number != 2))


@cache
def _strides(most: int, axes: int) -> SearchStrategy[Any]:
    """A stride for all axes, or at times one for each."""
    alike = list(range(1, most + 1))
    by_axis = [list(strides) for strides in itertools.product(alike[:4], repeat=axes)]
    often = -(-2 * len(by_axis) // most)
    return st.sampled_from(alike * often + (by_axis if axes > 1 else []))
