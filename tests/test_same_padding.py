"""Convolutions that pad as TensorFlow's SAME, against its formula written by hand."""

from __future__ import annotations

from math import ceil
from typing import Any

import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from drawn import shaken
from hypothesis import given, settings
from hypothesis import strategies as st
from resforge import blocks
from resforge.export import fuse, to_code
from resforge.specs.trace import Trace
from torch import Tensor

KINDS: list[dict[str, Any]] = [
    {"kind": "plain", "padding": "same"},
    {"kind": "standardized", "padding": "same"},
    {"kind": "scaled_standardized", "gamma": 1.7, "padding": "same"},
]


def padded(x: Tensor, kernel: int, stride: int, dilation: int) -> Tensor:
    """x with the zeros of TensorFlow's rule: axis after axis, the odd one at the end."""
    for axis in range(2, x.ndim):
        side = x.shape[axis]
        extent = dilation * (kernel - 1) + 1
        total = max((ceil(side / stride) - 1) * stride + extent - side, 0)
        before, after = [*x.shape], [*x.shape]
        before[axis], after[axis] = total // 2, total - total // 2
        x = torch.cat([torch.zeros(before), x, torch.zeros(after)], axis)
    return x


def tree(dims: int = 2, **fields: Any) -> dict[str, Any]:
    return {
        "resforge": 1,
        "dims": dims,
        "stem": [{"conv": 4, "width": 8, "stride": 2}, "norm", "act"],
        "stages": [{"depth": 1, "width": 8}, {"depth": 2, "width": 16, "stride": 2}],
        "head": {"num_classes": 3},
        "convolution": KINDS[0],
        **fields,
    }


@settings(max_examples=60, deadline=None)
@given(
    dims=st.sampled_from([1, 2, 3]),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    side=st.integers(1, 12),
)
def test_a_convolution_is_that_of_the_rule(
    dims: int, kernel: int, stride: int, dilation: int, side: int
) -> None:
    size = (side, side + 1, side + 3)[:dims]
    trace = Trace(2, size)
    layer = trace.conv("conv", 3, kernel, stride, 1, True, dilation, "same")
    kind = f"SameConv{dims}d"
    conv = getattr(blocks, kind)(2, 3, kernel, stride, dilation=dilation)
    x = torch.randn(2, 2, *size)
    options = {"stride": stride, "dilation": dilation}
    wanted = getattr(F, f"conv{dims}d")(
        padded(x, kernel, stride, dilation), conv.weight, conv.bias, **options
    )
    assert torch.equal(conv(x), wanted)
    assert layer.out_size == wanted.shape[2:]
    if layer.padding != "same":  # the same on both sides of every map
        plain = getattr(F, f"conv{dims}d")
        out = plain(x, conv.weight, conv.bias, padding=layer.padding, **options)
        assert torch.equal(out, wanted)


@pytest.mark.parametrize("convolution", KINDS[1:], ids=["standardized", "scaled"])
def test_standardised_weights_take_the_padded_map(convolution: dict[str, Any]) -> None:
    name = "Standardized" if convolution["kind"] == "standardized" else "ScaledStandardized"
    conv = getattr(blocks, f"Same{name}Conv2d")(4, 6, 3, stride=2)
    x = torch.randn(2, 4, 8, 7)
    wanted = F.conv2d(padded(x, 3, 2, 1), conv.convolved(), conv.bias, 2)
    assert torch.equal(conv(x), wanted)


@pytest.mark.parametrize("convolution", KINDS, ids=["plain", "standardized", "scaled"])
def test_a_network_pads_each_strided_convolution(convolution: dict[str, Any]) -> None:
    spec = rf.ResNetSpec(**tree(convolution=convolution))
    plan = rf.plan(spec, input_size=(18, 23))
    model, x = shaken(rf.build(spec)).eval(), torch.randn(2, 3, 18, 23)
    assert [feature.size for feature in plan.features] == [(9, 12), (5, 6)]
    assert [layer.name for layer in plan.layers if layer.padding == "same"] == [
        "stem.conv1",
        "layer2.0.conv1",
    ]
    out = model(x)
    assert torch.equal(torch.fx.symbolic_trace(model)(x), out)
    fused = fuse(model)
    assert not any("Standardized" in type(each).__name__ for each in fused.modules())
    # Another order of the same products: relative to the largest output, in float32.
    torch.testing.assert_close(fused(x), out, rtol=0, atol=1e-5 * out.abs().max().item())
    inferred, certificate = rf.infer_spec(model)
    assert (inferred.digest, certificate.kind) == (spec.digest, "bitwise")


