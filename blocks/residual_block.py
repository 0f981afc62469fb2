"""What every residual block does: transform, join the shortcut, activate."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from typing import TYPE_CHECKING

from torch import Tensor, nn

from .shortcut import Identity, NoShortcut, Shortcut

ShortcutArgument = Shortcut | type[Identity] | None
"""A shortcut module, `Identity` (the default), or `None` for a plain block without one."""


class ResidualBlock(nn.Module):
    """y = act(F(x) + S(x)); He et al. 2015 (arXiv 1512.03385), eq. 1 and 2.

    A subclass makes its layers, then `downsample` and `relu` (so that parameters come in
    torchvision's order), and defines F in `transform`. The places for what else a block may
    hold are empty until something is put there:

    - `bn0`, `relu0`: before shortcut and branch divide
    - `relu_branch`, `se`, `drop_path`: at the end of the branch
    - `bn_sum`: between the sum and `relu`
    """

    # TorchScript evaluates the annotations of a class and knows no module types.
    if TYPE_CHECKING:
        downsample: Shortcut
        bn0: nn.Module | None
        relu0: nn.Module | None
        relu_branch: nn.Module | None
        se: nn.Module | None
        drop_path: nn.Module | None
        bn_sum: nn.Module | None
        relu: nn.Module | None

    def __init__(self) -> None:
        super().__init__()
        self.bn0 = None
        self.relu0 = None
        self.relu_branch = None
        self.se = None
        self.drop_path = None
        self.bn_sum = None
        self.relu = None
        self.shares_entry = False

    def transform(self, x: Tensor) -> Tensor:
        """F(x): the residual branch up to its last norm. A fresh tensor, never x itself."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, out_channels, H', W') for x: (N, in_channels, H, W), H' = ceil(H / stride)."""
        entry = self.enter(x)
        residual = self.end_branch(self.transform(entry))
        return self.leave(self.downsample.join(residual, entry if self.shares_entry else x))

    def enter(self, x: Tensor) -> Tensor:
        """What the branch takes: x, activated where the order says so."""
        if self.bn0 is not None:
            x = self.bn0(x)
        if self.relu0 is not None:
            x = self.relu0(x)
        return x

    def end_branch(self, residual: Tensor) -> Tensor:
        """What the shortcut joins."""
        if self.relu_branch is not None:
            # The sum is written over its left side, which an activation's gradient still needs.
            residual = self.relu_branch(residual).clone()
        if self.se is not None:
            residual = self.se(residual)
        if self.drop_path is not None:
            residual = self.drop_path(residual)
        return residual

    def leave(self, y: Tensor) -> Tensor:
        """The block's output from the sum."""
        if self.bn_sum is not None:
            y = self.bn_sum(y)
        if self.relu is not None:
            y = self.relu(y)
        return y


def fit_shortcut(
    shortcut: ShortcutArgument, in_channels: int, out_channels: int, stride: int
) -> Shortcut:
    """The shortcut module for a block of these sizes.

    Raises `ValueError` where it does not fit, `TypeError` for what is no shortcut.
    """
    if shortcut is None:
        return NoShortcut()
    if shortcut is Identity:
        shortcut = Identity()
    if not isinstance(shortcut, Shortcut):
        raise TypeError(
            f"shortcut={shortcut!r} is not a shortcut; pass None or a module such as "
            f"Projection({in_channels}, {out_channels}, stride={stride})"
        )
    shortcut.check(in_channels, out_channels, stride)
    return shortcut
