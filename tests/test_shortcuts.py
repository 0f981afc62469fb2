"""What must hold for any shortcut: laws drawn by hypothesis, all of them bitwise."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from resforge.blocks import (
    BasicBlock,
    Bottleneck,
    Identity,
    NoNorm,
    NoShortcut,
    Projection,
    Residual,
    ResidualBlock,
    Shortcut,
    ZeroPad,
)
from torch import Tensor, nn

BLOCKS: tuple[type[ResidualBlock], ...] = (BasicBlock, Bottleneck, Residual)


def draw_images(channels: int, size: tuple[int, int], seed: int = 0) -> Tensor:
    return torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(seed))


def randomise(module: nn.Module, seed: int = 0) -> nn.Module:
    """Every parameter and running statistic drawn anew, so that no default hides a fault."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.is_floating_point():
            # Away from 0, for a running variance must be positive.
            tensor.data = torch.rand(tensor.shape, generator=generator) + 0.1
    for parameter in module.parameters():
        parameter.data *= torch.randn(parameter.shape, generator=generator).sign()
    return module.eval()


sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))
channel_counts = st.integers(1, 4).map(lambda count: 4 * count)


@st.composite
def geometries(draw: st.DrawFn) -> tuple[int, int, int]:
    """(in_channels, out_channels, stride), where the channels may grow, never shrink."""
    in_channels = draw(channel_counts)
    return in_channels, in_channels + draw(st.sampled_from([0, 4, 8])), draw(st.integers(1, 2))


@st.composite
def fitting_shortcuts(draw: st.DrawFn, geometry: tuple[int, int, int]) -> Shortcut:
    in_channels, out_channels, stride = geometry
    kinds: list[Any] = [
        NoShortcut,
        partial(Projection, *geometry),
        partial(Projection, *geometry, norm=NoNorm),
        partial(ZeroPad, *geometry),
        partial(ZeroPad, *geometry, "both"),
    ]
    if in_channels == out_channels and stride == 1:
        kinds.append(Identity)
    shortcut: Shortcut = draw(st.sampled_from(kinds))()
    return shortcut


@given(data=st.data(), geometry=geometries(), kind=st.sampled_from(BLOCKS), size=sizes)
def test_a_block_is_relu_of_the_sum(
    data: st.DataObject, geometry: tuple[int, int, int], kind: Any, size: tuple[int, int]
) -> None:
    in_channels, out_channels, stride = geometry
    shortcut = data.draw(fitting_shortcuts(geometry))
    block = kind(in_channels, out_channels, stride=stride, shortcut=shortcut)
    randomise(block)
    x = draw_images(in_channels, size)
    expected = F.relu(by_hand(block, x) + shortcut(x))
    assert torch.equal(block(x), expected)


@given(geometry=geometries(), kind=st.sampled_from(BLOCKS), size=sizes)
def test_a_plain_block_is_relu_of_the_branch(
    geometry: tuple[int, int, int], kind: Any, size: tuple[int, int]
) -> None:
    in_channels, out_channels, stride = geometry
    block = kind(in_channels, out_channels, stride=stride, shortcut=None)
    randomise(block)
    x = draw_images(in_channels, size)
    assert torch.equal(block(x), F.relu(by_hand(block, x)))


@given(data=st.data(), geometry=geometries(), kind=st.sampled_from(BLOCKS), size=sizes)
def test_a_block_whose_last_norm_is_zero_is_relu_of_the_shortcut(
    data: st.DataObject, geometry: tuple[int, int, int], kind: Any, size: tuple[int, int]
) -> None:
    in_channels, out_channels, stride = geometry
    shortcut = data.draw(fitting_shortcuts(geometry))
    block = kind(in_channels, out_channels, stride=stride, shortcut=shortcut)
    randomise(block)
    last = block.bn3 if kind is Bottleneck else block.bn2
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    x = draw_images(in_channels, size)
    expected = F.relu(shortcut(x)).expand_as(block(x))  # S(x) = 0 is a single number
    assert torch.equal(block(x), expected)


def selection(shortcut: Projection, before: int = 0) -> Projection:
    """The projection whose weight copies input channel i to output channel `before + i`."""
    weight = torch.zeros_like(shortcut[0].weight)
    for channel in range(weight.shape[1]):
        weight[before + channel, channel] = 1.0
    shortcut[0].weight.data = weight
    return shortcut.eval()


identity_norms = st.sampled_from([NoNorm, partial(nn.BatchNorm2d, eps=0.0)])


@given(channels=channel_counts, norm=identity_norms, size=sizes)
def test_a_dirac_projection_is_the_identity(
    channels: int, norm: Any, size: tuple[int, int]
) -> None:
    shortcut = selection(Projection(channels, channels, norm=norm, bias=False))
    x = draw_images(channels, size)
    assert torch.equal(shortcut(x), Identity()(x))
    residual = draw_images(channels, size, seed=1)
    assert torch.equal(shortcut.join(residual.clone(), x), Identity().join(residual.clone(), x))


