"""Convolutions of as many windows as the stride asks for, whatever the size of the map."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from .same_padding import same_padding
from .standardized import ScaledStandardizedConv2d, StandardizedConv2d


class SamePadded(_ConvNd):
    """What the convolutions of this file have in common: the padding of their input.

    x is padded by zeros for ceil(side / stride) windows a side, see :func:`same_padding`: so
    (N, C, H, W) becomes (N, C', ceil(H / stride), ceil(W / stride)). Other arguments are those of
    the class without `Same` in its name.
    """

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        x = F.pad(x, same_padding(x, self.kernel_size, self.stride, self.dilation))
        y: Tensor = super()._conv_forward(x, weight, bias)
        return y


class SameConv1d(SamePadded, nn.Conv1d):
    """`nn.Conv1d`, padded as TensorFlow's `SAME`.

    >>> import torch
    >>> SameConv1d(2, 4, 16, stride=2)(torch.zeros(1, 2, 31)).shape
    torch.Size([1, 4, 16])
    """


class SameConv2d(SamePadded, nn.Conv2d):
    """`nn.Conv2d`, padded as TensorFlow's `SAME`.

    >>> import torch
    >>> SameConv2d(2, 4, 3, stride=2)(torch.zeros(1, 2, 7, 8)).shape
    torch.Size([1, 4, 4, 4])
    """


class SameConv3d(SamePadded, nn.Conv3d):
    """`nn.Conv3d`, padded as TensorFlow's `SAME`.

    >>> import torch
    >>> SameConv3d(2, 4, 3, stride=(1, 2, 2))(torch.zeros(1, 2, 3, 7, 8)).shape
    torch.Size([1, 4, 3, 4, 4])
    """


class SameStandardizedConv2d(SamePadded, StandardizedConv2d):
    """:class:`StandardizedConv2d`, padded as TensorFlow's `SAME`.

    >>> import torch
    >>> SameStandardizedConv2d(2, 4, 3, stride=2)(torch.zeros(1, 2, 7, 8)).shape
    torch.Size([1, 4, 4, 4])
    """


class SameScaledStandardizedConv2d(SamePadded, ScaledStandardizedConv2d):
    """:class:`ScaledStandardizedConv2d`, padded as TensorFlow's `SAME`.

    The form of the published networks without norms: Brock et al. 2021 (arXiv 2102.06171).

    >>> import torch
    >>> SameScaledStandardizedConv2d(2, 4, 3, stride=2)(torch.zeros(1, 2, 7, 8)).shape
    torch.Size([1, 4, 4, 4])
    """
