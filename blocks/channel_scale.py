"""A learned factor for each channel."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch
from torch import Tensor, nn


class ChannelScale(nn.Module):
    """y = a x, with a learned factor a for each channel.

    Touvron et al. 2021, CaiT (arXiv 2103.17239), section 2. Every factor starts at `start`. (N,
    channels, H, W) keeps its shape; `dims` is its number of axes, here 2.

    >>> import torch
    >>> ChannelScale(2, start=0.5)(torch.ones(1, 2, 1, 1)).flatten()
    tensor([0.5000, 0.5000], grad_fn=<ViewBackward0>)
    """

    def __init__(self, channels: int, start: float = 1.0, dims: int = 2) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, *[1] * dims), start))

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        return x * self.weight
