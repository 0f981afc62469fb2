"""Stems: what stands between the image and the first stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import nn

from .layers import Activation, NamedSequential, Norm, conv_norm, make_activation, make_pool


class Conv7x7Stem(NamedSequential):
    """maxpool(relu(norm(7x7/2))); He et al. 2015 (arXiv 1512.03385), Table 1.

    (N, in_channels, H, W) becomes (N, width, H/4, W/4), or half with `pool="none"`. Raises
    `ValueError` for sizes below 1 and an unknown pool.

    >>> import torch
    >>> Conv7x7Stem(3)(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 64, 8, 8])
    """

    def __init__(
        self,
        in_channels: int,
        width: int = 64,
        *,
        bias: bool | None = None,
        pool: Literal["max", "none"] = "max",
        norm: Norm = nn.BatchNorm2d,
        activation: Activation = nn.ReLU,
    ) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv_norm(in_channels, width, 7, stride=2, norm=norm, bias=bias)
        self.relu = make_activation(activation)
        _end_with(self, pool)


class DeepStem(NamedSequential):
    """Three 3x3 convolutions, the first of stride 2, then the pool; He et al. 2018, ResNet-C.

    "Bag of Tricks" (arXiv 1812.01187), Fig. 2b; the convolutions' norms and activations follow
    each of them. (N, in_channels, H, W) becomes (N, widths[-1], H/4, W/4), or half with
    `pool="none"`. Raises `ValueError` for sizes below 1, an unknown pool, or no widths.

    >>> import torch
    >>> DeepStem(3)(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 128, 8, 8])
    """

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int] = (64, 64, 128),
        *,
        bias: bool | None = None,
        pool: Literal["max", "none"] = "max",
        norm: Norm = nn.BatchNorm2d,
        activation: Activation = nn.ReLU,
    ) -> None:
        super().__init__()
        if not widths:
            raise ValueError("widths is empty; give one width for each 3x3 convolution")
        for number, width in enumerate(widths, start=1):
            stride = 2 if number == 1 else 1
            conv, follower = conv_norm(in_channels, width, 3, stride=stride, norm=norm, bias=bias)
            self.add_module(f"conv{number}", conv)
            self.add_module(f"bn{number}", follower)
            self.add_module(f"relu{number}", make_activation(activation))
            in_channels = width
        _end_with(self, pool)


class Conv3x3Stem(NamedSequential):
    """relu(norm(3x3)), which keeps the size; He et al. 2015 (arXiv 1512.03385), section 4.2.

    (N, in_channels, H, W) becomes (N, width, H, W), or half the size with `stride=2`, as in
    Radosavovic et al. 2020 (arXiv 2003.13678). Raises `ValueError` for sizes below 1.

    >>> import torch
    >>> Conv3x3Stem(3)(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 16, 32, 32])
    """

    def __init__(
        self,
        in_channels: int,
        width: int = 16,
        *,
        stride: int = 1,
        bias: bool | None = None,
        norm: Norm = nn.BatchNorm2d,
        activation: Activation = nn.ReLU,
    ) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv_norm(in_channels, width, 3, stride=stride, norm=norm, bias=bias)
        self.relu = make_activation(activation)


def _end_with(stem: nn.Sequential, pool: Literal["max", "none"]) -> None:
    maxpool = make_pool(pool)
    if maxpool is not None:
        stem.add_module("maxpool", maxpool)
