"""Kinds of one's own: known to files, plans, schema, builder and exporter after one call."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import resforge as rf
import torch
from resforge.builder.make import MODULES
from resforge.builder.registration import rebuild_models, unregister
from resforge.errors import BuildError
from resforge.export.source import to_code
from resforge.specs import (
    BLOCKS,
    AttentionSpec,
    BlockSpec,
    BottleneckSpec,
    Call,
    Chains,
    HeadSpec,
    Module,
    Operation,
    ResNetSpec,
    ShortcutSpec,
    Site,
    StemSpec,
    Steps,
    Trace,
    call,
)
from resforge.specs.operations import ActSpec, ConvSpec, NormOpSpec
from torch import Tensor, nn


class TwistSpec(BlockSpec):
    """A convolution whose output is scaled by one learned number for each channel."""

    kind: Literal["twist"] = "twist"
    start: float = 0.1

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.conv(f"{name}.conv", site.width, 3, site.stride, dilation=site.dilations.first)
        trace.parameter(f"{name}.scale", site.width, 1, 1)

    def call(self, module: Module) -> Call:
        conv = module.layers[0]
        sizes = conv.in_channels, conv.out_channels, conv.stride, conv.dilation
        return call("Twist", *sizes, self.start)


class Twist(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, stride: int, dilation: int, start: float
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            3,
            stride=stride,
            padding=dilation,
            dilation=dilation,
            bias=False,
        )
        self.scale = nn.Parameter(torch.full((out_channels, 1, 1), start))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x) * self.scale
        return out


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """What a test registers is gone after it."""
    before = dict(MODULES)
    families = [rf.specs.STEMS, rf.specs.BLOCKS, rf.specs.SHORTCUTS, rf.specs.HEADS]
    yield
    for family in (*families, rf.specs.OPERATIONS):
        for kind in set(family) - family.built_in:
            family.drop(kind)
    MODULES.clear()
    MODULES.update(before)
    rebuild_models()


def network(block: Any = "twist") -> ResNetSpec:
    return rf.load("digits_resnet8").replace({"block": block})


def test_a_file_can_name_it() -> None:
    rf.register(TwistSpec, Twist)
    spec = rf.loads(network().to_yaml())
    assert isinstance(spec.block, TwistSpec)
    assert rf.loads(spec.to_json()) == spec
    model, plan = rf.build(spec), rf.plan(spec, 8)
    assert plan.params == sum(p.numel() for p in model.parameters())
    assert plan.parameters["layer1.0.branch.scale"] == (8, 1, 1)
    assert torch.equal(model.layer1[0].branch.scale, torch.full((8, 1, 1), 0.1))
    assert model(torch.randn(2, 1, 8, 8)).shape == (2, 10)


def test_its_fields_are_checked_and_its_kind_is_in_the_schema() -> None:
    rf.register(TwistSpec, Twist)
    with pytest.raises(rf.SpecError, match="did you mean 'start'"):
        network({"kind": "twist", "stat": 1.0})
    assert "twist" in str(ResNetSpec.model_json_schema())


def test_without_registering_it_is_unknown() -> None:
    with pytest.raises(rf.SpecError, match="not one of basic, bottleneck, d2l, x"):
        network()


def test_what_is_unregistered_is_unknown_again() -> None:
    rf.register(TwistSpec, Twist)
    unregister(TwistSpec)
    with pytest.raises(rf.SpecError, match="not one of basic, bottleneck, d2l, x"):
        network()


def test_its_fields_and_its_place_are_part_of_the_identity() -> None:
    rf.register(TwistSpec, Twist)
    digests = [
        network().digest,
        network({"kind": "twist", "start": 0.5}).digest,
        network().replace({"stages[2].width": 40}).digest,
        network().replace({"stages[0].stride": 2}).digest,
    ]
    assert len(set(digests)) == 4


def test_plan_and_module_must_agree() -> None:
    class Forgetful(Twist):
        def __init__(self, *sizes: Any) -> None:
            super().__init__(*sizes)
            del self.scale

    class ForgetfulSpec(TwistSpec):
        kind: Literal["forgetful"] = "forgetful"  # type: ignore[assignment]

        def call(self, module: Module) -> Call:
            return super().call(module)._replace(name="Forgetful")

    rf.register(ForgetfulSpec, Forgetful)
    with pytest.raises(BuildError, match=r"branch\.scale: planned \(8, 1, 1\), built nothing"):
        rf.build(network("forgetful"))


def test_a_planned_layer_must_be_a_module() -> None:
    class Hidden(nn.Module):
        def __init__(self, channels: int, stride: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, channels, 1, stride=stride, bias=False)

    class HiddenSpec(BlockSpec):
        kind: Literal["hidden"] = "hidden"

        def trace(self, trace: Trace, name: str, site: Site) -> None:
            trace.conv(f"{name}.conv", site.width, 1, site.stride)
            trace.max_pool(f"{name}.pool", 3, 1)

        def call(self, module: Module) -> Call:
            return call("Hidden", module.out_channels, module.layer.stride)

    rf.register(HiddenSpec, Hidden)
    spec = network("hidden").replace({"stages[*].width": 8, "stem.width": 8})
    with pytest.raises(BuildError, match=r"branch\.pool: planned max_pool, built nothing"):
        rf.build(spec)


def test_a_layer_of_an_unknown_kind_is_let_into_no_plan() -> None:
    class StrangeSpec(TwistSpec):
        kind: Literal["strange"] = "strange"  # type: ignore[assignment]

        def trace(self, trace: Trace, name: str, site: Site) -> None:
            super().trace(trace, name, site)
            trace.layers[-1] = trace.layers[-1]._replace(kind="mystery")

    rf.register(StrangeSpec, Twist)
    with pytest.raises(rf.SpecError, match="strange writes down a layer of an unknown kind"):
        network("strange")


def test_random_numbers_in_a_constructor_follow_the_seed_and_spare_the_caller() -> None:
    class Random(Twist):
        def __init__(self, *sizes: Any) -> None:
            super().__init__(*sizes)
            nn.init.constant_(self.scale, torch.rand(()).item())

    class RandomSpec(TwistSpec):
        kind: Literal["random"] = "random"  # type: ignore[assignment]

        def call(self, module: Module) -> Call:
            return super().call(module)._replace(name="Random")

    rf.register(RandomSpec, Random)
    before = torch.random.get_rng_state()
    first, second = rf.build(network("random"), seed=1), rf.build(network("random"), seed=1)
    assert torch.equal(first.layer1[0].branch.scale, second.layer1[0].branch.scale)
    assert torch.equal(torch.random.get_rng_state(), before)


class OwnShiftSpec(ShortcutSpec):
    """x plus a learned number for each channel, filled by the constructor."""

    kind: Literal["channel_shift"] = "channel_shift"
    bare_match: ClassVar[str | None] = None

    def why_illegal(self, in_channels: int, out_channels: int, stride: int) -> str | None:
        if in_channels == out_channels and stride == 1:
            return None
        return f"channel_shift cannot join {in_channels} channels to {out_channels}"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.parameter(f"{name}.shift", site.out_channels, 1, 1)

    def call(self, module: Module) -> Call:
        return call("OwnShift", module.in_channels)


class OwnShift(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.empty(channels, 1, 1))
        nn.init.constant_(self.shift, 0.25)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.shift


@pytest.mark.parametrize("around", [None, "scaled", "gate", "dropout", "channel_scale"])
def test_what_a_constructor_fills_stays_alone_and_inside_of_another_shortcut(
    around: str | None,
) -> None:
    """A parameter that a shortcut's constructor filled was left unfilled inside of another."""
    rf.register(OwnShiftSpec, OwnShift)
    match: Any = "channel_shift" if around is None else {"kind": around, "of": "channel_shift"}
    spec = rf.load("digits_resnet8").replace({"shortcut": {"match": match}})
    model = rf.build(spec)
    shifts = [p for name, p in model.named_parameters() if name.endswith("shift")]
    assert shifts
    assert all(torch.equal(p, torch.full_like(p, 0.25)) for p in shifts)
    assert model(torch.randn(2, 1, 8, 8)).isfinite().all()


