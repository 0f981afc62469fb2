"""The bottleneck block: a 3x3 convolution between two 1x1 convolutions."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from typing import Literal

from torch import nn

from .layers import Activation, Norm, conv_norm
from .ordered_block import Attention, Order, OrderedBlock, ShortcutInput
from .residual_block import ShortcutArgument
from .shortcut import Identity


class Bottleneck(OrderedBlock):
    """y = relu(F(x) + S(x)), F = 1x1, 3x3, 1x1; He et al. 2015 (arXiv 1512.03385), Fig. 5 right.

    `width` is the number of channels of the 3x3 convolution, `out_channels // 4` unless given;
    `groups` splits it as in ResNeXt (Xie et al. 2016, arXiv 1611.05431), `dilation` spreads it.
    `stride_on` says which convolution strides: "conv2", the 3x3 (v1.5, as torchvision), or
    "conv1", the first 1x1 (the paper). `order`, `follows_activation`, `attention`,
    `dropout` and `bias` are those of `BasicBlock`. Raises `ValueError` for sizes below 1, groups
    that do not divide the width, an unknown `stride_on` or order and a shortcut that does not fit.

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
        dilation: int = 1,
        stride_on: Literal["conv2", "conv1"] = "conv2",
        order: Order = "post",
        follows_activation: bool = False,
        shortcut: ShortcutArgument = Identity,
        shortcut_input: ShortcutInput = "auto",
        attention: Attention | None = None,
        dropout: float = 0.0,
        norm: Norm = nn.BatchNorm2d,
        activation: Activation = nn.ReLU,
        bias: bool | None = None,
    ) -> None:
        if stride_on not in ("conv1", "conv2"):
            raise ValueError(f"stride_on={stride_on!r} cannot stride; choose 'conv1' or 'conv2'")
        width = out_channels // 4 if width is None else width
        stride1, stride2 = (stride, 1) if stride_on == "conv1" else (1, stride)

        def convolutions(last: Norm) -> list[tuple[nn.Module, nn.Module]]:
            first = conv_norm(in_channels, width, 1, stride=stride1, norm=norm, bias=bias)
            second = conv_norm(
                width,
                width,
                3,
                stride=stride2,
                groups=groups,
                dilation=dilation,
                norm=norm,
                bias=bias,
            )
            biased = first[0].bias is not None
            return [first, second, conv_norm(width, out_channels, 1, norm=last, bias=biased)]

        super().__init__(
            in_channels,
            out_channels,
            stride,
            convolutions,
            order=order,
            follows_activation=follows_activation,
            shortcut=shortcut,
            shortcut_input=shortcut_input,
            attention=attention,
            dropout=dropout,
            norm=norm,
            activation=activation,
        )
