"""Convolutions in scales."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch
from torch import Tensor, nn


class Res2Net(nn.Module):
    """y = [y1, ..., yn] along the channels, y1 = F1(x1), yi = Fi(xi + y(i-1)), yn = xn.

    Gao et al. 2019 (arXiv 1904.01169), section 3.1. x1, ..., xn are parts of x of equal width; F
    are the `paths`, one less than parts. With a `pool`, as published code has it in the first block
    of a stage, yi = Fi(xi) and yn = pool(xn). (N, C, H, W) keeps its channels; n has to divide
    them.

    >>> import torch
    >>> paths = nn.Sequential(nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1))
    >>> Res2Net(paths)(torch.ones(1, 6, 4, 4)).shape
    torch.Size([1, 6, 4, 4])
    """

    def __init__(self, paths: nn.Sequential, pool: nn.Module | None = None) -> None:
        super().__init__()
        self.paths = paths
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H', W') for x: (N, C, H, W)."""
        count = len(self.paths)
        parts = x.chunk(count + 1, 1)
        maps: list[Tensor] = []
        for number, path in enumerate(self.paths):
            part = parts[number]
            if number and self.pool is None:
                part = maps[-1] + part
            maps.append(path(part))
        last = parts[count] if self.pool is None else self.pool(parts[count])
        return torch.cat([*maps, last], 1)
