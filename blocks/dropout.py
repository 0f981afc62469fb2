"""A shortcut with dropout."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from torch import Tensor, nn

from .shortcut import Shortcut
from .wrapper import ShortcutWrapper, check_of


class DropoutShortcut(ShortcutWrapper):
    """dropout(S(x)) + F(x).

    He et al. 2016 (arXiv 1603.05027), section 3.1, at a rate of 0.5. What is kept is divided by `1
    - rate`, as `nn.Dropout` has it, so that the mean stays; the paper reckons with a shortcut
    that is halved. S is the shortcut `of`. Raises `ValueError` for a rate outside [0, 1],
    `TypeError` where `of` is no shortcut.

    >>> import torch
    >>> from resforge.blocks import Identity
    >>> DropoutShortcut(Identity()).eval()(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, of: Shortcut, rate: float = 0.5) -> None:
        super().__init__()
        check_of(of)
        self.of = of
        if not 0.0 <= rate <= 1.0:
            raise ValueError(f"rate={rate} is not a probability; choose one in [0, 1]")
        self.dropout = nn.Dropout(rate)

    def forward(self, x: Tensor) -> Tensor:
        """dropout(S(x)): (N, C', H', W') for x: (N, C, H, W)."""
        dropped: Tensor = self.dropout(self.of(x))
        return dropped
