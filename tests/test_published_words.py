"""Fields that published code needs: what strides, what is activated twice, what is scaled when."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
from drawn import shaken
from resforge.blocks import StochasticDepth
from torch import Tensor

STAGES = [{"depth": 2, "width": 8}, {"depth": 1, "width": 12, "stride": 2}]


def spec_of(**fields: Any) -> rf.ResNetSpec:
    tree = {"stem": {"kind": "conv3x3", "width": 8}, "head": {"num_classes": 3}, **fields}
    return rf.ResNetSpec(resforge=1, stages=STAGES, **tree)


def test_a_first_block_that_activates_twice() -> None:
    spec = spec_of(block={"kind": "basic", "order": "full_pre", "activate_twice": True})
    model, x = shaken(rf.build(spec)).eval(), torch.randn(2, 8, 6, 6)
    block = model.layer1[0]
    inner = torch.relu(block.bn1(block.conv1(torch.relu(block.bn0(x)))))
    assert torch.equal(block(x), block.conv2(inner) + x)
    assert spec.digest != spec.replace({"block.activate_twice": False}).digest
    assert rf.infer_spec(model).spec.digest == spec.digest


def test_activating_twice_needs_an_order_that_activates_first() -> None:
    with pytest.raises(rf.SpecError, match="post does not activate"):
        spec_of(block={"kind": "basic", "activate_twice": True})


def test_the_second_convolution_strides() -> None:
    spec = spec_of(
        block={"kind": "basic", "order": "pyramid", "stride_on": "conv2"}, closing=["norm"]
    )
    block = rf.plan(spec).stages[1][0]
    assert (block.layer("conv1").stride, block.layer("conv2").stride) == (1, 2)
    assert rf.infer_spec(shaken(rf.build(spec)).eval()).spec.digest == spec.digest


@pytest.mark.parametrize("closing", [[], ["norm"]])
def test_a_bare_stem_and_an_end_without_a_norm_are_inferred(closing: list[str]) -> None:
    stem = [{"conv": 3, "width": 8}]
    spec = spec_of(stem=stem, block={"kind": "basic", "order": "full_pre"}, closing=closing)
    assert rf.infer_spec(shaken(rf.build(spec)).eval()).spec.digest == spec.digest


def test_branches_are_scaled_in_evaluation() -> None:
    module, x = StochasticDepth(0.25, scaled="evaluation"), torch.randn(4, 3)
    assert torch.equal(module.eval()(x), x * 0.75)
    torch.manual_seed(0)
    drawn = [module.train()(x) for _ in range(20)]
    assert {bool(torch.equal(y, x)) for y in drawn} == {True, False}
    assert all(torch.equal(y, x) or not y.any() for y in drawn)
    rule = {"rate": 0.5, "rule": "linear_from_zero", "scaled": "evaluation"}
    spec = spec_of(stochastic_depth=rule)
    plain = spec.replace({"stochastic_depth": None})
    model, other = shaken(rf.build(spec)).eval(), shaken(rf.build(plain)).eval()
    y: Tensor = model.layer1[1].transform(x := torch.randn(1, 8, 5, 5))
    assert torch.equal(y, other.layer1[1].transform(x) * 0.75)
    assert (
        len(
            {
                spec.digest,
                plain.digest,
                spec.replace({"stochastic_depth.scaled": "training"}).digest,
            }
        )
        == 3
    )


def test_a_vector_is_normalised() -> None:
    spec = spec_of(head=[{"flatten": 4}, {"linear": 6, "bias": False}, "norm", "act"])
    model = shaken(rf.build(spec)).eval()
    assert spec.natural_input_size == 8
    x = torch.randn(2, 3, 8, 8)
    maps = model.features(x)[-1].flatten(1)
    wanted = torch.relu(model.head.norm1(maps @ model.head.linear1.weight.T))
    assert torch.allclose(model(x), wanted, atol=1e-6)
    assert rf.plan(spec).state_dict["head.linear1.weight"] == (6, 192)
    assert "head.linear1.bias" not in rf.plan(spec).state_dict
