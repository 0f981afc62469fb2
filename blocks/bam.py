"""Weights for the channels of a map and for its pixels, side by side."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from torch import Tensor, nn


class BAM(nn.Module):
    """y = x * (1 + sigmoid(c(x) * p(x))).

    Park et al. 2018, BAM (arXiv 1807.06514), section 3 and equation 2. `channel` gives a value for
    each channel, (N, C, 1, 1); `spatial` one for each pixel, (N, 1, H, W).

    >>> import torch
    >>> channel = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1))
    >>> BAM(channel, nn.Conv2d(8, 1, 1))(torch.ones(1, 8, 4, 4)).shape
    torch.Size([1, 8, 4, 4])
    """

    def __init__(self, channel: nn.Module, spatial: nn.Module) -> None:
        super().__init__()
        self.channel = channel
        self.spatial = spatial

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        weights: Tensor = (self.channel(x) * self.spatial(x)).sigmoid()
        return x * (1 + weights)
