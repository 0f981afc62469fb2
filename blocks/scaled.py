"""A shortcut and a residual branch with constant factors."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from torch import Tensor

from .shortcut import Shortcut
from .wrapper import ShortcutWrapper, check_of


class Scaled(ShortcutWrapper):
    """shortcut * S(x) + residual * F(x), with constant factors.

    He et al. 2016 (arXiv 1603.05027), section 3.1. S is the shortcut `of`. Raises `TypeError` where
    that is no shortcut.

    >>> import torch
    >>> from resforge.blocks import Identity
    >>> Scaled(Identity(), shortcut=0.5, residual=2.0).join(torch.ones(1), torch.ones(1))
    tensor([2.5000])
    """

    def __init__(self, of: Shortcut, shortcut: float = 1.0, residual: float = 1.0) -> None:
        super().__init__()
        check_of(of)
        self.of = of
        self.shortcut = float(shortcut)
        self.residual = float(residual)

    def forward(self, x: Tensor) -> Tensor:
        """The scaled S(x): (N, C', H', W') for x: (N, C, H, W)."""
        scaled: Tensor = self.of(x) * self.shortcut
        return scaled

    def join(self, residual: Tensor, x: Tensor) -> Tensor:
        """The sum, written into `residual`."""
        if self.residual != 1.0:
            residual *= self.residual
        residual += self(x)
        return residual

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        return f"shortcut={self.shortcut}, residual={self.residual}"
