"""What convolutions convolve with: standardised weights, against formulas written by hand."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from resforge.blocks import ScaledStandardizedConv2d, StandardizedConv2d
from resforge.export.folding import fuse
from torch import Tensor

STANDARD = {"kind": "standardized", "eps": 1e-4}
SAMPLE = {"kind": "standardized", "estimate": "sample", "eps": 1e-4}
SCALED = {"kind": "scaled_standardized", "gamma": 1.7, "eps": 1e-4}
ALL = [STANDARD, SAMPLE, SCALED]
SMALL: dict[str, Any] = {
    "resforge": 1,
    "stem": {"kind": "conv3x3", "width": 8},
    "stages": [{"depth": 1, "width": 8}, {"depth": 1, "width": 16, "stride": 2}],
    "head": {"num_classes": 3},
}


def convolved(weight: Tensor, convolution: dict[str, Any], gain: Tensor | None) -> Tensor:
    """The weight that is convolved with, in double precision and one channel after another."""
    found = []
    for number, own in enumerate(weight.double()):
        centred, eps = own - own.mean(), convolution["eps"]
        variance = centred.square().mean()
        if convolution["kind"] == "scaled_standardized":
            assert gain is not None
            factor = convolution["gamma"] * gain[number].double() / own.numel() ** 0.5
            found.append(factor * centred / (variance + eps).sqrt())
        elif "estimate" in convolution:
            deviation = (centred.square().sum() / (own.numel() - 1)).sqrt()
            found.append(centred / (deviation + eps))
        else:
            found.append(centred / (variance + eps).sqrt())
    return torch.stack(found)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("convolution", ALL, ids=["population", "sample", "scaled"])
def test_the_weight_is_that_of_the_formula(convolution: dict[str, Any], groups: int) -> None:
    options = {name: value for name, value in convolution.items() if name != "kind"}
    scaled = convolution["kind"] == "scaled_standardized"
    kind = ScaledStandardizedConv2d if scaled else StandardizedConv2d
    conv = kind(4, 6, 3, stride=2, padding=1, groups=groups, **options)
    gain = conv.gain if isinstance(conv, ScaledStandardizedConv2d) else None
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.normal_()
    x = torch.randn(2, 4, 9, 7)
    weight = convolved(conv.weight, convolution, gain)
    assert conv.bias is not None
    wanted = F.conv2d(x.double(), weight, conv.bias.double(), 2, 1, groups=groups)
    torch.testing.assert_close(conv(x).double(), wanted, rtol=1e-5, atol=1e-5)  # sums in float32


@pytest.mark.parametrize("convolution", ALL, ids=["population", "sample", "scaled"])
def test_norms_are_folded_into_what_is_convolved_with(convolution: dict[str, Any]) -> None:
    model = rf.build({**SMALL, "convolution": convolution}).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
    fused, x = fuse(model), torch.randn(2, 3, 17, 15)
    kinds = {type(module).__name__ for module in fused.modules()}
    assert not kinds & {"StandardizedConv2d", "ScaledStandardizedConv2d", "BatchNorm2d"}
    # Another order of the same products: relative to the largest output, in float32.
    out = model(x)
    torch.testing.assert_close(fused(x), out, rtol=0, atol=1e-5 * out.abs().max().item())


def test_a_gain_starts_at_1_and_its_bias_at_0() -> None:
    model = rf.build({**SMALL, "convolution": SCALED, "norm": "none"})
    tensors = model.state_dict()
    gains = [tensor for name, tensor in tensors.items() if name.endswith(".gain")]
    biases = [tensor for name, tensor in tensors.items() if name.endswith("conv1.bias")]
    assert len(gains) == 6
    assert all(gain.eq(1).all() for gain in gains)
    assert len(biases) == 3
    assert all(bias.eq(0).all() for bias in biases)


def test_zero_residual_starts_the_gain_at_0_and_trains_it() -> None:
    init = {"zero_residual": True}
    model = rf.build({**SMALL, "convolution": SCALED, "norm": "none", "init": init})
    last = model.get_submodule("layer1.0.conv2")
    assert isinstance(last, ScaledStandardizedConv2d)
    assert last.gain.eq(0).all()
    assert last.weight.ne(0).all()
    model(torch.randn(2, 3, 8, 8)).square().sum().backward()
    assert last.gain.grad is not None
    assert last.gain.grad.abs().max() > 0


def test_a_convolution_of_a_chain_may_name_its_own() -> None:
    branch = [{"conv": 3, "stride": "block", "convolution": "plain"}, "norm", "act", {"conv": 3}]
    plan = rf.plan({**SMALL, "convolution": SCALED, "block": {"branch": branch}})
    assert "layer1.0.branch.conv1.gain" not in plan.state_dict
    assert plan.state_dict["layer1.0.branch.conv2.gain"] == (8, 1, 1, 1)


def test_plain_is_what_it_was() -> None:
    spec = rf.load("resnet18")
    assert spec.replace({"convolution": "plain"}).digest == spec.digest
    others = [spec.replace({"convolution": convolution}).digest for convolution in ALL]
    assert len({spec.digest, *others}) == 4


@pytest.mark.parametrize("block", ["basic", {"branch": [{"conv": 1}, {"conv": 3}]}])
def test_a_weight_of_one_number_is_refused(block: Any) -> None:
    tree = {
        "resforge": 1,
        "in_channels": 1,
        "stem": [{"conv": 1, "width": 4}],
        "stages": [{"depth": 1, "width": 4}],
    }
    with pytest.raises(rf.SpecError, match="standardized makes 0 of a weight that is one number"):
        rf.ResNetSpec(**{**tree, "block": block, "convolution": "standardized"})


def test_infer_spec_reads_it_from_a_module() -> None:
    for convolution in ALL:
        spec = rf.ResNetSpec(**SMALL, convolution=convolution)
        inferred, certificate = rf.infer_spec(rf.build(spec))
        assert inferred.digest == spec.digest
        assert certificate.kind == "bitwise"
