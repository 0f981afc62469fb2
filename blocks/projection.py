"""Shortcuts that are convolutions."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from torch import nn

from .layers import NamedSequential, Norm, Stride, check_stride, conv_norm, make_avg_pool
from .shortcut import Shortcut


class Projection(NamedSequential, Shortcut):
    """S(x) = norm(W x), W a 1x1 convolution; options B and C of He et al. 2015, section 3.3.

    `kernel_size=3` makes W the 3x3 of SENet-154 (Hu et al. 2018, arXiv 1709.01507), `dilation`
    spreads it beside a branch that dilates.
    Its children are "0", the convolution, and "1", the norm, which is left out for `NoNorm`.
    With `norm=NoNorm` it is the biased 1x1 convolution of d2l.ai, chapter 8.6; with `bias=False`
    too, the bare one of He et al. 2016, section 3.1. Raises `ValueError` for sizes below 1 and an
    even `kernel_size`.

    >>> import torch
    >>> Projection(64, 128, stride=2)(torch.zeros(1, 64, 7, 7)).shape
    torch.Size([1, 128, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        *,
        kernel_size: int = 1,
        dilation: int = 1,
        norm: Norm = nn.BatchNorm2d,
        bias: bool | None = None,
    ) -> None:
        layers = conv_norm(
            in_channels,
            out_channels,
            kernel_size,
            stride=stride,
            dilation=dilation,
            norm=norm,
            bias=bias,
        )
        super().__init__(*(layer for layer in layers if not isinstance(layer, nn.Identity)))
        self._sizes = (in_channels, out_channels, stride)

    def check(self, in_channels: int, out_channels: int, stride: Stride) -> None:
        """Raises `ValueError` if the block's sizes are not the projection's."""
        self._compare(self._sizes, (in_channels, out_channels, stride))


class AvgProjection(NamedSequential, Shortcut):
    """S(x) = norm(W pool(x)), the pool an average at `stride`; ResNet-D.

    He et al. 2018 (arXiv 1812.01187), Figure 2c. Its children are "0", the pool, which is an
    identity at stride 1, "1", the convolution, and "2", the norm, left out for `NoNorm`: timm's
    names. A square that the border cuts is averaged over what is left of it. `pool` replaces the
    pool: timm has `SameAvgPool2d(2)` beside a branch that dilates instead of striding. Raises
    `ValueError` for sizes below 1.

    >>> import torch
    >>> AvgProjection(64, 128, stride=2)(torch.zeros(1, 64, 7, 7)).shape
    torch.Size([1, 128, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        *,
        pool: nn.Module | None = None,
        norm: Norm = nn.BatchNorm2d,
        bias: bool | None = None,
    ) -> None:
        check_stride(stride)
        conv, follower = conv_norm(in_channels, out_channels, 1, norm=norm, bias=bias)
        layers = [conv] if isinstance(follower, nn.Identity) else [conv, follower]
        super().__init__(make_avg_pool(stride) if pool is None else pool, *layers)
        self._sizes = (in_channels, out_channels, stride)

    def check(self, in_channels: int, out_channels: int, stride: Stride) -> None:
        """Raises `ValueError` if the block's sizes are not the projection's."""
        self._compare(self._sizes, (in_channels, out_channels, stride))
