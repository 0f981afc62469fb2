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

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Literal, get_args, get_origin

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ..errors import SpecError
from ..specs import (
    ACTIVATIONS,
    BLOCKS,
    HEADS,
    SHORTCUTS,
    STEMS,
    Operation,
    ResNetSpec,
    ShortcutSpec,
)
from ..specs.attention import attention_kinds
from ..specs.shortcuts import WrapperSpec
from ..specs.stochastic_depth import StochasticDepthSpec

Tree = dict[str, Any]


def norms(*, kinds: tuple[str, ...] = ("batch", "group", "none")) -> SearchStrategy[Tree]:
    """A norm, in its long form; group norms have 1, 2 or 4 groups."""
    batch = st.fixed_dictionaries(
        {"kind": st.just("batch")},
        optional={"eps": st.sampled_from([1e-5, 1e-3]), "momentum": st.sampled_from([0.1, 0.01])},
    )
    none: SearchStrategy[Tree] = st.just({"kind": "none"})
    group = st.fixed_dictionaries({"kind": st.just("group"), "groups": st.sampled_from([1, 2, 4])})
    every: dict[str, SearchStrategy[Tree]] = {"batch": batch, "group": group, "none": none}
    return st.one_of([every[kind] for kind in kinds])


def words(
    kinds: Mapping[str, type[Operation]], leave_out: Collection[str] = (), first: str = ""
) -> SearchStrategy[Tree]:
    """A word of a family, with fields from the samples of its kind.

    ``first`` is the kind that shrinking prefers.
    """
    known = tuple((kind, model) for kind, model in kinds.items() if kind not in leave_out)
    return _words(known, first)


@cache
def _words(kinds: tuple[tuple[str, type[Operation]], ...], first: str) -> SearchStrategy[Tree]:
    """As :func:`words`; made once for each set of kinds, since a draw asks for it many times."""
    ordered = sorted(kinds, key=lambda pair: pair[0] != first)
    return st.one_of([_fields(kind, model) for kind, model in ordered])


def _fields(kind: str, model: type[Operation]) -> SearchStrategy[Tree]:
    """A sample of a kind; or its fields drawn one by one from what the samples hold, and from
    what a choice allows."""
    samples = [dict(sample) for sample in model.samples]
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    pools: dict[str, list[Any]] = {}
    for name, field in model.model_fields.items():
        if name in ("kind", "of"):
            continue
        values = [sample[name] for sample in samples if name in sample]
        values += [value for value in _choices(field.annotation) if value not in values]
        if values:
            pools[name] = values
    whole = st.integers(0, 11).map(lambda number: samples[number % len(samples)])
    optional = {name: st.sampled_from(values) for name, values in pools.items()}
    mixed = st.fixed_dictionaries({}, optional=optional)
    # A kind without fields makes as many choices as the others, so that none is shrunk to for it.
    drawn = st.one_of(whole, whole if required or not pools else mixed)
    return drawn.map(lambda sample: {"kind": kind, **sample})


def _choices(annotation: Any) -> list[Any]:
    """The values that a literal or a truth value can have, through unions with null."""
    if annotation is bool:
        return [True, False]
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [value for part in get_args(annotation) for value in _choices(part)]


@st.composite
def stems(draw: DrawFn, *, step: int = 1, max_width: int = 8) -> Tree:
    """A stem whose widths are multiples of ``step``, up to ``max_width`` of them."""
    width = st.integers(1, max_width).map(lambda n: n * step)
    tree = draw(words(STEMS, first="conv3x3"))
    model = STEMS[tree["kind"]]
    for name in model.width_fields:
        usual = model.model_fields[name].default
        several = isinstance(usual, tuple)
        tree[name] = [draw(width) for _ in usual] if several else draw(width)
    return tree


def attentions() -> SearchStrategy[Any]:
    """What weighs the channels of a block; legal for any number of them."""
    found = attention_kinds()
    every = [{"kind": kind, **sample} for kind, model in found.items() for sample in model.samples]
    return st.sampled_from([None, *every])


@st.composite
def blocks(draw: DrawFn, *, plain: bool = False) -> Tree:
    """A block; with ``plain`` one whose widths are multiples of the stage's."""
    tree, attention = draw(words(BLOCKS, first="basic")), draw(attentions())
    if "attention" in BLOCKS[tree["kind"]].model_fields:
        tree |= {"attention": attention} if attention else {}
        # What the shortcut takes is a choice only where the block activates its input.
        if tree.get("order") not in ("full_pre", "relu_only_pre"):
            tree.pop("shortcut_input", None)
    if plain and tree.get("width_per_group", 64) % 64:
        del tree["width_per_group"]
    return tree


def shortcuts(*, widens: bool, plain: bool = True) -> SearchStrategy[Tree]:
    """A pair of shortcuts, legal where blocks that change the shape never narrow if ``widens``.

    Without ``plain`` none of them is missing.
    """
    match, change = _side(True, plain, False), _side(widens, plain, True)
    return st.fixed_dictionaries({"match": match, "change": change})


@st.composite
def _side(draw: DrawFn, widens: bool, plain: bool, changes: bool) -> Tree:
    absent = [kind for kind, model in SHORTCUTS.items() if model.absent]
    illegal = _that_cannot((1, 2, 2)) if changes else []
    if changes and not widens:
        illegal = illegal + _that_cannot((2, 1, 1))
    around = [kind for kind, model in SHORTCUTS.items() if issubclass(model, WrapperSpec)]
    left_out = illegal if plain else [*absent, *illegal]
    tree = draw(words(SHORTCUTS, left_out, "projection" if changes else "identity"))
    if tree["kind"] in around:
        tree["of"] = draw(words(SHORTCUTS, [*absent, *illegal, *around], "projection"))
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