@pytest.mark.parametrize("dims", [1, 3])
def test_exported_code_pads_alike(dims: int) -> None:
    spec, x = rf.ResNetSpec(**tree(dims)), torch.randn(2, 3, *(19, 16, 10)[:dims])
    model, names = shaken(rf.build(spec)).eval(), dict[str, Any]()
    exec(to_code(spec), names)
    other = names["ResNet"]()
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.eval()(x), model(x))


def test_what_a_pixel_sees_reaches_further_after_the_map() -> None:
    """An odd pixel is padded at the end, so on a map of even sides windows begin at 0."""
    sides = {}
    for side in (8, 9):
        trace = Trace(1, (side, side))
        for number in range(2):
            trace.conv(f"conv{number}", 1, 3, 2, padding="same")
        sides[side] = trace.first, trace.last, trace.size
    assert sides == {8: (0, 6, (2, 2)), 9: (-3, 3, (3, 3))}


def test_one_network_has_one_digest() -> None:
    plain = rf.ResNetSpec(**tree(stem="conv3x3", convolution="plain"))
    whole = plain.replace({"convolution": {"kind": "plain", "padding": "same"}})
    branch = [{"conv": 3, "stride": "block", "padding": "same"}, "norm", "act", {"conv": 3}, "norm"]
    assert whole.digest != plain.digest
    assert plain.replace({"block": {"branch": branch}}).digest == whole.digest
    # Without a stride the padding of an odd window is that of `half`.
    still = plain.replace({"stages": [{"depth": 2, "width": 16}]})
    assert still.replace({"convolution": {"kind": "plain", "padding": "same"}}).digest == (
        still.digest
    )


def test_a_padding_that_is_said_holds() -> None:
    stem = [{"conv": 4, "width": 8, "stride": 2, "padding": 0}]
    assert rf.plan(tree(stem=stem)).stem[0].padding == 0
    stem = [{"conv": 3, "width": 8, "stride": 2, "convolution": "plain"}]
    assert rf.plan(tree(stem=stem)).stem[0].padding == 1


def test_a_window_wider_than_its_map_is_padded() -> None:
    for stem in ([{"conv": 9, "width": 4, "stride": 3}], [{"pool": "max", "kernel": 9, **{}}]):
        stem = [{**stem[0], "padding": "same"}]
        plan = rf.plan(tree(stem=stem, stages=[{"depth": 1, "width": 8}]), input_size=4)
        assert rf.build(plan.spec)(torch.zeros(1, 3, 4, 4)).shape == (1, 3)


def test_scales_and_two_plus_one_follow_the_network() -> None:
    stages = [{"depth": 1, "width": 16, "stride": 2}]
    block = {"kind": "bottleneck", "conv2": {"res2net": 2}}
    plan = rf.plan(tree(stages=stages, block=block))
    assert plan.stages[0][0].layer("conv2.paths.0.conv").padding == "same"
    plan = rf.plan(tree(3, stages=stages, block={"kind": "basic", "conv1": "conv2plus1d"}))
    assert plan.stages[0][0].layer("conv1.spatial").padding == "same"
    assert rf.build(plan.spec)(torch.zeros(1, 3, 8, 9, 10)).shape == (1, 3)


@pytest.mark.parametrize("padding", ["valid", "half"])
def test_other_words_are_refused(padding: str) -> None:
    with pytest.raises(rf.SpecError, match="padding") as caught:
        rf.ResNetSpec(**tree(stem=[{"conv": 3, "padding": padding}]))
    assert caught.value.path == "stem[0].padding"
