"""The basic block: two 3x3 convolutions."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from torch import nn

from .layers import Activation, Norm, conv_norm
from .ordered_block import Attention, Order, OrderedBlock, ShortcutInput
from .residual_block import ShortcutArgument
from .shortcut import Identity


class BasicBlock(OrderedBlock):
    """y = relu(F(x) + S(x)), F = 3x3, 3x3; He et al. 2015 (arXiv 1512.03385), Fig. 5 left.

    `width` is the number of channels between the two convolutions, `out_channels` unless given;
    `dilations` are theirs. `order` places norms and activations elsewhere (He et al. 2016);
    `follows_activation` leaves out those at the head of the block, where what comes before has
    just activated: the first block of a pre-activated network. `attention` weighs the channels
    of F; `dropout` is the rate before its last convolution. `bias=None` gives the convolutions a
    bias exactly where there are no norms. Raises `ValueError` for sizes below 1, an unknown order
    and a shortcut that does not fit.

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
        dilations: tuple[int, int] = (1, 1),
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
        width = out_channels if width is None else width

        def convolutions(last: Norm) -> list[tuple[nn.Module, nn.Module]]:
            first = conv_norm(
                in_channels, width, 3, stride=stride, dilation=dilations[0], norm=norm, bias=bias
            )
            biased = first[0].bias is not None
            second = conv_norm(
                width, out_channels, 3, dilation=dilations[1], norm=last, bias=biased
            )
            return [first, second]

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