def _heads() -> SearchStrategy[Tree]:
    """A head, with few classes."""
    return words(HEADS, first="classifier")


def stochastic_depths() -> SearchStrategy[Any]:
    """How branches are left out: never, by no chance, or by each of the rules."""
    rules = _choices(StochasticDepthSpec.model_fields["rule"].annotation)
    modes = _choices(StochasticDepthSpec.model_fields["mode"].annotation)
    # A single choice, which shrinks to none.
    every = [{"rate": 0.5, "rule": rule, "mode": mode} for rule in rules for mode in modes]
    return st.sampled_from([*[None] * len(every), 0.0, *every])


@st.composite
def trees(
    draw: DrawFn,
    *,
    max_stages: int = 3,
    max_depth: int = 3,
    max_width: int = 8,
    max_stride: int = 3,
    heads: bool | None = None,
) -> Tree:
    """A legal spec as the plain tree that a file would hold.

    ``heads`` asks for networks with a classifier (True), without one (False), or both (None).
    """
    norm = draw(norms())
    # Group norm must divide every width it meets.
    step = norm.get("groups", 1)
    plain = step > 1
    stem = draw(stems(step=step, max_width=max_width))
    block = draw(blocks(plain=plain))
    stages: list[Tree] = []
    drops = draw(stochastic_depths())
    # Where branches are dropped every block needs a shortcut.
    missing = not drops
    for _ in range(draw(st.integers(1, max_stages))):
        width = draw(st.integers(1, max_width)) * step
        stages.append(_stage(draw, width, plain, max_depth, max_stride, missing))
    with_head = draw(st.booleans()) if heads is None else heads
    tree = {
        "resforge": 1,
        "name": draw(st.text("abc-_ é", max_size=6)),
        "in_channels": draw(st.integers(1, 4)),
        "stem": stem,
        "stages": stages,
        "block": block,
        "shortcut": draw(shortcuts(widens=False, plain=missing)),
        "norm": norm,
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "stochastic_depth": drops,
        "head": draw(_heads()) if with_head else None,
        "init": {
            "scheme": draw(st.sampled_from(["kaiming_normal", "torch"])),
            "zero_residual": draw(st.booleans()),
        },
    }
    return _made_legal(tree)


def _made_legal(tree: Tree) -> Tree:
    """``tree``, or the nearest of a few simpler ones that is legal: what a choice asks of the
    whole network shows only when that is there."""
    for simplify in (_as_drawn, _without_zero_residual, _undilated, _projected, _ungrouped):
        tree = simplify(tree)
        try:
            ResNetSpec(**tree)
        except SpecError:
            continue
        return tree
    reject()
    raise AssertionError


def _as_drawn(tree: Tree) -> Tree:
    return tree


def _without_zero_residual(tree: Tree) -> Tree:
    return {**tree, "init": {**tree["init"], "zero_residual": False}}


def _undilated(tree: Tree) -> Tree:
    plain = ({k: v for k, v in s.items() if "dilation" not in k} for s in tree["stages"])
    return {**tree, "stages": list(plain)}


def _projected(tree: Tree) -> Tree:
    stages = [
        {key: value for key, value in stage.items() if key != "shortcut"}
        | ({"blocks": [_bare(entry) for entry in stage["blocks"]]} if "blocks" in stage else {})
        for stage in tree["stages"]
    ]
    return {**tree, "stages": stages, "shortcut": "projection"}


def _bare(entry: Tree) -> Tree:
    return {key: value for key, value in entry.items() if key != "shortcut"}


def _ungrouped(tree: Tree) -> Tree:
    return {**tree, "norm": {"kind": "batch"}}


def specs(
    *,
    max_stages: int = 3,
    max_depth: int = 3,
    max_width: int = 8,
    max_stride: int = 3,
    heads: bool | None = None,
) -> SearchStrategy[ResNetSpec]:
    """A legal :class:`~resforge.ResNetSpec`; see :func:`trees` for the options."""
    tree = trees(
        max_stages=max_stages,
        max_depth=max_depth,
        max_width=max_width,
        max_stride=max_stride,
        heads=heads,
    )
    return tree.map(lambda fields: ResNetSpec(**fields))


def _stage(
    draw: DrawFn, width: int, plain: bool, max_depth: int, max_stride: int, missing: bool
) -> Tree:
    """A stage at one width."""
    stage: Tree = {"width": width, "stride": draw(st.integers(1, max_stride))}
    if draw(st.booleans()):
        stage["block"] = draw(blocks(plain=plain))
    depth = draw(st.integers(1, max_depth))
    if draw(st.integers(0, 3)) == 3:
        stage["blocks"] = [{} for _ in range(depth)]
        for entry in stage["blocks"]:
            if draw(st.booleans()):
                entry["block"] = draw(blocks(plain=plain))
    else:
        stage["depth"] = depth
    for place in (stage, *stage.get("blocks", [])):
        if draw(st.booleans()):
            place["shortcut"] = draw(shortcuts(widens=True, plain=missing))
    if draw(st.booleans()):
        stage["dilation"] = draw(st.integers(1, 3))
        stage["first_dilation"] = draw(st.sampled_from([None, 1, 2]))
    return stage
