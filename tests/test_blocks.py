"""Blocks, stems and heads: equal to the reference blocks, and ordinary in every other way."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import reference_d2l
import reference_torchvision
import torch
from conversions import each_conversion
from resforge.blocks import (
    BasicBlock,
    Bottleneck,
    Classifier,
    Conv3x3Stem,
    Conv7x7Stem,
    DeepStem,
    NoNorm,
    Projection,
    Residual,
    ZeroPad,
)
from torch import Tensor, nn


def draw_images(channels: int, size: tuple[int, int] = (9, 8)) -> Tensor:
    return torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(0))


def changing_blocks() -> dict[str, nn.Module]:
    """One block of each kind that changes its shape, and some that do not."""
    return {
        "basic": BasicBlock(8, 16, stride=2, shortcut=Projection(8, 16, 2)),
        "basic zero_pad": BasicBlock(8, 16, stride=2, shortcut=ZeroPad(8, 16, 2, "both")),
        "basic identity": BasicBlock(8, 8),
        "basic plain": BasicBlock(8, 16, stride=2, shortcut=None),
        "bottleneck": Bottleneck(8, 32, stride=2, groups=2, shortcut=Projection(8, 32, 2)),
        "bottleneck zero_pad": Bottleneck(8, 32, stride=2, shortcut=ZeroPad(8, 32, 2)),
        "residual": Residual(8, 16, stride=2, shortcut=Projection(8, 16, 2, norm=NoNorm)),
        "no norm": BasicBlock(8, 8, norm=NoNorm),
        "group norm": Bottleneck(8, 8, norm=partial(nn.GroupNorm, 2), activation=nn.SiLU),
    }


each_block = pytest.mark.parametrize("name", list(changing_blocks()))

# Ours and the reference's.
PAIRS: dict[str, tuple[Any, Any]] = {
    "basic": (
        lambda: BasicBlock(8, 16, stride=2, shortcut=Projection(8, 16, 2)),
        lambda: reference_torchvision.Basic(8, 16, 2, conv_bn(8, 16, 2)),
    ),
    "basic identity": (
        lambda: BasicBlock(8, 8),
        lambda: reference_torchvision.Basic(8, 8, 1, None),
    ),
    "bottleneck": (
        lambda: Bottleneck(8, 32, stride=2, shortcut=Projection(8, 32, 2)),
        lambda: reference_torchvision.Bottleneck(8, 8, 2, conv_bn(8, 32, 2)),
    ),
    "bottleneck grouped": (
        lambda: Bottleneck(32, 32, width=16, groups=4),
        lambda: reference_torchvision.Bottleneck(32, 8, 1, None, groups=4, width_per_group=32),
    ),
    "residual": (
        lambda: Residual(8, 16, stride=2, shortcut=Projection(8, 16, 2, norm=NoNorm)),
        lambda: reference_d2l.Residual(8, 16, use_1x1conv=True, strides=2),
    ),
    "residual identity": (lambda: Residual(8, 8), lambda: reference_d2l.Residual(8, 8)),
}


def conv_bn(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels))


def backward(module: nn.Module, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The output and every parameter's gradient, after one step in training mode."""
    module.zero_grad()
    out = module(x)
    (out * torch.linspace(-1, 1, out.numel(), device=out.device).view_as(out)).sum().backward()
    return out, {name: p.grad for name, p in module.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("name", list(PAIRS))
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_parity_with_the_reference_block(
    name: str, layout: torch.memory_format, device: torch.device
) -> None:
    ours, reference = (make().to(device, memory_format=layout) for make in PAIRS[name])
    rename = reference_d2l.native_name if name.startswith("residual") else str
    ours.load_state_dict({rename(key): value for key, value in reference.state_dict().items()})
    x = draw_images(ours.conv1.in_channels).to(device).contiguous(memory_format=layout)
    for train in (False, True):
        ours.train(train)
        reference.train(train)
        assert torch.equal(ours(x), reference(x))
    _, grads = backward(ours, x)
    _, expected = backward(reference, x)
    expected = {rename(key): grad for key, grad in expected.items()}
    assert grads.keys() == expected.keys()
    if device.type == "cpu":  # cuDNN's backward may add in another order each time
        assert all(torch.equal(grads[key], expected[key]) for key in grads)


@each_block
def test_shapes_and_gradients(name: str, device: torch.device) -> None:
    block = changing_blocks()[name].to(device)
    out, grads = backward(block, draw_images(8).to(device))
    changes = block.conv1.stride == (2, 2) or getattr(block.conv2, "stride", None) == (2, 2)
    assert out.shape[2:] == ((5, 4) if changes else (9, 8))
    assert len(grads) == len(list(block.parameters()))
    assert all(grad.isfinite().all() for grad in grads.values())


@each_block
@each_conversion
def test_conversions(name: str, convert: Any, device: torch.device) -> None:
    block = changing_blocks()[name].to(device).eval()
    x = draw_images(8).to(device)
    expected = block(x)
    converted = convert(block, (x,))
    for _ in range(3):  # TorchScript changes its graph after the first calls
        assert torch.equal(converted(x), expected)


@pytest.mark.parametrize(("stride_on", "strides"), [("conv1", (2, 1)), ("conv2", (1, 2))])
def test_where_a_bottleneck_strides(stride_on: Any, strides: tuple[int, int]) -> None:
    shortcut = Projection(8, 32, 2)
    block = Bottleneck(8, 32, stride=2, stride_on=stride_on, shortcut=shortcut)
    assert (block.conv1.stride[0], block.conv2.stride[0]) == strides


def test_widths() -> None:
    assert Bottleneck(8, 32, shortcut=None).conv2.out_channels == 8
    assert Bottleneck(8, 32, width=12, groups=3, shortcut=None).conv2.weight.shape == (12, 4, 3, 3)
    assert BasicBlock(8, 16, width=4, shortcut=None).conv2.weight.shape == (16, 4, 3, 3)


@pytest.mark.parametrize(
    ("norm", "bias", "biased"),
    [
        (nn.BatchNorm2d, None, False),
        (nn.BatchNorm2d, True, True),
        (NoNorm, None, True),
        (NoNorm, False, False),
        (nn.Identity, None, True),
    ],
)
def test_convolutions_are_biased_where_no_norm_follows(
    norm: Any, bias: bool | None, biased: bool
) -> None:
    modules = (
        BasicBlock(4, 8, norm=norm, bias=bias, shortcut=Projection(4, 8, norm=norm, bias=bias)),
        Bottleneck(4, 8, norm=norm, bias=bias, shortcut=None),
        Conv7x7Stem(3, norm=norm, bias=bias),
        DeepStem(3, norm=norm, bias=bias),
        Conv3x3Stem(3, norm=norm, bias=bias),
    )
    for module in modules:
        convs = [child for child in module.modules() if isinstance(child, nn.Conv2d)]
        assert [conv.bias is not None for conv in convs] == [biased] * len(convs)


def test_residual_is_biased_in_spite_of_its_norm() -> None:
    names = list(Residual(4, 4).state_dict())
    assert "conv1.bias" in names
    assert "conv2.bias" in names


def test_activations_are_in_place_where_that_saves_memory() -> None:
    def activations(activation: Any) -> list[nn.Module]:
        block = Bottleneck(4, 4, activation=activation)
        return [block.relu1, block.relu2, block.relu]

    assert all(module.inplace for module in activations(nn.ReLU))
    assert not any(module.inplace for module in activations(nn.SiLU))
    # What the caller spelt out is left as it is.
    assert not any(module.inplace for module in activations(partial(nn.ReLU, inplace=False)))
    assert len({id(module) for module in activations(nn.PReLU)}) == 3


STEMS: dict[str, tuple[Any, list[str], tuple[int, ...]]] = {
    "conv7x7": (partial(Conv7x7Stem, 3), ["conv1", "bn1", "relu", "maxpool"], (64, 8, 8)),
    "conv7x7 no pool": (
        partial(Conv7x7Stem, 1, 8, pool="none"),
        ["conv1", "bn1", "relu"],
        (8, 16, 15),
    ),
    "deep": (
        partial(DeepStem, 3, (8, 8, 16)),
        ["conv1", "bn1", "relu1", "conv2", "bn2", "relu2", "conv3", "bn3", "relu3", "maxpool"],
        (16, 8, 8),
    ),
    "deep no pool": (
        partial(DeepStem, 3, [4, 8], pool="none"),
        ["conv1", "bn1", "relu1", "conv2", "bn2", "relu2"],
        (8, 16, 15),
    ),
    "conv3x3": (partial(Conv3x3Stem, 3), ["conv1", "bn1", "relu"], (16, 31, 30)),
}


@pytest.mark.parametrize("name", list(STEMS))
def test_stems(name: str) -> None:
    make, children, shape = STEMS[name]
    stem = make()
    assert [child for child, _ in stem.named_children()] == children
    assert stem(draw_images(stem.conv1.in_channels, (31, 30))).shape == (2, *shape)
    assert type(stem[:2]) is nn.Sequential
    assert list(make(norm=NoNorm).state_dict())[:2] == ["conv1.weight", "conv1.bias"]


def test_classifier() -> None:
    head = Classifier(8, 5)
    assert [name for name, _ in head.named_children()] == ["avgpool", "flatten", "fc"]
    x = draw_images(8)
    assert torch.equal(head(x), head.fc(nn.functional.adaptive_avg_pool2d(x, 1)[:, :, 0, 0]))
    dropping = Classifier(8, 5, dropout=0.5)
    assert list(dropping._modules) == ["avgpool", "flatten", "dropout", "fc"]
    assert dropping.dropout.p == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BasicBlock(0, 8), "in_channels=0 must be at least 1"),
        (lambda: Bottleneck(3, 3), "out_channels=0 must be at least 1"),
        (lambda: BasicBlock(8, 8, stride=0), "stride=0 must be at least 1"),
        (lambda: Bottleneck(8, 8, groups=0), "groups=0 must be at least 1"),
        (lambda: Bottleneck(8, 16, groups=3), "groups=3 does not divide in_channels=4; choose"),
        (lambda: Bottleneck(8, 8, stride_on="conv3"), "stride_on='conv3' .* 'conv1' or 'conv2'"),  # type: ignore[arg-type]
        (lambda: Conv7x7Stem(3, pool="avg"), "pool='avg' .* 'max' or 'none'"),  # type: ignore[arg-type]
        (lambda: Conv7x7Stem(3, 0), "out_channels=0 must be at least 1"),
        (lambda: DeepStem(3, ()), "widths is empty"),
        (lambda: Classifier(8, 0), "num_classes=0 must be at least 1"),
        (lambda: Classifier(8, 2, dropout=1.5), r"dropout=1.5 .* \[0, 1\]"),
    ],
)
def test_refusals(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
