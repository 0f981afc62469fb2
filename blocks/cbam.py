"""Weights for the channels of a map, and then for its pixels."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from typing import Literal

import torch
from torch import Tensor, nn

from .attention import reduced_channels
from .layers import check_odd


class CBAM(nn.Module):
    """z = x * s(M(mean x) + M(max x)), y = z * s(n(W [max z, mean z])).

    Woo et al. 2018, CBAM (arXiv 1807.06521), section 3. s is the sigmoid, or `gate`. M(v) = W2
    relu(W1 v), 1x1 convolutions as in `SqueezeExcitation`, takes the mean and the maximum over the
    map; W, a convolution of side `kernel`, those over the channels, in the order that `maps` says.
    n is a batch norm, or `norm`. (N, channels, H, W) keeps its shape. Raises `ValueError` where the
    reduction leaves no channel, for an even kernel, and for another order of `maps`.

    >>> CBAM(64)(torch.ones(1, 64, 4, 4)).shape
    torch.Size([1, 64, 4, 4])
    """

    def __init__(
        self,
        channels: int,
        reduction: int = 16,
        divisor: int | None = None,
        *,
        width: int | None = None,
        bias: bool = True,
        activation: nn.Module | None = None,
        gate: nn.Module | None = None,
        kernel: int = 7,
        maps: Literal["max_mean", "mean_max"] = "max_mean",
        norm: nn.Module | None = None,
    ) -> None:
        super().__init__()
        check_odd(kernel=kernel)
        if maps not in ("max_mean", "mean_max"):
            raise ValueError(f"maps={maps!r} is no order; choose 'max_mean' or 'mean_max'")
        hidden = width or reduced_channels(channels, reduction, divisor)
        self.fc1 = nn.Conv2d(channels, hidden, 1, bias=bias)
        self.act = nn.ReLU(inplace=True) if activation is None else activation
        self.fc2 = nn.Conv2d(hidden, channels, 1, bias=bias)
        self.max_first = maps == "max_mean"
        self.conv = nn.Conv2d(2, 1, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(1) if norm is None else norm
        self.gate = nn.Sigmoid() if gate is None else gate

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        pooled = torch.cat([x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)], 3)
        x = x * self.gate(self.fc2(self.act(self.fc1(pooled))).sum(3, keepdim=True))
        maps = [x.amax(1, keepdim=True), x.mean(1, keepdim=True)]
        weights = self.conv(torch.cat(maps if self.max_first else maps[::-1], 1))
        weighed: Tensor = x * self.gate(self.norm(weights))
        return weighed
