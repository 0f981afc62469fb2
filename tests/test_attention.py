"""Attention: each kind by its formula, the channels between its layers, and what is refused."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from drawn import draw_images, sizes
from hypothesis import given
from hypothesis import strategies as st
from resforge.blocks import BAM, CBAM, GlobalContext, SqueezeExcitation
from resforge.specs import Operation
from resforge.specs.attention import attention_kinds
from torch import Tensor, nn

CLOSE = {"rtol": 1e-5, "atol": 1e-5}
"""Sums over the map or over channels, in another order."""


def with_attention(attention: Any, **changes: Any) -> rf.ResNetSpec:
    block = {"kind": "basic", "attention": attention}
    return rf.load("cifar_resnet20").replace({"block": block, **changes})


def module_of(attention: Any, **changes: Any) -> nn.Module:
    """The attention of the first block, of 16 channels, with weights of both signs."""
    model = rf.build(with_attention(attention, **changes))
    return scattered(model.get_submodule("layer1.0.se").eval())


def scattered(module: nn.Module) -> nn.Module:
    """Tensors of both signs, but for running variances, which are positive."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            drawn = torch.randn(tensor.shape, generator=generator)
            tensor.copy_(drawn.abs() + 0.1 if name.endswith("running_var") else drawn)
    return module


def mlp(module: nn.Module, z: Tensor, act: Any = F.relu) -> Tensor:
    """W2 act(W1 z) for z: (N, C)."""
    state = module.state_dict()
    bias = [state.get(f"fc{n}.bias", torch.zeros(())) for n in (1, 2)]
    hidden = act(z @ state["fc1.weight"].flatten(1).T + bias[0])
    return hidden @ state["fc2.weight"].flatten(1).T + bias[1]


