"""A choice among the maps of one convolution."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from torch import Tensor, nn


class SplitAttention(nn.Module):
    """y = sum of wr * Fr(x), w = softmax over r of A(sum of Fr(x)).

    Zhang et al. 2020 (arXiv 2004.08955), section 3.1. F is the `path`, which puts out `radix` maps
    (N, C, H, W) one after another along the channels; A is the `attention`, which makes of their
    sum a map (N, radix C, 1, 1), whose channels are in `groups`, in each by radix. One map is
    weighed by a sigmoid. (N, C', H, W) becomes (N, C, H', W') as the path has it.

    >>> import torch
    >>> attention = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 4, 1))
    >>> SplitAttention(nn.Conv2d(3, 4, 1), attention, radix=2)(torch.ones(1, 3, 5, 5)).shape
    torch.Size([1, 2, 5, 5])
    """

    def __init__(
        self, path: nn.Module, attention: nn.Module, radix: int = 2, groups: int = 1
    ) -> None:
        super().__init__()
        self.path = path
        self.attention = attention
        self.radix = radix
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H', W') for x: (N, C', H, W)."""
        if self.radix == 1:
            only = self.path(x)
            weighed: Tensor = only * self.attention(only).sigmoid()
            return weighed
        every: Tensor = self.path(x)
        maps = every.reshape(x.shape[0], self.radix, -1, every.shape[2], every.shape[3])
        scores: Tensor = self.attention(maps.sum(1))
        by_group = scores.reshape(x.shape[0], self.groups, self.radix, -1)
        weights = by_group.transpose(1, 2).softmax(1)
        return (maps * weights.reshape(x.shape[0], self.radix, -1, 1, 1)).sum(1)
