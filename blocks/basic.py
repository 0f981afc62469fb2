"""The basic block: two 3x3 convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from .layers import Activation, Norm, conv_norm, make_activation
from .residual_block import ResidualBlock, ShortcutArgument, fit_shortcut
from .shortcut import Identity


class BasicBlock(ResidualBlock):
    """y = relu(F(x) + S(x)), F = 3x3, 3x3; He et al. 2015 (arXiv 1512.03385), Fig. 5 left.

    `width` is the number of channels between the two convolutions, `out_channels` unless given.
    `bias=None` gives the convolutions a bias exactly where no norm follows. Raises `ValueError`
    for sizes below 1 and for a shortcut that does not fit.

    >>> import torch
    >>> from resforge.blocks import Projection
    >>> block = BasicBlock(64, 128, stride=2, shortcut=Projection(64, 128, stride=2))
    >>> block(torch.zeros(1, 64, 8, 8)).shape
    torch.Size([1, 128, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: int | None = None,
        stride: int = 1,
        shortcut: ShortcutArgument = Identity,
        norm: Norm = nn.BatchNorm2d,
        activation: Activation = nn.ReLU,
        bias: bool | None = None,
    ) -> None:
        super().__init__()
        width = out_channels if width is None else width
        self.conv1, self.bn1 = conv_norm(in_channels, width, 3, stride=stride, norm=norm, bias=bias)
        self.relu1 = make_activation(activation)
        self.conv2, self.bn2 = conv_norm(width, out_channels, 3, norm=norm, bias=bias)
        self.downsample = fit_shortcut(shortcut, in_channels, out_channels, stride)
        self.relu = make_activation(activation)

    def transform(self, x: Tensor) -> Tensor:
        """F(x): (N, out_channels, H', W') for x: (N, in_channels, H, W)."""
        hidden: Tensor = self.relu1(self.bn1(self.conv1(x)))
        residual: Tensor = self.bn2(self.conv2(hidden))
        return residual
