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
    torchvision's order), and defines F in `transform`.
    """

    # TorchScript evaluates the annotations of a class and knows no module types.
    if TYPE_CHECKING:
        downsample: Shortcut
        relu: nn.Module

    def transform(self, x: Tensor) -> Tensor:
        """F(x): the residual branch up to its last norm. A fresh tensor, never x itself."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, out_channels, H', W') for x: (N, in_channels, H, W), H' = ceil(H / stride)."""
        y: Tensor = self.relu(self.downsample.join(self.transform(x), x))
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
