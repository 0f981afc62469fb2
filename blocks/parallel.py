"""Paths beside each other."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from typing import Literal

import torch
from torch import Tensor, nn


class Parallel(nn.Module):
    """y = F1(x) + ... + Fn(x), their mean, or all their channels, F1's first.

    F are the `paths`. `join="shake"` is their mean while evaluating. While training it is
    y = a F1(x) + (1 - a) F2(x), and its gradient is taken as if a were b; a and b are drawn from
    [0, 1) for each image: "shake-shake-image" of Gastaldi 2017 (arXiv 1705.07485), section 2.
    (N, C, H, W) becomes (N, C', H', W') as the paths have it, with `join="cat"` the channels of
    all. Raises `ValueError` for an unknown join, fewer than two paths, and a shake of more.

    >>> import torch
    >>> paths = nn.Sequential(nn.ReLU(), nn.Tanh())
    >>> Parallel(paths, join="cat")(torch.ones(1, 2, 5, 5)).shape
    torch.Size([1, 4, 5, 5])
    """

    def __init__(
        self, paths: nn.Sequential, join: Literal["add", "cat", "mean", "shake"] = "add"
    ) -> None:
        super().__init__()
        if join not in ("add", "cat", "mean", "shake"):
            raise ValueError(f"join={join!r} is unknown; choose 'add', 'cat', 'mean' or 'shake'")
        if len(paths) < 2 or (join == "shake" and len(paths) > 2):
            raise ValueError(f"{len(paths)} paths; a shake is of 2, any other join of 2 or more")
        self.paths = paths
        self.join = join

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C', H', W') for x: (N, C, H, W)."""
        maps: list[Tensor] = [path(x) for path in self.paths]
        if self.join == "cat":
            return torch.cat(maps, 1)
        if self.join == "shake" and self.training:
            return _shaken(maps[0], maps[1])
        if self.join == "shake":
            return 0.5 * maps[0] + 0.5 * maps[1]
        total = maps[0] + maps[1]
        for more in maps[2:]:
            total = total + more
        return total / len(maps) if self.join == "mean" else total

    def extra_repr(self) -> str:
        """The join, for printing."""
        return f"join={self.join!r}"


def _shaken(one: Tensor, other: Tensor) -> Tensor:
    """a one + (1 - a) other, with the gradient of b one + (1 - b) other."""
    forth = one.new_empty([one.shape[0]] + [1] * (one.dim() - 1)).uniform_()
    back = torch.empty_like(forth).uniform_()
    gap = one - other
    return other + back * gap + ((forth - back) * gap).detach()
