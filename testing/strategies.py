"""Hypothesis strategies for specs, for your own property tests and ours.

>>> from hypothesis import given, settings
>>> from resforge.testing import strategies
>>> @settings(max_examples=5, database=None)
... @given(strategies.specs())
... def depth_counts_every_block(spec):
...     assert spec.to_yaml().startswith("resforge: 1")
>>> depth_counts_every_block()

Everything drawn is legal by construction and small by default, so that a drawn network can be
built and run; shrinking leads to one stage of one basic block.
"""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ..specs import ACTIVATIONS, ResNetSpec
from ..specs.block import BasicSpec, BlockSpec, BottleneckSpec, D2LSpec, XSpec
from ..specs.order import Order, activates_first

Tree = dict[str, Any]

BLOCK_KINDS = ("basic", "bottleneck", "d2l", "x")
_BLOCK_MODELS: dict[str, type[BlockSpec]] = {
    "basic": BasicSpec,
    "bottleneck": BottleneckSpec,
    "d2l": D2LSpec,
    "x": XSpec,
}


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


def stems(*, step: int = 1, max_width: int = 8) -> SearchStrategy[Tree]:
    """A stem whose widths are multiples of ``step``, up to ``max_width`` of them."""
    width = st.integers(1, max_width).map(lambda n: n * step)
    rest = {"bias": st.booleans()}
    pool = {"pool": st.sampled_from(["max", "none"]), **rest}
    return st.one_of(
        st.fixed_dictionaries({"kind": st.just("conv3x3"), "width": width}, optional=rest),
        st.fixed_dictionaries({"kind": st.just("conv7x7"), "width": width}, optional=pool),
        st.fixed_dictionaries(
            {"kind": st.just("deep_base"), "widths": st.lists(width, min_size=3, max_size=3)},
            optional=pool,
        ),
        st.fixed_dictionaries({"kind": st.just("conv3x3"), "width": width, "stride": st.just(2)}),
    )


def attentions() -> SearchStrategy[Any]:
    """What weighs the channels of a block; legal for any number of them."""
    return st.sampled_from(
        [None, {"kind": "se", "reduction": 1}, "eca", {"kind": "eca", "kernel": 3}]
    )


@st.composite
def orders(draw: DrawFn) -> Tree:
    """The fields of a block that place its norms and activations."""
    order = draw(st.sampled_from(get_args(Order)))
    inputs = ["auto", "raw", "activated"] if activates_first(order) else ["auto"]
    return {"order": order, "shortcut_input": draw(st.sampled_from(inputs))}


def blocks(*, plain_widths: bool = False) -> SearchStrategy[Tree]:
    """A block; with ``plain_widths`` its inner width is a multiple of the stage's."""
    per_group = [64, 128] if plain_widths else [64, 128, 96]
    basic = st.fixed_dictionaries({"kind": st.just("basic")}, optional={"attention": attentions()})
    bottleneck = st.fixed_dictionaries(
        {"kind": st.just("bottleneck")},
        optional={
            "attention": attentions(),
            "expansion": st.integers(1, 4),
            "groups": st.sampled_from([1, 2, 4]),
            "width_per_group": st.sampled_from(per_group),
            "stride_on": st.sampled_from(["conv2", "conv1"]),
        },
    )
    # Groups of one channel, or one group: either divides every width.
    x = st.fixed_dictionaries(
        {"kind": st.just("x"), "group_width": st.sampled_from([1, 64])},
        optional={"attention": attentions()},
    )
    free = st.one_of(basic, bottleneck, x)
    ordered = st.builds(lambda block, order: block | order, free, orders())
    return st.one_of(
        st.just({"kind": "basic"}), bottleneck, st.just({"kind": "d2l"}), basic, ordered
    )


def shortcuts(*, widens: bool, plain: bool = True) -> SearchStrategy[Tree]:
    """A pair of shortcuts, legal where blocks that change the shape never narrow if ``widens``.

    Without ``plain`` none of them is missing.
    """
    padded = _shortcut(
        "zero_pad",
        pad=st.sampled_from(["end", "both"]),
        subsample=st.sampled_from(["pixel", "avg_pool"]),
    )
    settings = {"norm": st.sampled_from([None, True, False]), "bias": st.sampled_from([None, True])}
    simple = st.one_of(
        _shortcut("projection"),
        _shortcut("projection", kernel=st.sampled_from([1, 3]), **settings),
        _shortcut("avg_projection", **settings),
        _shortcut("conv1x1", bias=st.booleans()),
    )
    none = [st.just({"kind": "none"})] if plain else []

    def side(inner: SearchStrategy[Tree]) -> SearchStrategy[Tree]:
        return st.one_of(inner, *none, _around(inner))

    return st.fixed_dictionaries(
        {
            "match": side(st.one_of(st.just({"kind": "identity"}), padded, simple)),
            "change": side(st.one_of(padded, simple) if widens else simple),
        }
    )


