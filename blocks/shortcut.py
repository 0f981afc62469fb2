"""The shortcut of a residual block, as a module in its own right."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TypeVar

from torch import Tensor, nn

from .layers import NamedSequential, Stride


class Shortcut(nn.Module):
    """S(x), and how it joins the residual branch: F(x) + S(x).

    A subclass defines `forward`, which gives S(x), and `check`, which refuses a block that it
    does not fit: torch broadcasts 64 + 1 channels or 8x8 + 1x1 without a word, so sizes are
    compared once, when the block is made.
    """

    def check(self, in_channels: int, out_channels: int, stride: Stride) -> None:
        """Raises `ValueError` if S cannot take `in_channels` to `out_channels` at `stride`."""
        raise NotImplementedError

    def join(self, residual: Tensor, x: Tensor) -> Tensor:
        """F(x) + S(x) for `residual` = F(x): (N, C', H', W') and `x`: (N, C, H, W).

        Writes into the memory of `residual`, which must be the fresh output of a norm or a
        convolution: their gradients do not need it, so autograd allows the overwriting.
        The result keeps the dtype of `residual`.
        """
        residual += self(x)
        return residual

    def _compare(self, own: tuple[int, int, Stride], block: tuple[int, int, Stride]) -> None:
        """Raises `ValueError` if (in_channels, out_channels, stride) differ."""
        if own != block:
            name = type(self).__name__
            raise ValueError(
                f"{name} takes {own[0]} channels to {own[1]} at stride {own[2]}, "
                f"its block {block[0]} to {block[1]} at stride {block[2]}; "
                f"pass {name}({block[0]}, {block[1]}, stride={block[2]})"
            )


Join = TypeVar("Join", bound=Callable[..., Tensor])


def faster_sum(join: Join) -> Join:
    """Marks a `join` that gives F(x) + S(x) as that of `Shortcut` does, only faster."""
    setattr(join, "faster_sum", True)  # noqa: B010 - functions declare no attributes
    return join


class Identity(Shortcut):
    """S(x) = x; He et al. 2015 (arXiv 1512.03385), eq. 1. For blocks that keep their shape.

    >>> import torch
    >>> Identity().join(torch.ones(1, 2, 4, 4), torch.ones(1, 2, 4, 4)).sum()
    tensor(64.)
    """

    def check(self, in_channels: int, out_channels: int, stride: Stride) -> None:
        """Raises `ValueError` unless the shape is kept."""
        if in_channels == out_channels and stride == 1:
            return
        sizes = f"({in_channels}, {out_channels}, stride={stride})"
        remedy = f"pass Projection{sizes}"
        if out_channels >= in_channels:
            remedy += f" or ZeroPad{sizes}"
        raise ValueError(
            f"identity cannot join {in_channels} channels to {out_channels} at stride {stride}; "
            + remedy
        )

    def forward(self, x: Tensor) -> Tensor:
        """S(x) = x: (N, C, H, W)."""
        return x


class NoShortcut(Shortcut):
    """S(x) = 0: the block of a plain network, y = relu(F(x)); He et al. 2015, Fig. 3 middle.

    >>> import torch
    >>> NoShortcut().join(torch.ones(2), torch.ones(3))
    tensor([1., 1.])
    """

    def check(self, in_channels: int, out_channels: int, stride: Stride) -> None:
        """Fits every block."""

    def forward(self, x: Tensor) -> Tensor:
        """A single 0 of x's dtype and device, which fits any shape."""
        return x.new_zeros(())

    def join(self, residual: Tensor, x: Tensor) -> Tensor:
        """`residual`, unchanged."""
        return residual


class ShortcutPath(NamedSequential, Shortcut):
    """S(x): modules in a row, by their names.

    >>> import torch
    >>> path = ShortcutPath({"conv1": nn.Conv2d(2, 4, 1, bias=False)})
    >>> path.join(torch.zeros(1, 4, 2, 2), torch.zeros(1, 2, 2, 2)).shape
    torch.Size([1, 4, 2, 2])
    """

    def __init__(self, steps: Mapping[str, nn.Module]) -> None:
        super().__init__(OrderedDict(steps))

    def check(self, in_channels: int, out_channels: int, stride: Stride) -> None:
        """Shapes are known only to whoever chose the modules."""
