"""Block kinds of one's own: known to files, plans, schema and builder after one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import pytest
import resforge as rf
import torch
from resforge import blocks
from resforge.builder import join
from resforge.errors import BuildError
from resforge.specs import BlockPlan, BlockSpec, BottleneckSpec, NormSpec, ResNetSpec, Trace
from resforge.specs import block as block_specs
from resforge.specs.block import UNDILATED, Dilations
from resforge.specs.register import rebuild_models
from torch import Tensor, nn


class ScaledSpec(BlockSpec):
    """A basic block whose branch is scaled by one learnt number for each channel."""

    kind: Literal["scaled_basic"] = "scaled_basic"
    start: float = 0.1

    def lay(self, trace: Trace, width: int, stride: int, norm: NormSpec) -> None:
        trace.conv("conv1", width, 3, stride, bias=self.bias(norm))
        trace.norm("bn1", norm)
        trace.parameter("scale", width, 1, 1)


class Scaled(blocks.ResidualBlock):
    def __init__(self, block: BlockPlan, start: float, shortcut: Any, norm: Any, activation: Any):
        super().__init__()
        sizes = (block.in_channels, block.out_channels)
        self.conv1, self.bn1 = blocks.conv_norm(*sizes, 3, stride=block.stride, norm=norm)
        self.scale = nn.Parameter(torch.full((block.out_channels, 1, 1), start))
        self.downsample = blocks.fit_shortcut(shortcut, *sizes, block.stride)
        self.relu = activation()

    def transform(self, x: Tensor) -> Tensor:
        return self.bn1(self.conv1(x)) * self.scale


def make_scaled(block: BlockPlan, **parts: Any) -> nn.Module:
    return Scaled(block, block.spec.start, **parts)  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """What a test registers is gone after it."""
    kinds, modules = dict(block_specs.BLOCKS), dict(join.BLOCKS)
    yield
    for registry, before in ((block_specs.BLOCKS, kinds), (join.BLOCKS, modules)):
        registry.clear()
        registry.update(before)  # type: ignore[arg-type]
    rebuild_models()


def network(block: Any = "scaled_basic") -> ResNetSpec:
    return rf.load("digits_resnet8").replace({"block": block})


def test_a_file_can_name_it() -> None:
    rf.register(ScaledSpec, make_scaled)
    spec = rf.loads(network().to_yaml())
    assert isinstance(spec.block, ScaledSpec)
    assert rf.loads(spec.to_json()) == spec
    model, plan = rf.build(spec), rf.plan(spec, 8)
    assert plan.params == sum(p.numel() for p in model.parameters())
    assert plan.parameters["layer1.0.scale"] == (8, 1, 1)
    assert torch.equal(model.layer1[0].scale, torch.full((8, 1, 1), 0.1))
    assert model(torch.randn(2, 1, 8, 8)).shape == (2, 10)


def test_its_fields_are_checked_and_its_kind_is_in_the_schema() -> None:
    rf.register(ScaledSpec, make_scaled)
    with pytest.raises(rf.SpecError, match="did you mean 'start'"):
        network({"kind": "scaled_basic", "stat": 1.0})
    assert "scaled_basic" in str(ResNetSpec.model_json_schema())


def test_without_registering_it_is_unknown() -> None:
    with pytest.raises(rf.SpecError, match="not one of basic, bottleneck, d2l, x"):
        network()


def test_registering_again_replaces() -> None:
    rf.register(ScaledSpec, make_scaled)
    rf.register(ScaledSpec, lambda block, **parts: make_scaled(block, **parts).double())
    assert rf.build(network()).layer1[0].conv1.weight.dtype == torch.float64


def test_plan_and_module_must_agree() -> None:
    def forgets_the_scale(block: BlockPlan, **parts: Any) -> nn.Module:
        return blocks.BasicBlock(
            block.in_channels, block.out_channels, stride=block.stride, **parts
        )

    rf.register(ScaledSpec, forgets_the_scale)
    with pytest.raises(BuildError, match=r"layer1\.0\.scale: planned \(8, 1, 1\), built nothing"):
        rf.build(network())


def test_random_numbers_in_a_constructor_follow_the_seed_and_spare_the_caller() -> None:
    def draws(block: BlockPlan, **parts: Any) -> nn.Module:
        module = make_scaled(block, **parts)
        nn.init.constant_(module.scale, torch.rand(()).item())
        return module

    rf.register(ScaledSpec, draws)
    before = torch.random.get_rng_state()
    first, second = rf.build(network(), seed=1), rf.build(network(), seed=1)
    assert torch.equal(first.layer1[0].scale, second.layer1[0].scale)
    assert torch.equal(torch.random.get_rng_state(), before)


class GatedSpec(BlockSpec):
    """One convolution whose output is scaled by a single number that starts at 0 (ReZero)."""

    kind: Literal["gated"] = "gated"

    def lay(self, trace: Trace, width: int, stride: int, norm: NormSpec) -> None:
        trace.conv("conv1", width, 3, stride, bias=True)
        trace.parameter("alpha")
        trace.parameter("act.weight", 1)


class Gated(blocks.ResidualBlock):
    def __init__(self, block: BlockPlan, shortcut: Any, norm: Any, activation: Any) -> None:
        super().__init__()
        sizes = (block.in_channels, block.out_channels)
        self.conv1 = nn.Conv2d(*sizes, 3, block.stride, 1)
        self.alpha = nn.Parameter(torch.empty(()))
        nn.init.constant_(self.alpha, 0.5)
        self.act = nn.PReLU()
        self.downsample = blocks.fit_shortcut(shortcut, *sizes, block.stride)
        self.relu = activation()

    def transform(self, x: Tensor) -> Tensor:
        return self.act(self.conv1(x)) * self.alpha


def test_what_a_constructor_initialises_stays() -> None:
    rf.register(GatedSpec, Gated)
    model, plan = rf.build(network("gated")), rf.plan(network("gated"), 8)
    assert plan.params == sum(p.numel() for p in model.parameters())
    assert plan.parameters["layer1.0.alpha"] == ()
    assert model.layer1[0].alpha.item() == 0.5
    assert model.layer1[0].act.weight.item() == 0.25


def test_zero_residual_needs_a_norm_in_every_branch() -> None:
    rf.register(GatedSpec, Gated)
    with pytest.raises(rf.SpecError, match=r"layer1\.0 has none"):
        network("gated").replace({"init.zero_residual": True})


class CarelessSpec(BlockSpec):
    kind: Literal["careless"] = "careless"
    forgets: str = "stride"

    def lay(self, trace: Trace, width: int, stride: int, norm: NormSpec) -> None:
        channels = width + 1 if self.forgets == "width" else width
        groups = 3 if self.forgets == "groups" else 1
        trace.conv("conv1", channels, 3, 1 if self.forgets == "stride" else stride, groups)


@pytest.mark.parametrize(
    ("forgets", "message"),
    [
        ("stride", r"the branch of layer2\.0 ends in"),
        ("width", "ends in 9 channels"),
        ("groups", "3 groups do not divide 8 and 8 channels"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(forgets: str, message: str) -> None:
    rf.register(CarelessSpec, make_scaled)
    with pytest.raises(rf.SpecError, match=message):
        rf.plan(network({"kind": "careless", "forgets": forgets}), 8)


def test_a_module_that_strides_otherwise_is_refused() -> None:
    def strides_twice(block: BlockPlan, **parts: Any) -> nn.Module:
        module = make_scaled(block, **parts)
        module.conv1.stride = (3, 3)
        return module

    rf.register(ScaledSpec, strides_twice)
    with pytest.raises(BuildError, match=r"layer1\.0\.conv1\.stride: planned \(1, 1\)"):
        rf.build(network())


def test_a_kind_without_a_literal_leaves_everything_as_it_was() -> None:
    class Loose(ScaledSpec):
        kind: str = "loose"  # type: ignore[assignment]

    with pytest.raises(rf.SpecError, match="Loose is no block kind"):
        rf.register(Loose, make_scaled)
    assert rf.load("resnet18").name == "resnet18"


def test_a_kind_without_layers() -> None:
    class Bare(BlockSpec):
        kind: Literal["bare"] = "bare"

    with pytest.raises(rf.SpecError, match="Bare is no block kind"):
        rf.register(Bare, make_scaled)


def test_a_maker_is_a_function() -> None:
    with pytest.raises(rf.SpecError, match="a function that makes the module"):
        rf.register(ScaledSpec, None)  # type: ignore[arg-type]


def test_a_subclass_of_a_kind_must_be_registered_itself() -> None:
    class Sub(BottleneckSpec):
        pass

    spec = rf.ResNetSpec(resforge=1, stages=[{"depth": 1, "width": 4}], block=Sub())
    with pytest.raises(BuildError, match="Sub is not registered"):
        rf.build(spec)


class SpreadSpec(ScaledSpec):
    """A scaled block that dilates."""

    kind: Literal["spread"] = "spread"  # type: ignore[assignment]
    dilates: ClassVar[bool] = True

    def lay(
        self,
        trace: Trace,
        width: int,
        stride: int,
        norm: NormSpec,
        dilations: Dilations = UNDILATED,
    ) -> None:
        trace.conv("conv1", width, 3, stride, bias=self.bias(norm), dilation=dilations.first)
        trace.norm("bn1", norm)
        trace.parameter("scale", width, 1, 1)


def make_spread(block: BlockPlan, **parts: Any) -> nn.Module:
    module = make_scaled(block, **parts)
    dilation = block.layer("conv1").dilation
    module.conv1.dilation = module.conv1.padding = (dilation, dilation)
    return module


def test_a_kind_that_dilates_is_another_network_when_dilated() -> None:
    rf.register(SpreadSpec, make_spread)
    plain = network("spread")
    dilated = plain.replace({"stages[1].dilation": 2})
    assert rf.build(dilated).layer2[0].conv1.dilation == (1, 1)
    assert rf.build(dilated).layer3[0].conv1.dilation == (2, 2)
    assert dilated.digest != plain.digest
    assert plain.replace({"stages[1].first_dilation": 1}).digest == plain.digest


def test_a_kind_that_does_not_dilate_is_never_told_to() -> None:
    rf.register(ScaledSpec, make_scaled)
    with pytest.raises(rf.SpecError, match=r"scaled_basic blocks do not dilate \(layer2\.0\)"):
        network().replace({"stages[1].dilation": 2})


@pytest.mark.parametrize("norm", ["batch", "none", {"kind": "group", "groups": 4}])
def test_every_norm(norm: Any) -> None:
    rf.register(ScaledSpec, make_scaled)
    rf.build(network().replace({"norm": norm}))


def test_a_built_in_kind_stays() -> None:
    class Basic(BlockSpec):
        kind: Literal["basic"] = "basic"

    with pytest.raises(rf.SpecError, match="'basic' is a built-in kind"):
        rf.register(Basic, make_scaled)


@pytest.mark.parametrize("kind", ["os.system", "", "a b"])
def test_a_kind_is_a_name(kind: str) -> None:
    class Strange(BlockSpec):
        kind: str = "x"

    Strange.model_fields["kind"].default = kind
    with pytest.raises(rf.SpecError, match="Strange is no block kind"):
        rf.register(Strange, make_scaled)


def test_a_kind_is_a_block_spec() -> None:
    with pytest.raises(rf.SpecError, match="int is no block kind"):
        rf.register(int, make_scaled)  # type: ignore[arg-type]
