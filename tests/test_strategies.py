"""The strategies are a product: legal, small first, and reaching every kind."""

from __future__ import annotations

from random import Random
from typing import Any, Literal, get_args

import pytest
import resforge as rf
import torch
from hypothesis import HealthCheck, Phase, find, given, seed, settings
from resforge import ResNetSpec
from resforge.builder.registration import unregister
from resforge.errors import SpecError
from resforge.specs import (
    ACTIVATIONS,
    BLOCKS,
    HEADS,
    OPERATIONS,
    SHORTCUTS,
    STEMS,
    Operation,
    ResolvedBlock,
    ShortcutSpec,
    call,
)
from resforge.specs.attention import attention_kinds
from resforge.specs.by_axis import parts_of
from resforge.specs.expand import expand
from resforge.specs.order import Order
from resforge.specs.resolve import blocks_of as resolved_blocks
from resforge.testing import strategies
from resforge.testing.fields import _pool

FAST = settings(
    max_examples=150,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def blocks_of(spec: ResNetSpec) -> list[ResolvedBlock]:
    return [block for stage in resolved_blocks(spec) for block in stage]


def every_kind() -> list[tuple[str, Any]]:
    """A name and a predicate for each word of the language."""
    cases: list[tuple[str, Any]] = [
        *((f"stem {kind}", lambda s, k=kind: s.stem.kind == k) for kind in STEMS),
        *((f"head {kind}", lambda s, k=kind: s.head and s.head.kind == k) for kind in HEADS),
        *((f"norm {k}", lambda s, k=k: s.norm.kind == k) for k in ("batch", "group", "none")),
        *(
            (f"block {kind}", lambda s, k=kind: any(b.block.kind == k for b in blocks_of(s)))
            for kind in BLOCKS
        ),
    ]
    for side in ("match", "change"):
        cases += [
            (
                f"{side} {kind}",
                lambda s, k=kind, side=side: any(
                    b.shortcut.kind == k and b.shortcut_path[-1] == side for b in blocks_of(s)
                ),
            )
            for kind, model in SHORTCUTS.items()
            if side == "match" or model(**model.samples[0]).why_illegal(1, 2, 2) is None
        ]
    cases += [(f"activation {a}", lambda s, a=a: s.activation == a) for a in ACTIVATIONS]
    cases += [
        ("no head", lambda s: s.head is None),
        ("blocks one by one", lambda s: any(st.blocks for st in s.stages)),
        ("widths within branches", lambda s: any(st.inner for st in s.stages)),
        ("widths of each block", lambda s: any(isinstance(st.inner, tuple) for st in s.stages)),
        ("groups", lambda s: any(getattr(b.block, "groups", 1) > 1 for b in blocks_of(s))),
        *(
            (f"order {o}", lambda s, o=o: any(b.block.arrangement == o for b in blocks_of(s)))
            for o in get_args(Order)
        ),
        *(
            (
                f"attention {kind}",
                lambda s, k=kind: any(
                    (found := getattr(b.block, "attention", None)) and found.kind == k
                    for b in blocks_of(s)
                ),
            )
            for kind in attention_kinds()
        ),
        ("dropout", lambda s: any(getattr(b.block, "dropout", 0) for b in blocks_of(s))),
        ("dilation", lambda s: any(max(b.site.dilations) > 1 for b in blocks_of(s))),
        ("stochastic depth", lambda s: s.stochastic_depth and s.stochastic_depth.rate > 0),
        ("zero_residual", lambda s: s.init.zero_residual),
        ("torch init", lambda s: s.init.scheme == "torch"),
    ]
    return cases


def every_field() -> list[tuple[str, Any]]:
    """A name and a predicate for each place where a network may hold operations of its own, and
    for each field of a stage."""

    def held(name: str) -> Any:
        return lambda s: any(getattr(block.block, name, None) for block in blocks_of(s))

    def in_stage(reached: Any) -> Any:
        return lambda s: any(reached(stage) for stage in s.stages)

    cases: list[tuple[str, Any]] = [
        (name, held(name)) for name in ("conv1", "conv2", "conv3", "stride_by")
    ]
    cases += [(f"dims {dims}", lambda s, d=dims: s.dims == d) for dims in (1, 2, 3)]
    cases += [
        (f"operation {kind}", lambda s, k=kind: any(op.kind == k for op in operations_of(s)))
        for kind, model in OPERATIONS.items()
        if model(**model.samples[0]).map_size is None
    ]
    return [
        *cases,
        ("inner", lambda s: any(_attends_inside(block) for block in blocks_of(s))),
        ("closing", lambda s: s.closing),
        ("before", in_stage(lambda stage: stage.before)),
        ("inner widths", in_stage(lambda stage: stage.inner)),
        ("widen", in_stage(lambda stage: stage.widen == "linear")),
        ("a growth that is shared", in_stage(lambda stage: not stage.width)),
        ("strides by axis", in_stage(lambda stage: isinstance(stage.stride, tuple))),
        ("width of an entry", in_stage(lambda stage: any(e.width for e in stage.entries))),
        ("dilation of an entry", in_stage(lambda stage: any(e.dilation for e in stage.entries))),
        ("inner width of an entry", in_stage(lambda s: any(e.inner for e in s.blocks or ()))),
        ("strides of a deep stem", lambda s: getattr(s.stem, "strides", None)),
        ("no bias", lambda s: any(not getattr(op, "bias", 1) for op in linears_of(s))),
        ("attention of the input", lambda s: any(map(_of_input, operations_of(s)))),
        ("padding as of TensorFlow", lambda s: s.convolution.padding == "same"),
        ("a gain", lambda s: getattr(s.activation, "gain", 1) != 1),
        ("a shared slope", lambda s: getattr(s.activation, "shared", False)),
    ]


def _attends_inside(block: ResolvedBlock) -> bool:
    return getattr(block.block, "attention_at", "end") == "inner"


def _of_input(op: Operation) -> bool:
    return op.kind != "se" and getattr(op, "of", "map") == "input"


def linears_of(spec: ResNetSpec) -> list[Operation]:
    return [op for op in operations_of(spec) if op.kind == "linear"]


def operations_of(spec: ResNetSpec) -> list[Operation]:
    return [part for _, part in parts_of(spec) if type(part) in OPERATIONS.values()]


@pytest.mark.parametrize(
    ("cases", "dims"), [(every_kind, (2,)), (every_field, (1, 2, 3))], ids=["kinds", "fields"]
)
def test_everything_is_reached(cases: Any, dims: tuple[int, ...]) -> None:
    missing = dict(cases())
    for start in range(120):  # it ends where all are: other versions of Python draw others

        @seed(start)
        @FAST
        @given(strategies.specs(dims=dims))
        def look(spec: ResNetSpec) -> None:
            for name in [name for name, reached in missing.items() if reached(spec)]:
                del missing[name]

        look()
        if not missing:
            return
    raise AssertionError(sorted(missing))


@pytest.mark.parametrize("registry", [OPERATIONS, STEMS, BLOCKS, SHORTCUTS, HEADS])
def test_every_field_of_every_kind_has_values(registry: Any) -> None:
    """But for the shortcut within another, which is drawn with that one."""
    missing = [
        f"{kind}.{name}"
        for kind, model in registry.items()
        for name, field in model.model_fields.items()
        if name != "kind" and _pool(model, name, 2) is None
        if field.annotation is not ShortcutSpec
    ]
    assert missing == []


@settings(max_examples=25)
@given(strategies.specs(dims=(1, 2, 3), max_stages=2, max_depth=2, max_width=4, max_stride=2))
def test_any_network_is_as_planned(spec: ResNetSpec) -> None:
    """Text reads back, words are written out, and the built tensors are those of the plan."""
    assert rf.loads(spec.to_yaml()) == spec
    assert expand(spec).digest == spec.digest
    plan, model = rf.plan(spec), rf.build(spec, device="meta")
    assert plan.to_svg().startswith("<svg")
    assert plan.state_dict == {name: tuple(t.shape) for name, t in model.state_dict().items()}


@pytest.mark.parametrize("size", [5, 32])
def test_every_network_takes_pictures_of_the_size(size: int) -> None:
    @given(strategies.specs(dims=(1, 2, 3), input_size=size))
    def look(spec: ResNetSpec) -> None:
        assert rf.plan(spec, size).fits
        assert rf.plan(spec, size + 7).fits

    look()


def test_shrinks_to_one_block() -> None:
    smallest = shrunk(lambda spec: True, at_most=300)
    assert smallest.to_tree() == SMALLEST


@pytest.mark.parametrize(
    ("wanted", "block"),
    [
        (lambda block: held_kind(block) == "eca", {"basic": {"attention": "eca"}}),
        (lambda block: block.arrangement == "full_pre", {"basic": {"order": "full_pre"}}),
        (lambda block: block.kind == "x", "x"),
    ],
    ids=["attention", "order", "kind"],
)
def test_shrinks_to_one_block_that_has_it(wanted: Any, block: Any) -> None:
    smallest = shrunk(lambda spec: any(wanted(b.block) for b in blocks_of(spec)), at_most=1000)
    assert smallest.digest == ResNetSpec(**{**SMALLEST, "block": long_form(block)}).digest
    assert smallest.to_tree().keys() == SMALLEST.keys()


def test_shrinks_to_two_stages_with_one_block_each() -> None:
    def mixed(spec: ResNetSpec) -> bool:
        kinds = {block.block.kind for block in blocks_of(spec)}
        return kinds >= {"basic", "x"} and len(spec.stages) > 1

    first, *stages = shrunk(mixed, at_most=1000).to_tree()["stages"]
    assert [first, *stages] == [
        {"depth": 1, "width": 1, "stride": 1},
        {"block": "x", "depth": 1, "width": 1, "stride": 1},
    ]


SMALLEST = {
    "resforge": 1,
    "in_channels": 1,
    "stem": {"kind": "conv3x3", "width": 1},
    "stages": [{"depth": 1, "width": 1, "stride": 1}],
    "block": "basic",
    "shortcut": "projection",
    "head": None,
}


def held_kind(block: Any) -> str | None:
    return getattr(getattr(block, "attention", None), "kind", None)


def long_form(block: Any) -> Any:
    if isinstance(block, str):
        return block
    (kind, fields), *_ = block.items()
    return {"kind": kind, **fields}


def shrunk(wanted: Any, at_most: int) -> ResNetSpec:
    """The smallest network with a property, found within so many networks."""
    looked = 0

    def counted(spec: ResNetSpec) -> bool:
        nonlocal looked
        looked += 1
        return bool(wanted(spec))

    few = settings(database=None, max_examples=500, phases=[Phase.generate, Phase.shrink])
    spec = find(strategies.specs(), counted, settings=few, random=Random(0))
    assert looked <= at_most
    return spec


@pytest.mark.parametrize(
    ("kinds", "held"),
    [
        (
            {"block": ["bottleneck"], "norm": ["group"]},
            lambda s: s.norm.kind == "group" and all(b.block.kind == "bottleneck" for b in s),
        ),
        (
            {"attention": ["eca", "cbam"]},
            lambda s: {"eca", "cbam"} & {op.kind for op in operations_of(s.spec)},
        ),
        (
            {"change": ["zero_pad"], "stem": ["conv7x7"], "activation": ["silu"]},
            lambda s: (
                s.stem.kind == "conv7x7"
                and getattr(s.activation, "kind", s.activation) == "silu"
                and any(b.shortcut.kind == "zero_pad" for b in s)
            ),
        ),
        (
            {"shortcut": ["none"], "head": ["classifier"]},
            lambda s: s.head.kind == "classifier" and any(b.shortcut.absent for b in s),
        ),
        ({"operation": ["blur"]}, lambda s: "blur" in {op.kind for op in operations_of(s.spec)}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_every_network_has_the_kinds_asked_for(kinds: Any, held: Any) -> None:
    @settings(max_examples=20)
    @given(strategies.specs(kinds=kinds))
    def look(spec: ResNetSpec) -> None:
        assert held(Seen(spec))

    look()


class Seen:
    """A network to ask about: its fields, and its blocks in a row."""

    def __init__(self, spec: ResNetSpec) -> None:
        self.spec = spec

    def __getattr__(self, name: str) -> Any:
        return getattr(self.spec, name)

    def __iter__(self) -> Any:
        return iter(blocks_of(self.spec))


def test_kinds_of_ones_own_are_asked_for_by_name() -> None:
    class DimmedSpec(Operation):
        kind: Literal["dimmed"] = "dimmed"
        by: float = 0.5
        samples = ({}, {"by": 0.25})

        def call(self, module: Any) -> Any:
            return call("Dimmed", self.by)

    class Dimmed(torch.nn.Module):
        def __init__(self, by: float) -> None:
            super().__init__()
            self.by = by

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.by

    rf.register(DimmedSpec, Dimmed)
    try:
        seen = set()

        @settings(max_examples=30, database=None)
        @given(strategies.specs(kinds={"operation": ["dimmed"]}, max_stages=2, max_width=4))
        def look(spec: ResNetSpec) -> None:
            seen.update(op.by for op in operations_of(spec) if op.kind == "dimmed")
            model = rf.build(spec, device="meta")
            assert any(isinstance(module, Dimmed) for module in model.modules())

        look()
        assert seen >= {0.5, 0.25}
    finally:
        unregister(DimmedSpec)


@pytest.mark.parametrize(
    ("kinds", "help_"),
    [
        ({"blocks": ["basic"]}, "families of kinds are stem, block"),
        ({"block": "basic"}, "[basic]"),
        ({"block": ["bottelneck"]}, "did you mean 'bottleneck'?"),
        ({"norm": ["grup"]}, "did you mean 'group'?"),
        ({"block": []}, "leave block out for all"),
        ({"change": ["identity"]}, None),
    ],
)
def test_kinds_that_there_are_not(kinds: Any, help_: str | None) -> None:
    with pytest.raises(SpecError) as error:
        strategies.specs(kinds=kinds)
    assert error.value.path.startswith("kinds")
    assert help_ is None or (error.value.help or "").startswith(help_)


@given(strategies.trees())
def test_trees_are_what_a_file_would_hold(tree: dict[str, Any]) -> None:
    assert ResNetSpec(**tree) == ResNetSpec(**ResNetSpec(**tree).model_dump(mode="json"))
