"""Pools of a whole map by its mean and its largest value."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch
from torch import Tensor, nn


class CatAvgMaxPool(nn.Module):
    """y = mean(x), then max(x), each over all positions: `catavgmax` in timm.

    (N, C, H, W) becomes (N, 2 C, 1, 1); with `dims=1` or 3 maps have so many axes.

    >>> import torch
    >>> CatAvgMaxPool()(torch.tensor([[[[1.0, 3.0]]]])).flatten()
    tensor([2., 3.])
    """

    def __init__(self, dims: int = 2) -> None:
        super().__init__()
        self.axes = tuple(range(2, 2 + dims))

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, 2 C, 1, 1) for x: (N, C, H, W)."""
        return torch.cat((x.mean(self.axes, keepdim=True), x.amax(self.axes, keepdim=True)), 1)


class AvgMaxPool(nn.Module):
    """y = (mean(x) + max(x)) / 2 over all positions: `avgmax` in timm.

    (N, C, H, W) becomes (N, C, 1, 1); with `dims=1` or 3 maps have so many axes.

    >>> import torch
    >>> AvgMaxPool()(torch.tensor([[[[1.0, 3.0]]]])).flatten()
    tensor([2.5000])
    """

    def __init__(self, dims: int = 2) -> None:
        super().__init__()
        self.axes = tuple(range(2, 2 + dims))

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, 1, 1) for x: (N, C, H, W)."""
        return 0.5 * (x.mean(self.axes, keepdim=True) + x.amax(self.axes, keepdim=True))
