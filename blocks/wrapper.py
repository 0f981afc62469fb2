"""A shortcut made of another shortcut."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from torch import nn

from .layers import Stride
from .shortcut import NoShortcut, Shortcut


class ShortcutWrapper(Shortcut):
    """Something done to the shortcut `of`, whose shapes are its own."""

    of: nn.Module

    def check(self, in_channels: int, out_channels: int, stride: Stride) -> None:
        """Raises `ValueError` if the shortcut inside does not fit."""
        if isinstance(self.of, Shortcut):
            self.of.check(in_channels, out_channels, stride)


def check_of(of: nn.Module) -> None:
    """Raises `TypeError` where `of` is no module, or `NoShortcut`."""
    if not isinstance(of, nn.Module) or isinstance(of, NoShortcut):
        raise TypeError(f"of={of!r} is no shortcut; pass a module such as Identity()")