class StripesSpec(StemSpec):
    """A stem with a module of its own."""

    kind: Literal["stripes"] = "stripes"
    width: int = 8

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.conv(f"{name}.conv", self.width, 3, bias=True)

    def call(self, module: Module) -> Call:
        return call("Stripes", module.in_channels, self.width)


class Stripes(nn.Module):
    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x).abs()
        return out


class AttendSpec(AttentionSpec):
    """An attention with one learned number."""

    kind: Literal["attend"] = "attend"
    sign: ClassVar[str | None] = "at"
    legend: ClassVar[str] = "attend"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.fork("attention").parameter(f"{name}.factor", 1, start=2.0)

    def call(self, module: Module) -> Call:
        return call("Attend")


class Attend(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.factor * x.mean((2, 3), keepdim=True))


class SwapSpec(Operation):
    """An operation for chains: channels in the reverse order."""

    kind: Literal["swap"] = "swap"
    sign: ClassVar[str | None] = "sw"
    legend: ClassVar[str] = "channels reversed"

    def call(self, module: Module) -> Call:
        return call("Swap")


class Swap(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flip(1)


class DoubleSpec(BlockSpec):
    """A block that is a chain: no module of its own."""

    kind: Literal["double"] = "double"
    dilates: ClassVar[bool] = True

    def chains(self, site: Site, shared: bool) -> Chains:
        branch = (
            ("conv1", ConvSpec(kernel=5, stride="block")),
            ("bn1", NormOpSpec()),
        )
        return Chains((), branch, (("relu", ActSpec()),))


class LogitsSpec(HeadSpec):
    """A head with a module of its own."""

    kind: Literal["logits"] = "logits"
    num_classes: int = 7

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.global_avg_pool(f"{name}.pool")
        trace.linear(f"{name}.fc", self.num_classes)

    def call(self, module: Module) -> Call:
        return call("Logits", module.in_channels, self.num_classes)


class Logits(nn.Module):
    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(in_channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(self.pool(x).flatten(1))
        return out


FAMILIES: dict[str, tuple[type[Operation], type[nn.Module] | None, dict[str, Any]]] = {
    "stem": (StripesSpec, Stripes, {"stem": "stripes"}),
    "attention": (AttendSpec, Attend, {"block": {"kind": "basic", "attention": "attend"}}),
    "attention in a chain": (
        AttendSpec,
        Attend,
        {"block": {"branch": [{"conv": 3, "stride": "block"}, "attend", "norm"]}},
    ),
    "operation": (
        SwapSpec,
        Swap,
        {"block": {"branch": [{"conv": 3, "stride": "block"}, "norm", "swap"]}},
    ),
    "block": (TwistSpec, Twist, {"block": "twist"}),
    "block of a chain": (DoubleSpec, None, {"block": "double", "stages[1].dilation": 2}),
    "head": (LogitsSpec, Logits, {"head": "logits"}),
    "shortcut": (OwnShiftSpec, OwnShift, {"shortcut": {"match": "channel_shift"}}),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_planned_built_exported_and_drawn(family: str) -> None:
    spec_class, module, changes = FAMILIES[family]
    rf.register(spec_class, module)
    spec = rf.load("digits_resnet8").replace(changes)
    assert rf.loads(spec.to_yaml()) == spec
    plan, model = rf.plan(spec, 8), rf.build(spec, seed=3)
    assert plan.state_dict == {n: tuple(t.shape) for n, t in model.state_dict().items()}
    x = torch.randn(2, 1, 8, 8)
    assert model(x).shape == (2, *plan.output_shape)
    assert plan.to_svg().startswith("<svg")
    scope: dict[str, Any] = {}
    exec(compile(to_code(spec), "net.py", "exec"), scope)
    copy = scope["ResNet"]()
    copy.load_state_dict(model.state_dict())
    assert torch.equal(copy.eval()(x), model.eval()(x))
    starts = {layer.name: dict(layer.starts) for layer in plan.layers if layer.starts}
    for name, values in starts.items():
        assert torch.equal(model.get_parameter(name), torch.full((1,), values[""]))


def test_a_kind_without_a_literal_leaves_everything_as_it_was() -> None:
    class Loose(TwistSpec):
        kind: str = "loose"  # type: ignore[assignment]

    with pytest.raises(rf.SpecError, match="Loose is no block kind"):
        rf.register(Loose, Twist)
    assert rf.load("resnet18").name == "resnet18"


def test_a_kind_without_layers() -> None:
    class Bare(BlockSpec):
        kind: Literal["bare"] = "bare"

    with pytest.raises(rf.SpecError, match="Bare is no block kind"):
        rf.register(Bare, Twist)


def test_a_module_is_a_class_of_torch() -> None:
    with pytest.raises(rf.SpecError, match=r"a subclass of torch\.nn\.Module"):
        rf.register(TwistSpec, "Twist")  # type: ignore[arg-type]


def test_a_module_has_a_name_of_its_own() -> None:
    class ECA(Twist):
        pass

    with pytest.raises(rf.SpecError, match="ECA is the name of a module of resforge"):
        rf.register(TwistSpec, ECA)


def test_a_call_of_an_unknown_module() -> None:
    rf.register(TwistSpec)
    with pytest.raises(BuildError, match=r"no module 'Twist': call resforge\.register"):
        rf.build(network())


def test_zero_residual_needs_a_norm_in_every_branch() -> None:
    rf.register(TwistSpec, Twist)
    with pytest.raises(rf.SpecError, match=r"layer1\.0 has none"):
        network().replace({"init.zero_residual": True})


class CarelessSpec(BlockSpec):
    kind: Literal["careless"] = "careless"
    forgets: str = "stride"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        channels = site.width + 1 if self.forgets == "width" else site.width
        groups = 3 if self.forgets == "groups" else 1
        stride = 1 if self.forgets == "stride" else site.stride
        trace.conv(f"{name}.conv1", channels, 3, stride, groups)

    def call(self, module: Module) -> Call:
        return call("Twist")


@pytest.mark.parametrize(
    ("forgets", "message"),
    [
        ("stride", r"the branch of layer2\.0 strides by 1, its block by 2"),
        ("width", "ends in 9 channels"),
        ("groups", "3 groups do not divide 8 and 8 channels"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(forgets: str, message: str) -> None:
    rf.register(CarelessSpec, Twist)
    with pytest.raises(rf.SpecError, match=message):
        rf.plan(network({"kind": "careless", "forgets": forgets}), 8)


def test_a_module_that_strides_otherwise_is_refused() -> None:
    class Strider(Twist):
        def __init__(self, *sizes: Any) -> None:
            super().__init__(*sizes)
            self.conv.stride = (3, 3)

    class StriderSpec(TwistSpec):
        kind: Literal["strider"] = "strider"  # type: ignore[assignment]

        def call(self, module: Module) -> Call:
            return super().call(module)._replace(name="Strider")

    rf.register(StriderSpec, Strider)
    with pytest.raises(BuildError, match=r"layer1\.0\.branch\.conv\.stride: planned \(1, 1\)"):
        rf.build(network("strider"))


def test_a_subclass_of_a_kind_must_be_registered_itself() -> None:
    class SubSpec(BottleneckSpec):
        kind: Literal["sub"] = "sub"  # type: ignore[assignment]

    with pytest.raises(rf.SpecError, match="'sub' is not one of"):
        rf.load("resnet50").replace({"block": "sub"})
    rf.register(SubSpec)
    spec = rf.load("resnet50").replace({"block": "sub"})
    assert spec.digest == rf.load("resnet50").digest


def test_a_kind_that_does_not_dilate_is_never_told_to() -> None:
    rf.register(TwistSpec, Twist)
    with pytest.raises(rf.SpecError, match=r"twist blocks do not dilate \(layer2\.0\)"):
        network().replace({"stages[1].dilation": 2})


@pytest.mark.parametrize("norm", ["batch", "none", {"kind": "group", "groups": 4}])
def test_every_norm(norm: Any) -> None:
    rf.register(TwistSpec, Twist)
    rf.build(network().replace({"norm": norm}))


class RollSpec(SwapSpec):
    """An operation with a field that is not its main one."""

    kind: Literal["roll"] = "roll"  # type: ignore[assignment]
    by: int = 1


@pytest.mark.parametrize(
    ("spec", "written", "help_"),
    [
        (SwapSpec, {"swap": 1}, "write swap"),
        (RollSpec, {"roll": 2}, "write {kind: roll, by: ...}"),
        (RollSpec, {"roll": 2, "by": 3}, "write {kind: roll, by: ...}"),
    ],
)
def test_an_operation_without_a_main_field_has_no_short_form(
    spec: type[Operation], written: dict[str, int], help_: str
) -> None:
    rf.register(spec, Swap)
    with pytest.raises(rf.SpecError, match="has no main field") as error:
        network({"branch": [{"conv": 3, "stride": "block"}, "norm", written]})
    assert error.value.help == help_


def test_a_built_in_kind_stays() -> None:
    class Basic(TwistSpec):
        kind: Literal["basic"] = "basic"  # type: ignore[assignment]

    with pytest.raises(rf.SpecError, match="'basic' is a built-in kind"):
        rf.register(Basic, Twist)
    assert BLOCKS["basic"] is not Basic


@pytest.mark.parametrize("kind", ["os.system", "", "a b"])
def test_a_kind_is_a_name(kind: str) -> None:
    class Strange(BlockSpec):
        kind: str = "x"

    Strange.model_fields["kind"].default = kind
    with pytest.raises(rf.SpecError, match="Strange is no block kind"):
        rf.register(Strange, Twist)


def test_a_kind_is_a_spec() -> None:
    with pytest.raises(rf.SpecError, match="int is no kind"):
        rf.register(int, Twist)  # type: ignore[arg-type]


def test_a_module_in_the_place_of_the_spec() -> None:
    with pytest.raises(rf.SpecError, match="Twist is a module, and the first argument is"):
        rf.register(Twist, TwistSpec)  # type: ignore[arg-type]


def test_two_modules_of_one_name() -> None:
    """Calls name their classes: the second would have stood in for the first."""

    class OtherSpec(TwistSpec):
        kind: Literal["other"] = "other"  # type: ignore[assignment]

    other = type("Twist", (Twist,), {"__module__": "elsewhere"})
    rf.register(TwistSpec, Twist)
    with pytest.raises(rf.SpecError, match="Twist is the name of the module of 'twist'"):
        rf.register(OtherSpec, other)
    rf.register(OtherSpec, Twist)
    unregister(TwistSpec)
    rf.build(network("other"))
    unregister(OtherSpec)
    assert "Twist" not in MODULES


def test_a_stem_names_the_fields_that_are_widths() -> None:
    class FixedSpec(StemSpec):
        kind: Literal["fixed"] = "fixed"

        def steps(self, site: Site) -> Steps:
            return (("conv1", ConvSpec(kernel=3, width=8)),)

    with pytest.raises(rf.SpecError, match="its width_fields name 'width', which is no field"):
        rf.register(FixedSpec)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (None, "gives None, which is no call"),
        (call("Twist", 1), "Twist cannot be called as its spec says: missing"),
        (call("nn.Conv2D", 1), "no module 'nn.Conv2D' in PyTorch"),
    ],
)
def test_a_call_that_makes_no_module(made: Any, message: str) -> None:
    class CallsSpec(TwistSpec):
        kind: Literal["calls"] = "calls"  # type: ignore[assignment]

        def call(self, module: Module) -> Call:
            return made

    rf.register(CallsSpec, Twist)
    with pytest.raises(BuildError, match=message):
        rf.build(network("calls"))


def test_two_operations_of_one_name() -> None:
    class TwiceSpec(BlockSpec):
        kind: Literal["twice"] = "twice"

        def chains(self, site: Site, shared: bool) -> Chains:
            conv = ConvSpec(kernel=3, stride="block")
            return Chains((), (("a", conv), ("a", ActSpec())), ())

    rf.register(TwiceSpec)
    with pytest.raises(BuildError, match="two operations of one chain are named 'a'"):
        rf.build(network("twice"))


class NegatedMapSpec(Operation):
    """-x, by a module whose methods are one line each."""

    kind: Literal["negated_map"] = "negated_map"

    def call(self, module: Module) -> Call:
        return call("NegatedMap")


class NegatedMap(nn.Module):
    # fmt: off
    def forward(self, x: Tensor) -> Tensor: return -x
    # fmt: on


def test_a_module_of_short_lines_is_exported(tmp_path: Path) -> None:
    rf.register(NegatedMapSpec, NegatedMap)
    try:
        model = rf.build(rf.load("digits_resnet8").replace({"closing": ["negated_map"]})).eval()
        rf.save_pretrained(model, tmp_path)
        assert "def forward(self, x: Tensor) -> Tensor: return -x" in to_code(model.spec)
        x = torch.randn(1, 1, 8, 8)
        again = rf.from_pretrained(tmp_path)
        assert torch.equal(again(x), model(x))
    finally:
        unregister(NegatedMapSpec)
