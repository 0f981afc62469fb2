"""Strategies for the parts of a network: stem, block, shortcuts, head, and what is said once."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ..specs import BLOCKS, HEADS, SHORTCUTS, STEMS, ShortcutSpec
from ..specs.convolution import PlainConvolutionSpec, ScaledStandardizedSpec, StandardizedSpec
from ..specs.shortcuts import WrapperSpec
from ..specs.stochastic_depth import StochasticDepthSpec
from .fields import Names, Tree, choices_of, variants_of, words
from .kinds import ANY, Wanted


@cache
def convolutions() -> SearchStrategy[Any]:
    """What the convolutions of a network convolve with: mostly the weight as it is."""
    models = (PlainConvolutionSpec, StandardizedSpec, ScaledStandardizedSpec)
    words = [model.model_fields["kind"].default for model in models]
    every = [variant for model in models for variant in variants_of(model)]
    return st.sampled_from(["plain"] * 10 + [*words, *every])


@cache
@st.composite
def stems(
    draw: DrawFn, *, step: int = 1, max_width: int = 8, axes: int = 2, wanted: Wanted = ANY
) -> Tree:
    """A stem whose widths are multiples of ``step``, up to ``max_width`` of them."""
    width = _up_to(max_width)
    tree = draw(words(STEMS, _others(wanted, "stem", STEMS), first="conv3x3", axes=axes))
    model = STEMS[tree["kind"]]
    for name in model.width_fields:
        usual = tree.get(name, model.model_fields[name].default)
        several = isinstance(usual, tuple | list)
        tree[name] = [draw(width) * step for _ in usual] if several else draw(width) * step
    return tree


@cache
def _up_to(most: int) -> SearchStrategy[int]:
    return st.integers(1, most)


@cache
@st.composite
def blocks(draw: DrawFn, *, plain: bool = False, axes: int = 2, wanted: Wanted = ANY) -> Tree:
    """A block; with ``plain`` one whose widths are multiples of the stage's.

    Its fields need not be legal all together: see :func:`specs`.
    """
    left_out = _others(wanted, "block", BLOCKS)
    if wanted.attention:
        left_out += [k for k, model in BLOCKS.items() if "attention" not in model.model_fields]
    tree = draw(words(BLOCKS, left_out, first="basic", axes=axes, attention=wanted.attention))
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
def shortcuts(
    *, widens: bool = True, plain: bool = True, axes: int = 2, wanted: Wanted = ANY
) -> SearchStrategy[Tree]:
    """A pair of shortcuts, legal where blocks that change the shape never narrow if ``widens``.

    Without ``plain`` none of them is missing.
    """
    match = _side(True, plain, False, axes, wanted.match)
    change = _side(widens, plain, True, axes, wanted.change)
    return _pair(match, change)


@st.composite
def _pair(draw: DrawFn, match: SearchStrategy[Tree], change: SearchStrategy[Tree]) -> Tree:
    return {"match": draw(match), "change": draw(change)}


@cache
@st.composite
def _side(draw: DrawFn, widens: bool, plain: bool, changes: bool, axes: int, kinds: Names) -> Tree:
    absent = [kind for kind, model in SHORTCUTS.items() if model.absent]
    illegal = _that_cannot((1, 2, 2)) if changes else []
    if changes and not widens:
        illegal = illegal + _that_cannot((2, 1, 1))
    around = [kind for kind, model in SHORTCUTS.items() if issubclass(model, WrapperSpec)]
    left_out = [kind for kind in SHORTCUTS if kind not in kinds] if kinds else illegal
    if not plain:
        left_out = [*left_out, *absent]
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


def heads(*, axes: int = 2, wanted: Wanted = ANY) -> SearchStrategy[Tree]:
    """A head, with few classes."""
    return _heads(words(HEADS, _others(wanted, "head", HEADS), first="classifier", axes=axes))


@st.composite
def _heads(draw: DrawFn, drawn: SearchStrategy[Tree]) -> Tree:
    head = draw(drawn)
    if draw(_PLAIN_LINEAR) and "layers" in head:
        # Linear layers are legal where those of a sample stand, and in few other places.
        head = {**head, "layers": [*map(_without_bias, head["layers"])]}
    return head


_PLAIN_LINEAR = st.sampled_from([False, False, False, True])


def _without_bias(layer: Any) -> Any:
    return {**layer, "bias": False} if isinstance(layer, dict) and "linear" in layer else layer


def _others(wanted: Wanted, family: str, kinds: Any) -> list[str]:
    """The kinds of a family that are not asked for."""
    kept = wanted.kept(family, kinds)
    return [kind for kind in kinds if kind not in kept]


@cache
def stochastic_depths() -> SearchStrategy[Any]:
    """How branches are left out: never, by no chance, or by each of the rules."""
    rules = choices_of(StochasticDepthSpec, "rule")
    modes = choices_of(StochasticDepthSpec, "mode")
    # A single choice, which shrinks to none.
    every = [{"rate": 0.5, "rule": rule, "mode": mode} for rule in rules for mode in modes]
    every += [{**rule, "scaled": "evaluation"} for rule in every[:2]]
    return st.sampled_from([*[None] * len(every), 0.0, *every])
