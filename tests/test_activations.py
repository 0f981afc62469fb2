"""Activations with fields, and with parameters of their own."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import resforge as rf
import torch
from drawn import shaken
from resforge.export.source import to_code
from resforge.specs.activation import ACTIVATIONS
from resforge.specs.expand import expand
from torch import Tensor, nn

PLACES: tuple[tuple[Any, nn.Module], ...] = (
    ({"kind": "leaky_relu", "slope": 0.1}, nn.LeakyReLU(0.1)),
    ({"kind": "elu", "alpha": 0.5}, nn.ELU(0.5)),
    ({"kind": "celu", "alpha": 0.3}, nn.CELU(0.3)),
    ("celu", nn.CELU()),
    ("hardtanh", nn.Hardtanh()),
    ("hardsigmoid", nn.Hardsigmoid()),
    ("sigmoid", nn.Sigmoid()),
)


def spec_of(activation: Any, **fields: Any) -> rf.ResNetSpec:
    tree: dict[str, Any] = {"stem": {"kind": "conv3x3", "width": 8}, "head": {"num_classes": 3}}
    stages = [{"depth": 2, "width": 8}, {"depth": 1, "width": 12, "stride": 2}]
    return rf.ResNetSpec(resforge=1, stages=stages, activation=activation, **{**tree, **fields})


@pytest.mark.parametrize(("activation", "module"), PLACES, ids=str)
def test_a_function_with_fields_is_pytorchs(activation: Any, module: nn.Module) -> None:
    chain = [{"conv": 1, "width": 8}, {"act": activation}]
    model = rf.build(spec_of("relu", stem=chain))
    x = torch.randn(2, 3, 5, 5)
    assert torch.equal(model.stem(x), module(model.stem[0](x)))


def prelu(x: Tensor, slopes: Tensor) -> Tensor:
    return torch.where(x >= 0, x, slopes[:, None, None] * x)


@pytest.mark.parametrize("shared", [False, True])
def test_a_learned_slope(shared: bool) -> None:
    spec = spec_of({"kind": "prelu", "slope": 0.1, "shared": shared}, block={"kind": "bottleneck"})
    model, plan = shaken(rf.build(spec)).eval(), rf.plan(spec)
    slopes = 1 if shared else 8
    assert plan.state_dict["layer1.0.relu1.weight"] == (slopes,)
    plain = rf.plan(spec_of("relu", block={"kind": "bottleneck"}))
    slopes = [shape for name, shape in plan.parameters.items() if "relu" in name]
    assert plan.params - plain.params == sum(shape[0] for shape in slopes)
    assert (plan.macs, plan.depth) == (plain.macs, plain.depth)
    block, x = model.layer1[0], torch.randn(2, 8, 6, 6)
    inner = x
    for number in "123":
        inner = getattr(block, f"bn{number}")(getattr(block, f"conv{number}")(inner))
        if number != "3":
            inner = prelu(inner, getattr(block, f"relu{number}").weight)
    joined = prelu(inner + block.downsample(x), block.relu.weight)
    assert torch.equal(block(x), joined)


def test_learned_slopes_start_at_their_value_and_learn() -> None:
    model = rf.build(spec_of({"kind": "prelu", "slope": 0.5}))
    assert model.relu.weight.tolist() == [0.5] * 8
    model(torch.randn(4, 3, 8, 8)).sum().backward()
    assert all(p.grad is not None for name, p in model.named_parameters() if "relu" in name)


@pytest.mark.parametrize("order", ["post", "relu_before_add", "full_pre", "relu_only_pre"])
def test_learned_slopes_in_every_order(order: str) -> None:
    spec = spec_of(
        "prelu",
        block={"kind": "basic", "order": order, "attention": {"kind": "se", "reduction": 4}},
    )
    model = shaken(rf.build(spec))
    namespace: dict[str, Any] = {}
    exec(to_code(spec), namespace)
    written = namespace["ResNet"]()
    written.load_state_dict(model.state_dict())
    x = torch.randn(2, 3, 9, 9)
    for training in (True, False):
        assert torch.equal(written.train(training)(x), model.train(training)(x))
    assert rf.infer_spec(model.eval()).spec.digest == spec.digest
    assert rf.infer_spec(model.state_dict()).spec.activation == "prelu"
    assert expand(spec).digest == spec.digest
    assert rf.spec_of(model) == spec


def test_a_branch_that_ends_in_learned_slopes_starts_at_its_norm() -> None:
    block = {"kind": "basic", "order": "relu_before_add"}
    model = rf.build(spec_of("prelu", block=block, init={"zero_residual": True}))
    assert not model.layer1[0].bn2.weight.any()
    assert model.layer1[0].relu_branch.weight.all()


def test_one_value_for_the_ways_to_write_it() -> None:
    for name in ACTIVATIONS:
        assert spec_of({"kind": name}) == spec_of(name)
        assert spec_of({"kind": name}).activation == name
    spec = spec_of({"kind": "celu", "alpha": 0.3})
    assert rf.loads(spec.to_yaml()) == spec == rf.loads(spec.to_json())
    assert "activation: {kind: celu, alpha: 0.3}" in spec.to_yaml()
    assert spec.replace({"activation.alpha": 1.0}).activation == "celu"
    assert spec.digest != spec_of("celu").digest


def test_only_initial_values_of_slopes_leave_the_function_alone(tmp_path: Any) -> None:
    file = tmp_path / "prelu.safetensors"
    rf.save_weights(rf.build(spec_of("prelu")), file)
    rf.load_weights(rf.build(spec_of({"kind": "prelu", "slope": 0.5})), file)
    rf.save_weights(rf.build(spec_of({"kind": "leaky_relu", "slope": 0.1})), file)
    with pytest.raises(rf.ResforgeError, match="another function"):
        rf.load_weights(rf.build(spec_of("leaky_relu")), file)


GAIN: dict[str, Any] = {"kind": "gelu", "gain": 1.7}


def test_a_gain_multiplies_the_output() -> None:
    model = rf.build(spec_of("relu", stem=[{"conv": 1, "width": 8}, {"act": GAIN}]))
    x = torch.randn(2, 3, 5, 5)
    assert torch.equal(model.stem(x), nn.GELU()(model.stem[0](x)) * 1.7)


@pytest.mark.parametrize("function", ["gelu", {"kind": "prelu", "slope": 0.1}], ids=str)
def test_a_gain_is_the_function_and_a_factor(function: Any) -> None:
    named = {"kind": function} if isinstance(function, str) else function
    both = [{"act": {**named, "gain": 1.7}}]
    apart = [{"act": function}, {"multiply": 1.7}]
    specs = [
        spec_of("relu", block={"branch": [{"conv": 3, "stride": "block"}, *ops, {"conv": 3}]})
        for ops in (both, apart)
    ]
    assert specs[0].digest == specs[1].digest
    ours, theirs = (rf.build(spec) for spec in specs)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(2, 3, 6, 6)
    assert torch.equal(ours.eval()(x), theirs.eval()(x))


def test_the_networks_activation_has_a_gain_everywhere() -> None:
    spec = spec_of(GAIN, block={"kind": "bottleneck"})
    assert spec.digest != spec_of("gelu", block={"kind": "bottleneck"}).digest
    assert expand(spec).digest == spec.digest
    assert pickle.loads(pickle.dumps(spec)) == spec
    model, names = shaken(rf.build(spec)).eval(), dict[str, Any]()
    exec(to_code(spec), names)
    other, x = names["ResNet"](), torch.randn(2, 3, 9, 8)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.eval()(x), model(x))
    plan = rf.plan(
        {**spec.to_tree(), "dims": 3, "block": {"kind": "basic", "conv1": "conv2plus1d"}}
    )
    assert rf.build(plan.spec)(torch.randn(1, 3, 6, 6, 6)).shape == (1, 3)


def test_none_has_no_gain() -> None:
    with pytest.raises(rf.SpecError, match="unknown key 'gain'"):
        spec_of({"kind": "none", "gain": 2.0})
