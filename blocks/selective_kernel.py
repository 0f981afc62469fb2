"""A choice among the maps of several convolutions."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch
from torch import Tensor, nn


class SelectiveKernel(nn.Module):
    """y = sum of wi * Fi(x), w = softmax over i of A(sum of Fi(x)).

    Li et al. 2019 (arXiv 1903.06586), section 3.1. F are the `paths`, A is the `attention`, which
    makes of (N, C, H, W) a map (N, n C, 1, 1) for n paths. With `split_input` each path takes a
    part of x of equal width. (N, C', H, W) becomes (N, C, H', W') as the paths have it.

    >>> import torch
    >>> paths = nn.Sequential(nn.Conv2d(4, 2, 1), nn.Conv2d(4, 2, 3, padding=1))
    >>> attention = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 4, 1))
    >>> SelectiveKernel(paths, attention)(torch.ones(1, 4, 5, 5)).shape
    torch.Size([1, 2, 5, 5])
    """

    def __init__(
        self, paths: nn.Sequential, attention: nn.Module, split_input: bool = False
    ) -> None:
        super().__init__()
        self.paths = paths
        self.attention = attention
        self.split_input = split_input

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H', W') for x: (N, C', H, W)."""
        count = len(self.paths)
        if self.split_input:
            parts = x.chunk(count, 1)
            maps = [path(parts[number]) for number, path in enumerate(self.paths)]
        else:
            maps = [path(x) for path in self.paths]
        stacked = torch.stack(maps, 1)
        scores: Tensor = self.attention(stacked.sum(1))
        weights = scores.reshape(x.shape[0], count, -1, 1, 1).softmax(1)
        return (stacked * weights).sum(1)