def _shortcut(kind: str, **fields: SearchStrategy[Any]) -> SearchStrategy[Tree]:
    return st.fixed_dictionaries({"kind": st.just(kind)}, optional=fields)


def _around(inner: SearchStrategy[Tree]) -> SearchStrategy[Tree]:
    """A shortcut made of another."""
    factor = st.sampled_from([0.0, 0.5, 1.0])
    kinds = st.one_of(
        _shortcut("scaled", shortcut=factor, residual=factor),
        _shortcut(
            "gate",
            mode=st.sampled_from(["exclusive", "shortcut_only"]),
            bias_init=st.sampled_from([-6.0, 0.0]),
        ),
        _shortcut("dropout", rate=st.sampled_from([0.0, 0.5])),
    )
    return st.builds(lambda kind, of: kind | {"of": of}, kinds, inner)


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
    block = draw(blocks(plain_widths=plain))
    channels = stem.get("width") or stem["widths"][-1]
    stages = []
    drops = draw(st.sampled_from([None, None, 0.0, {"rate": 0.5, "mode": "row"}]))
    # Where branches are dropped every block needs a shortcut.
    missing = not drops
    for _ in range(draw(st.integers(1, max_stages))):
        width = draw(st.integers(1, max_width)) * step
        stage, channels = _stage(
            draw, width, channels, block, plain, max_depth, max_stride, missing
        )
        stages.append(stage)
    # Legal everywhere, for the stages that name no shortcut of their own.
    shortcut = draw(shortcuts(widens=False, plain=missing))
    entries = [block, *(entry for stage in stages for entry in _blocks_named(stage))]
    # What zero_residual cannot start at 0, or would keep there.
    dead = any(entry.get("order") == "relu_before_add" for entry in entries)
    dead = dead or (norm["kind"] == "none" and any(entry["kind"] == "d2l" for entry in entries))
    head = st.fixed_dictionaries(
        {"kind": st.just("classifier"), "num_classes": st.integers(1, 12)},
        optional={"dropout": st.sampled_from([0.0, 0.5])},
    )
    with_head = draw(st.booleans()) if heads is None else heads
    return {
        "resforge": 1,
        "name": draw(st.text("abc-_ é", max_size=6)),
        "in_channels": draw(st.integers(1, 4)),
        "stem": stem,
        "stages": stages,
        "block": block,
        "shortcut": shortcut,
        "norm": norm,
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "stochastic_depth": drops,
        "head": draw(head) if with_head else None,
        "init": {
            "scheme": draw(st.sampled_from(["kaiming_normal", "torch"])),
            "zero_residual": not dead and draw(st.booleans()),
        },
    }


def _blocks_named(stage: Tree) -> list[Tree]:
    places = (stage, *stage.get("blocks", []))
    return [place["block"] for place in places if "block" in place]


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
    draw: DrawFn,
    width: int,
    channels: int,
    block: Tree,
    plain: bool,
    max_depth: int,
    max_stride: int,
    missing: bool,
) -> tuple[Tree, int]:
    """A stage after ``channels``, and the channels after it."""
    stage: Tree = {"width": width, "stride": draw(st.integers(1, max_stride))}
    if draw(st.booleans()):
        block = stage["block"] = draw(blocks(plain_widths=plain))
    depth = draw(st.integers(1, max_depth))
    kinds = [block] * depth
    if draw(st.integers(0, 3)) == 3:
        stage["blocks"] = [{} for _ in range(depth)]
        for index, entry in enumerate(stage["blocks"]):
            if draw(st.booleans()):
                kinds[index] = entry["block"] = draw(blocks(plain_widths=plain))
    else:
        stage["depth"] = depth
    ends = [_BLOCK_MODELS[kind["kind"]](**kind).out_channels(width) for kind in kinds]
    widens = all(a <= b for a, b in zip([channels, *ends], ends, strict=False))
    for place in (stage, *stage.get("blocks", [])):
        if draw(st.booleans()):
            place["shortcut"] = draw(shortcuts(widens=widens, plain=missing))
    if any(kind["kind"] == "d2l" for kind in kinds):
        stage["first_dilation"] = 1  # whatever the stage before has: these do not dilate
    elif draw(st.booleans()):
        stage["dilation"] = draw(st.integers(1, 3))
        stage["first_dilation"] = draw(st.sampled_from([None, 1, 2]))
    return stage, ends[-1]
