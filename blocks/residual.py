"""The Residual of d2l.ai: a basic block with biased convolutions."""

from __future__ import annotations

from torch import nn

from .basic import BasicBlock
from .layers import Activation, Norm
from .residual_block import ShortcutArgument
from .shortcut import Identity


class Residual(BasicBlock):
    """y = relu(F(x) + S(x)), F = 3x3, 3x3, biased; Zhang et al., Dive into Deep Learning, 8.6.

    The book's 1x1 shortcut is biased and has no norm: `Projection(..., norm=NoNorm)`. Raises
    `ValueError` for sizes below 1 and for a shortcut that does not fit.

    >>> import torch
    >>> from resforge.blocks import NoNorm, Projection
    >>> block = Residual(3, 6, stride=2, shortcut=Projection(3, 6, stride=2, norm=NoNorm))
    >>> block(torch.zeros(4, 3, 6, 6)).shape
    torch.Size([4, 6, 3, 3])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int = 1,
        shortcut: ShortcutArgument = Identity,
        norm: Norm = nn.BatchNorm2d,
        activation: Activation = nn.ReLU,
        bias: bool | None = True,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            stride=stride,
            shortcut=shortcut,
            norm=norm,
            activation=activation,
            bias=bias,
        )