@given(geometry=geometries(), norm=identity_norms, size=sizes, pad=st.sampled_from(["end", "both"]))
def test_a_selecting_projection_is_zero_pad(
    geometry: tuple[int, int, int], norm: Any, size: tuple[int, int], pad: Any
) -> None:
    zero_pad = ZeroPad(*geometry, pad)
    shortcut = selection(Projection(*geometry, norm=norm, bias=False), zero_pad.before)
    x = draw_images(geometry[0], size)
    assert torch.equal(shortcut(x), zero_pad(x))
    residual = torch.rand_like(shortcut(x))
    assert torch.equal(shortcut.join(residual.clone(), x), zero_pad.join(residual.clone(), x))


def test_joining_writes_into_the_residual() -> None:
    x = draw_images(4, (3, 3))
    for shortcut in (Identity(), NoShortcut(), Projection(4, 4), ZeroPad(4, 4)):
        residual, before = draw_images(4, (3, 3), seed=1), x.clone()
        assert shortcut.join(residual, x).data_ptr() == residual.data_ptr()
        assert torch.equal(x, before)


@pytest.mark.parametrize("kind", BLOCKS)
def test_shortcuts_that_do_not_fit(kind: Any) -> None:
    # Each of these torch itself would broadcast, or add after a wrong stride, in silence.
    with pytest.raises(
        ValueError,
        match=r"identity cannot join 64 channels to 128 at stride 2; "
        r"pass Projection\(64, 128, stride=2\) or ZeroPad\(64, 128, stride=2\)",
    ):
        kind(64, 128, stride=2)
    with pytest.raises(ValueError, match=r"identity cannot join 4 channels to 4 at stride 2"):
        kind(4, 4, stride=2, shortcut=Identity())
    with pytest.raises(ValueError, match=r"at stride 1; pass Projection\(8, 4, stride=1\)$"):
        kind(8, 4)
    with pytest.raises(
        ValueError,
        match=r"Projection takes 4 channels to 8 at stride 1, its block 4 to 8 at stride 2; "
        r"pass Projection\(4, 8, stride=2\)",
    ):
        kind(4, 8, stride=2, shortcut=Projection(4, 8))
    with pytest.raises(ValueError, match=r"ZeroPad takes 1 channels to 8 at stride 2, its block 4"):
        kind(4, 8, stride=2, shortcut=ZeroPad(1, 8, 2))


@pytest.mark.parametrize("kind", BLOCKS)
def test_the_default_shortcut_is_an_identity_of_its_own(kind: Any) -> None:
    first, second = kind(4, 4), kind(4, 4)
    assert isinstance(first.downsample, Identity)
    assert first.downsample is not second.downsample
    assert isinstance(kind(4, 8, stride=2, shortcut=None).downsample, NoShortcut)


def test_a_shortcut_of_ones_own() -> None:
    class Halved(Shortcut):
        def check(self, in_channels: int, out_channels: int, stride: int) -> None:
            if (in_channels, stride) != (out_channels, 1):
                raise ValueError("keeps the shape")

        def forward(self, x: Tensor) -> Tensor:
            return x / 2

    block = BasicBlock(4, 4, shortcut=Halved())
    randomise(block)
    x = draw_images(4, (5, 5))
    assert torch.equal(block(x), F.relu(by_hand(block, x) + x / 2))
    with pytest.raises(ValueError, match="keeps the shape"):
        BasicBlock(4, 8, shortcut=Halved())


@pytest.mark.parametrize(
    ("shortcut", "keys"),
    [
        (Identity(), []),
        (NoShortcut(), []),
        (ZeroPad(4, 8, 2), []),
        (Projection(4, 8, norm=NoNorm), ["0.weight", "0.bias"]),
        (Projection(4, 8, norm=NoNorm, bias=False), ["0.weight"]),
        (Projection(4, 8, norm=partial(nn.GroupNorm, 2)), ["0.weight", "1.weight", "1.bias"]),
    ],
    ids=str,
)
def test_state_dict_names(shortcut: Shortcut, keys: list[str]) -> None:
    assert list(shortcut.state_dict()) == keys
    # No empty child "1" stands where there is no norm.
    assert [name for name, _ in shortcut.named_children()] == sorted({key[0] for key in keys})


def by_hand(block: Any, x: Tensor) -> Tensor:
    """F(x), from the block's numbers alone: no module of it is called."""
    state = block.state_dict()
    numbers = [number for number in (1, 2, 3) if f"conv{number}.weight" in state]
    for number in numbers:
        weight = state[f"conv{number}.weight"]
        stride = block.conv1.stride if number == 1 else (1, 1)
        if number == 2:
            stride = block.conv2.stride
        bias = state.get(f"conv{number}.bias")
        x = F.conv2d(x, weight, bias, stride, weight.shape[-1] // 2)
        norm = f"bn{number}"
        x = F.batch_norm(
            x,
            state[f"{norm}.running_mean"],
            state[f"{norm}.running_var"],
            state[f"{norm}.weight"],
            state[f"{norm}.bias"],
        )
        if number != numbers[-1]:
            x = F.relu(x)
    return x
