"""Images, weights and shortcuts that several tests draw."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from hypothesis import strategies as st
from resforge.blocks import (
    AvgProjection,
    ChannelScale,
    DropoutShortcut,
    Gate,
    Identity,
    NoNorm,
    NoShortcut,
    Projection,
    Scaled,
    Shortcut,
    ShortcutPath,
    ZeroPad,
)
from torch import Tensor, nn

sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))
channel_counts = st.integers(1, 4).map(lambda count: 4 * count)


def draw_images(channels: int, size: tuple[int, int], seed: int = 0) -> Tensor:
    return torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(seed))


def shaken(model: nn.Module, seed: int = 3) -> nn.Module:
    """Random weights of both signs, and statistics as training leaves them."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            tensor.normal_(0, 0.5, generator=generator)
            if name.endswith("running_var"):
                tensor.abs_().add_(0.5)
    return model


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


@st.composite
def geometries(draw: st.DrawFn) -> tuple[int, int, int]:
    """(in_channels, out_channels, stride), where the channels may grow, never shrink."""
    in_channels = draw(channel_counts)
    return in_channels, in_channels + draw(st.sampled_from([0, 4, 8])), draw(st.integers(1, 3))


def simple_shortcuts(geometry: tuple[int, int, int]) -> dict[str, Any]:
    """Factories of the shortcuts that are not made of another, by name."""
    in_channels, out_channels, stride = geometry
    kinds: dict[str, Any] = {
        "projection": partial(Projection, *geometry),
        "projection 3x3": partial(Projection, *geometry, kernel_size=3),
        "projection without norm": partial(Projection, *geometry, norm=NoNorm),
        "conv1x1": partial(Projection, *geometry, norm=NoNorm, bias=False),
        "avg_projection": partial(AvgProjection, *geometry),
        "zero_pad end": partial(ZeroPad, *geometry),
        "zero_pad both": partial(ZeroPad, *geometry, "both"),
        "zero_pad avg_pool": partial(ZeroPad, *geometry, subsample="avg_pool"),
    }
    if in_channels == out_channels and stride == 1:
        kinds["identity"] = Identity
    return kinds


def all_shortcuts(geometry: tuple[int, int, int]) -> dict[str, Any]:
    """Factories of every shortcut, by name; of those that are made of another, with two others."""
    kinds = simple_shortcuts(geometry)
    for name in ("projection", "zero_pad both"):
        of = kinds[name]
        kinds |= {
            f"scaled {name}": lambda of=of: Scaled(of(), 0.5, 0.25),
            f"exclusive gate {name}": lambda of=of: Gate(*geometry, of=of(), bias_init=-1.0),
            f"shortcut_only gate {name}": lambda of=of: Gate(
                *geometry, of=of(), bias_init=-1.0, mode="shortcut_only"
            ),
            f"dropout {name}": lambda of=of: DropoutShortcut(of()),
            f"channel_scale {name}": lambda of=of: ShortcutPath(
                {"of": of(), "scale": ChannelScale(geometry[1], 0.5)}
            ),
        }
    return {**kinds, "none": NoShortcut}


@st.composite
def fitting_shortcuts(
    draw: st.DrawFn, geometry: tuple[int, int, int], simple: bool = False
) -> Shortcut:
    kinds = simple_shortcuts(geometry) if simple else all_shortcuts(geometry)
    shortcut: Shortcut = kinds[draw(st.sampled_from(sorted(kinds)))]()
    return shortcut
