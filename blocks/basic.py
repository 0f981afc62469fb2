"""The basic block: two 3x3 convolutions."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from torch import Tensor, nn

from .layers import Activation, Norm, conv_norm, make_activation
from .ordered_block import Attention, Order, OrderedBlock, ShortcutInput
from .residual_block import ShortcutArgument
from .shortcut import Identity


class BasicBlock(OrderedBlock):
    """y = relu(F(x) + S(x)), F = 3x3, 3x3; He et al. 2015 (arXiv 1512.03385), Fig. 5 left.

    `width` is the number of channels between the two convolutions, `out_channels` unless given;
    `dilations` are theirs. `order` places norms and activations elsewhere (He et al. 2016);
    `follows_activation` leaves out those at the head of the block, where what comes before has
    just activated: the first block of a pre-activated network. `attention` weighs the channels
    of F. `bias=None` gives the convolutions a bias exactly where there are no norms. Raises
    `ValueError` for sizes below 1, an unknown order and a shortcut that does not fit.

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
        norm: Norm = nn.BatchNorm2d,
        activation: Activation = nn.ReLU,
        bias: bool | None = None,
    ) -> None:
        super().__init__()
        width = out_channels if width is None else width
        self._open(
            order,
            in_channels,
            follows_activation=follows_activation,
            norm=norm,
            activation=activation,
        )
        self.conv1, self.bn1 = conv_norm(
            in_channels, width, 3, stride=stride, dilation=dilations[0], norm=norm, bias=bias
        )
        self.relu1 = make_activation(activation)
        self.conv2, self.bn2 = conv_norm(
            width,
            out_channels,
            3,
            dilation=dilations[1],
            norm=self._last_norm(norm),
            bias=self.conv1.bias is not None,
        )
        self._close(
            shortcut,
            in_channels,
            out_channels,
            stride,
            shortcut_input=shortcut_input,
            attention=attention,
            norm=norm,
            activation=activation,
        )

    def transform(self, x: Tensor) -> Tensor:
        """F(x): (N, out_channels, H', W') for x: (N, in_channels, H, W)."""
        hidden: Tensor = self.relu1(self.bn1(self.conv1(x)))
        residual: Tensor = self.bn2(self.conv2(hidden))
        return residual
