"""The bottleneck block: a 3x3 convolution between two 1x1 convolutions."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from .layers import Activation, Norm, conv_norm, make_activation
from .residual_block import ResidualBlock, ShortcutArgument, fit_shortcut
from .shortcut import Identity


class Bottleneck(ResidualBlock):
    """y = relu(F(x) + S(x)), F = 1x1, 3x3, 1x1; He et al. 2015 (arXiv 1512.03385), Fig. 5 right.

    `width` is the number of channels of the 3x3 convolution, `out_channels // 4` unless given;
    `groups` splits it as in ResNeXt (Xie et al. 2016, arXiv 1611.05431). `stride_on` says which
    convolution strides: "conv2", the 3x3 (v1.5, as torchvision), or "conv1", the first 1x1 (the
    paper). `bias=None` gives the convolutions a bias exactly where no norm follows. Raises
    `ValueError` for sizes below 1, groups that do not divide the width, an unknown `stride_on`
    and a shortcut that does not fit.

    >>> import torch
    >>> from resforge.blocks import Projection
    >>> block = Bottleneck(64, 256, stride=2, shortcut=Projection(64, 256, stride=2))
    >>> block(torch.zeros(1, 64, 8, 8)).shape
    torch.Size([1, 256, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        width: int | None = None,
        stride: int = 1,
        groups: int = 1,
        stride_on: Literal["conv2", "conv1"] = "conv2",
        shortcut: ShortcutArgument = Identity,
        norm: Norm = nn.BatchNorm2d,
        activation: Activation = nn.ReLU,
        bias: bool | None = None,
    ) -> None:
        super().__init__()
        if stride_on not in ("conv1", "conv2"):
            raise ValueError(f"stride_on={stride_on!r} cannot stride; choose 'conv1' or 'conv2'")
        width = out_channels // 4 if width is None else width
        stride1, stride2 = (stride, 1) if stride_on == "conv1" else (1, stride)
        self.conv1, self.bn1 = conv_norm(
            in_channels, width, 1, stride=stride1, norm=norm, bias=bias
        )
        self.relu1 = make_activation(activation)
        self.conv2, self.bn2 = conv_norm(
            width, width, 3, stride=stride2, groups=groups, norm=norm, bias=bias
        )
        self.relu2 = make_activation(activation)
        self.conv3, self.bn3 = conv_norm(width, out_channels, 1, norm=norm, bias=bias)
        self.downsample = fit_shortcut(shortcut, in_channels, out_channels, stride)
        self.relu = make_activation(activation)

    def transform(self, x: Tensor) -> Tensor:
        """F(x): (N, out_channels, H', W') for x: (N, in_channels, H, W)."""
        hidden: Tensor = self.relu1(self.bn1(self.conv1(x)))
        hidden = self.relu2(self.bn2(self.conv2(hidden)))
        residual: Tensor = self.bn3(self.conv3(hidden))
        return residual