def normed(state: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Batch norm in evaluation, written out."""
    part = {key: state[f"{name}.{key}"] for key in ("weight", "bias", "running_mean")}
    weight, bias, mean = (part[key].view(1, -1, 1, 1) for key in part)
    scale = (state[f"{name}.running_var"] + 1e-5).rsqrt().view(1, -1, 1, 1)
    return (x - mean) * scale * weight + bias


@given(sizes)
def test_squeeze_and_excitation_with_other_functions(size: tuple[int, int]) -> None:
    module = module_of(
        {"se": 2, "activation": "network", "gate": "hardsigmoid", "bias": False},
        activation="silu",
    )
    x = draw_images(16, size)
    weights = (mlp(module, x.mean((2, 3)), F.silu) / 6 + 0.5).clamp(0, 1)
    torch.testing.assert_close(module(x), x * weights[:, :, None, None], **CLOSE)


@given(sizes, st.sampled_from(["add", "mul"]), st.sampled_from([1e-5, 0.5]))
def test_global_context_by_hand(size: tuple[int, int], fuse: str, eps: float) -> None:
    module = module_of({"gc": 4, "fuse": fuse, "eps": eps})
    x, state = draw_images(16, size), module.state_dict()
    mask = (x * state["mask.weight"]).sum(1) + state["mask.bias"]
    weights = mask.flatten(1).softmax(1).view(-1, 1, *size)
    z = (x * weights).sum((2, 3)) @ state["fc1.weight"].flatten(1).T + state["fc1.bias"]
    z = (z - z.mean(1, True)) / (z.var(1, correction=0, keepdim=True) + eps).sqrt()
    z = (z * state["norm.weight"].flatten() + state["norm.bias"].flatten()).relu()
    z = (z @ state["fc2.weight"].flatten(1).T + state["fc2.bias"])[:, :, None, None]
    torch.testing.assert_close(module(x), x + z if fuse == "add" else x * z.sigmoid(), **CLOSE)


@given(sizes, st.sampled_from(["max_mean", "mean_max"]), st.sampled_from([3, 7]))
def test_cbam_by_hand(size: tuple[int, int], maps: str, kernel: int) -> None:
    module = module_of({"cbam": 4, "maps": maps, "kernel": kernel})
    x, state = draw_images(16, size), module.state_dict()
    pooled = mlp(module, x.mean((2, 3))) + mlp(module, x.flatten(2).max(2).values)
    x = x * pooled.sigmoid()[:, :, None, None]
    pair = [x.max(1).values, x.mean(1)]
    stacked = torch.stack(pair if maps == "max_mean" else pair[::-1], 1)
    pixels = F.conv2d(stacked, state["conv.weight"], padding=kernel // 2)
    expected = x * normed(dict(state), "norm", pixels).sigmoid()
    torch.testing.assert_close(module(draw_images(16, size)), expected, **CLOSE)


@given(sizes, st.integers(0, 3), st.sampled_from([1, 2, 4]))
def test_bam_by_hand(size: tuple[int, int], depth: int, dilation: int) -> None:
    module = module_of({"bam": 4, "depth": depth, "dilation": dilation})
    x, state = draw_images(16, size), dict(module.state_dict())

    def conv(name: str, x: Tensor, spread: int = 0) -> Tensor:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return F.conv2d(x, weight, bias, padding=spread, dilation=max(1, spread))

    z = normed(state, "channel.norm", conv("channel.fc1", x.mean((2, 3), True))).relu()
    pixels = x
    for number in range(1, depth + 2):
        pixels = conv(f"spatial.conv{number}", pixels, dilation if number > 1 else 0)
        pixels = normed(state, f"spatial.norm{number}", pixels).relu()
    weights = conv("channel.fc2", z) * conv(f"spatial.conv{depth + 2}", pixels)
    torch.testing.assert_close(module(x), x * (1 + weights.sigmoid()), **CLOSE)


@given(st.tuples(st.integers(1, 3), st.integers(1, 3)), st.sampled_from([1, 2, 3]))
def test_bilinear_attention_by_hand(tiles: tuple[int, int], size: int) -> None:
    """The matrices of the paper, as large as the map, and a product for each channel."""
    module = module_of({"bat": 2, "size": size, "groups": 2})
    height, width = tiles[0] * size, tiles[1] * size
    x = draw_images(16, (height, width))
    state = dict(module.state_dict())

    def layer(conv: str, norm: str, x: Tensor) -> Tensor:
        return normed(state, norm, F.conv2d(x, state[f"{conv}.weight"])).relu()

    z = layer("narrow.fc1", "narrow.norm", x)
    pooled = layer("pooled.conv", "pooled.norm", z)
    bands = pooled.view(2, 2, size, tiles[0], width).amax((3, 4), keepdim=True)[..., 0]
    p = F.conv2d(bands, state["rows.weight"], state["rows.bias"]).view(2, 2, size, size).sigmoid()
    bands = pooled.view(2, 2, height, size, tiles[1]).amax((2, 4))[:, :, None]
    q = F.conv2d(bands, state["columns.weight"], state["columns.bias"])
    q = q.view(2, 2, size, size).sigmoid()
    p, q = p / p.sum(3, keepdim=True), q / q.sum(2, keepdim=True)
    mixed = torch.empty_like(z)
    for image, channel in product(range(2), range(8)):
        group = channel // 4
        left = torch.kron(p[image, group], torch.eye(tiles[0]))
        right = torch.kron(q[image, group], torch.eye(tiles[1]))
        mixed[image, channel] = left @ z[image, channel] @ right
    mixed = layer("wide.fc2", "wide.norm2", layer("wide.conv", "wide.norm1", mixed))
    torch.testing.assert_close(module(x), mixed + x, rtol=1e-4, atol=1e-4)


@given(sizes)
def test_bilinear_attention_fills_sides_by_zeros(size: tuple[int, int]) -> None:
    """The mixing of a map that is not cut evenly is that of the larger map, cropped."""
    module = module_of({"bat": 2, "size": 4})
    assert module(draw_images(16, size)).shape == (2, 16, *size)


def test_channels_of_the_input_are_reduced() -> None:
    """RegNetY's: a quarter of the channels that enter the block, not of those that are weighed."""
    plan = rf.plan(with_attention({"se": 4, "of": "input"}))
    firsts = [stage[0].layer("se.fc1") for stage in plan.stages]
    assert [(layer.in_channels, layer.out_channels) for layer in firsts] == [
        (16, 4),
        (32, 4),
        (64, 8),
    ]


def test_a_width_of_its_own() -> None:
    plan = rf.plan(with_attention({"kind": "se", "width": 5}))
    assert {block.layer("se.fc1").out_channels for stage in plan.stages for block in stage} == {5}


def test_the_networks_activation_is_one_digest() -> None:
    named = with_attention({"se": 4, "activation": "silu"}, activation="silu")
    asked = with_attention({"se": 4, "activation": "network"}, activation="silu")
    assert named.digest == asked.digest != with_attention({"se": 4}, activation="silu").digest
    assert (
        with_attention({"se": 4, "activation": "network"}).digest
        == with_attention("se").replace({"block.attention.reduction": 4}).digest
    )


@pytest.mark.parametrize(
    ("attention", "message", "help_"),
    [
        ({"se": 4, "width": 3}, "a width of 3 needs no reduction", "leave out reduction, or width"),
        ({"kind": "se", "width": 3, "of": "input"}, "needs no of", "leave out of, or width"),
        ({"se": 20}, "leaves none of 16 channels", "at most 16"),
        ({"cbam": 4, "maps": "both"}, "'both' is not one of", "use max_mean or mean_max"),
        ({"cbam": 4, "kernel": 4}, "has no middle", "use 3 or 5"),
        ({"se": 4, "gate": "softmax"}, "'softmax' is not one of", "use sigmoid or hardsigmoid"),
        ({"bam": 4, "dilation": 0}, "dilation", ""),
        ({"bat": 4, "groups": 3}, "3 groups do not divide 4 channels", "a divisor of 4"),
        (
            {"bam": 4, "norm": {"kind": "group", "groups": 3}},
            "3 groups do not divide 4 channels",
            "use a divisor",
        ),
    ],
)
def test_what_is_refused(attention: dict[str, Any], message: str, help_: str) -> None:
    with pytest.raises(rf.SpecError) as caught:
        with_attention(attention)
    assert message in str(caught.value)
    assert help_ in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GlobalContext(16, fuse="concat"), "fuse='concat'"),  # type: ignore[arg-type]
        (lambda: CBAM(16, maps="both"), "maps='both'"),  # type: ignore[arg-type]
        (lambda: CBAM(16, kernel=4), "kernel=4 has no middle"),
        (lambda: CBAM(8), "leaves none of 8 channels"),
    ],
)
def test_what_a_constructor_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("kind", [*attention_kinds()])
def test_where_no_channel_is_left_the_width_is_at_fault(kind: str) -> None:
    """A width that the ratio does not divide, before attention that weighs the inner channels."""
    block = {"kind": "x", "ratio": 4, "attention": {"kind": kind}, "attention_at": "inner"}
    with pytest.raises(rf.SpecError, match="a ratio of 4 does not divide the width 1"):
        rf.ResNetSpec(resforge=1, stages=[{"depth": 1, "width": 1}], block=block)


def test_modules_take_plain_modules() -> None:
    x = draw_images(8, (4, 4))
    se = SqueezeExcitation(8, width=2, activation=nn.SiLU(), gate=nn.Hardsigmoid(), bias=False)
    assert [name for name, _ in se.named_parameters()] == ["fc1.weight", "fc2.weight"]
    bam = BAM(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1)), nn.Conv2d(8, 1, 1))
    assert bam(x).shape == se(x).shape == x.shape


def test_a_field_may_be_called_as_an_operation_is() -> None:
    spec = rf.load("resnet18").replace(
        {"stem": [{"conv": 3, "width": 16}, {"bam": 4, "norm": {"kind": "group", "groups": 2}}]}
    )
    op: Operation = spec.stem.layers[1]  # type: ignore[attr-defined]
    assert op.kind == "bam"
    assert rf.loads(spec.to_yaml()) == spec
