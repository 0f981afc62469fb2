"""Hypothesis strategies for specs, for your own property tests and ours.

>>> from hypothesis import given, settings
>>> from resforge.testing import strategies
>>> @settings(max_examples=5, database=None)
... @given(strategies.specs())
... def depth_counts_every_block(spec):
...     assert spec.to_yaml().startswith("resforge: 1")
>>> depth_counts_every_block()

Kinds and their fields are read from the registries, so that a kind which is registered is drawn
too. Everything drawn is legal and small by default, so that a drawn network can be built and
run; shrinking leads to one stage of one block.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ..specs import BLOCKS, HEADS, SHORTCUTS, STEMS, ResNetSpec, ShortcutSpec
from ..specs.shortcuts import WrapperSpec
from ..specs.stochastic_depth import StochasticDepthSpec
from .fields import (
    Tree,
    activations,
    attentions,
    chains,
    choices_of,
    norms,
    operations,
    words,
)
from .legal import made_legal

__all__ = [
    "activations",
    "attentions",
    "blocks",
    "chains",
    "convolutions",
    "norms",
    "operations",
    "shortcuts",
    "specs",
    "stems",
    "stochastic_depths",
    "trees",
    "words",
]


# A strategy that is made within a draw takes longer than what it draws: each is made once.
_whole = cache(st.integers)
_SOMETIMES = st.booleans()
_RARELY = st.integers(0, 3).map(lambda number: number == 3)
_FIRST_DILATIONS = st.sampled_from([None, 1, 2])
_NAMES = st.text("abc-_ é", max_size=6)
_SCHEMES = st.sampled_from(["kaiming_normal", "torch"])


@cache
def convolutions() -> SearchStrategy[Any]:
    """What the convolutions of a network convolve with: mostly the weight as it is."""
    every = ("standardized", {"kind": "standardized", "estimate": "sample"}, "scaled_standardized")
    same = [{"kind": kind, "padding": "same"} for kind in ("plain", "scaled_standardized")]
    return st.sampled_from(["plain"] * 5 + [*every, *same])


@cache
@st.composite
def stems(draw: DrawFn, *, step: int = 1, max_width: int = 8, axes: int = 2) -> Tree:
    """A stem whose widths are multiples of ``step``, up to ``max_width`` of them."""
    width = _widths(max_width, step)
    tree = draw(words(STEMS, first="conv3x3", axes=axes))
    model = STEMS[tree["kind"]]
    for name in model.width_fields:
        usual = model.model_fields[name].default
        several = isinstance(usual, tuple)
        tree[name] = [draw(width) for _ in usual] if several else draw(width)
    return tree


@cache
def _widths(most: int, step: int) -> SearchStrategy[int]:
    return st.integers(1, most).map(lambda number: number * step)


@cache
@st.composite
def blocks(draw: DrawFn, *, plain: bool = False, axes: int = 2) -> Tree:
    """A block; with ``plain`` one whose widths are multiples of the stage's.

    Its fields need not be legal all together: see :func:`specs`.
    """
    tree = draw(words(BLOCKS, first="basic", axes=axes))
    # What the shortcut takes is a choice only where the block activates its input.
    if tree.get("order") not in ("full_pre", "relu_only_pre"):
        tree.pop("shortcut_input", None)
        tree.pop("activate_twice", None)
    if "attention" not in tree:
        tree.pop("attention_at", None)
    if plain and tree.get("width_per_group", 64) % 64:
        del tree["width_per_group"]
    return tree


@cache
def shortcuts(*, widens: bool, plain: bool = True, axes: int = 2) -> SearchStrategy[Tree]:
    """A pair of shortcuts, legal where blocks that change the shape never narrow if ``widens``.

    Without ``plain`` none of them is missing.
    """
    match, change = _side(True, plain, False, axes), _side(widens, plain, True, axes)
    return st.fixed_dictionaries({"match": match, "change": change})


@cache
@st.composite
def _side(draw: DrawFn, widens: bool, plain: bool, changes: bool, axes: int) -> Tree:
    absent = [kind for kind, model in SHORTCUTS.items() if model.absent]
    illegal = _that_cannot((1, 2, 2)) if changes else []
    if changes and not widens:
        illegal = illegal + _that_cannot((2, 1, 1))
    around = [kind for kind, model in SHORTCUTS.items() if issubclass(model, WrapperSpec)]
    left_out = illegal if plain else [*absent, *illegal]
    first = "projection" if changes else "identity"
    tree = draw(words(SHORTCUTS, left_out, first, axes=axes))
    if tree["kind"] in around:
        inner = [*absent, *illegal, *around]
        tree["of"] = draw(words(SHORTCUTS, inner, "projection", axes=axes))
    return tree


def _that_cannot(shape: tuple[int, int, int]) -> list[str]:
    """The shortcuts that cannot join such a shape, those around another one left aside."""
    return _illegal(tuple(SHORTCUTS.items()), shape)


@cache
def _illegal(
    kinds: tuple[tuple[str, type[ShortcutSpec]], ...], shape: tuple[int, int, int]
) -> list[str]:
    return [
        kind
        for kind, model in kinds
        if not issubclass(model, WrapperSpec)
        and model(**model.samples[0]).why_illegal(*shape) is not None
    ]


def _heads(axes: int) -> SearchStrategy[Tree]:
    """A head, with few classes."""
    return words(HEADS, first="classifier", axes=axes)


@cache
def stochastic_depths() -> SearchStrategy[Any]:
    """How branches are left out: never, by no chance, or by each of the rules."""
    rules = choices_of(StochasticDepthSpec, "rule")
    modes = choices_of(StochasticDepthSpec, "mode")
    # A single choice, which shrinks to none.
    every = [{"rate": 0.5, "rule": rule, "mode": mode} for rule in rules for mode in modes]
    every += [{**rule, "scaled": "evaluation"} for rule in every[:2]]
    return st.sampled_from([*[None] * len(every), 0.0, *every])


def trees(
    *,
    max_stages: int = 3,
    max_depth: int = 3,
    max_width: int = 8,
    max_stride: int = 3,
    heads: bool | None = None,
    dims: Collection[int] = (2,),
    input_size: int = 32,
) -> SearchStrategy[Tree]:
    """A legal spec as the plain tree that a file would hold.

    ``heads`` asks for networks with a classifier (True), without one (False), or both (None);
    ``dims`` holds the numbers of axes that are drawn. Every network takes pictures of
    ``input_size`` pixels a side and larger ones: operations that take maps of one size, such as
    `attention_pool`, are not drawn.
    """
    tree = _drawn(max_stages, max_depth, max_width, max_stride, heads, tuple(dims))
    return tree.map(lambda fields: made_legal(fields, input_size)[0])


@st.composite
def _drawn(
    draw: DrawFn,
    max_stages: int,
    max_depth: int,
    max_width: int,
    max_stride: int,
    heads: bool | None,
    dims: tuple[int, ...],
) -> Tree:
    """A tree whose choices need not be legal all together."""
    axes = draw(st.sampled_from(sorted(dims, key=lambda number: number != 2)))
    norm = draw(norms())
    # Group norm must divide every width it meets.
    step = int(norm.get("groups") or norm.get("size") or 1)
    plain = step > 1
    stem = draw(stems(step=step, max_width=max_width, axes=axes))
    block = draw(blocks(plain=plain, axes=axes))
    drops = draw(stochastic_depths())
    # Where branches are dropped every block needs a shortcut.
    missing = not drops
    strides = _strides(max_stride, axes)
    stages: list[Tree] = []
    for _ in range(draw(_whole(1, max_stages))):
        width = draw(_widths(max_width, step))
        stages.append(_stage(draw, width, step, max_depth, strides, missing, axes))
    # Stages that widen block by block may share a growth.
    for stage, after in itertools.pairwise(stages):
        if "widen" in stage and "widen" in after and draw(_SOMETIMES):
            del stage["width"]
    with_head = draw(_SOMETIMES) if heads is None else heads
    tree = {
        "resforge": 1,
        "name": draw(_NAMES),
        "dims": axes,
        "in_channels": draw(_whole(1, 4)),
        "stem": stem,
        "stages": stages,
        "block": block,
        "shortcut": draw(shortcuts(widens=False, plain=missing, axes=axes)),
        "norm": norm,
        "activation": draw(activations()),
        "convolution": draw(convolutions()) if axes == 2 else "plain",
        "stochastic_depth": drops,
        "head": draw(_heads(axes)) if with_head else None,
        "init": {
            "scheme": draw(_SCHEMES),
            "zero_residual": draw(_SOMETIMES),
        },
    }
    if draw(_RARELY):
        tree["closing"] = draw(_closings(axes))
    return tree


def specs(
    *,
    max_stages: int = 3,
    max_depth: int = 3,
    max_width: int = 8,
    max_stride: int = 3,
    heads: bool | None = None,
    dims: Collection[int] = (2,),
    input_size: int = 32,
) -> SearchStrategy[ResNetSpec]:
    """A legal :class:`~resforge.ResNetSpec`; see :func:`trees` for the options."""
    tree = _drawn(max_stages, max_depth, max_width, max_stride, heads, tuple(dims))
    return tree.map(lambda fields: made_legal(fields, input_size)[1])


def _stage(
    draw: DrawFn,
    width: int,
    step: int,
    max_depth: int,
    strides: SearchStrategy[Any],
    missing: bool,
    axes: int,
) -> Tree:
    """A stage of that width, a multiple of ``step``."""
    plain = step > 1
    stage: Tree = {"width": width, "stride": draw(strides)}
    if draw(_RARELY):
        stage["before"] = draw(_befores(axes))
    if draw(_SOMETIMES):
        stage["block"] = draw(blocks(plain=plain, axes=axes))
    depth = draw(_whole(1, max_depth))
    if draw(_RARELY):
        stage["blocks"] = [_entry(draw, width, step, axes) for _ in range(depth)]
    else:
        stage["depth"] = depth
    for place in (stage, *stage.get("blocks", [])):
        if draw(_SOMETIMES):
            place["shortcut"] = draw(shortcuts(widens=True, plain=missing, axes=axes))
    if step == 1 and draw(_RARELY):
        stage["widen"] = "linear"
    if _takes_inner(stage.get("block", {}), stage.get("blocks", [])) and draw(_SOMETIMES):
        stage["inner"] = draw(_inner_widths(depth))
    if draw(_SOMETIMES):
        stage["dilation"] = draw(_whole(1, 3))
        stage["first_dilation"] = draw(_FIRST_DILATIONS)
    return stage


@cache
def _inner_widths(depth: int) -> SearchStrategy[Any]:
    """Widths within the branches of a stage, which groups of two divide."""
    one = st.sampled_from(["x2", "x4"])
    return st.one_of(one, st.lists(one, min_size=depth, max_size=depth))


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
def _strides(most: int, axes: int) -> SearchStrategy[Any]:
    """A stride for all axes, or at times one for each."""
    stride = st.integers(1, most)
    if axes == 1:
        return stride
    return st.one_of(stride, stride, st.lists(stride, min_size=axes, max_size=axes))


def _entry(draw: DrawFn, width: int, step: int, axes: int) -> Tree:
    """A block of a stage of that width, a multiple of ``step``."""
    entry: Tree = {}
    if draw(_SOMETIMES):
        entry["block"] = draw(blocks(plain=step > 1, axes=axes))
    if draw(_RARELY):
        entry["width"] = width + draw(_whole(0, 2)) * step
    if draw(_RARELY):
        entry["dilation"] = draw(_whole(1, 3))
    return entry
