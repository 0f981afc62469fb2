"""Pools of as many windows as the stride asks for, whatever the size of the map."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Stride, check_stride
from .same_padding import same_padding


class SamePool(nn.Module):
    """What the pools of this file have in common: windows and the padding that they need.

    x is padded for ceil(side / stride) windows a side, see :func:`same_padding`. With
    `dims=1` or 3 maps have so many axes, and `kernel_size` and `stride` may be a number for each.
    Raises `ValueError` for a size below 1 and for a stride wider than the window.

    >>> import torch
    >>> SamePool(3, stride=2).padding(torch.zeros(1, 1, 4, 5))
    [1, 1, 0, 1]
    """

    def __init__(self, kernel_size: Stride, stride: Stride = 1, dims: int = 2) -> None:
        super().__init__()
        check_stride(kernel_size)
        check_stride(stride)
        self.kernel_size = kernel_size
        self.stride = stride
        self.dims = dims
        if isinstance(kernel_size, int):
            kernel_size = (kernel_size,) * dims
        self.kernels = kernel_size
        self.strides = (stride,) * dims if isinstance(stride, int) else stride
        if any(step > side for step, side in zip(self.strides, self.kernels, strict=True)):
            raise ValueError(f"stride={stride} leaves pixels out; use at most {self.kernel_size}")

    def padding(self, x: Tensor) -> list[int]:
        """The pixels before and after each axis, the last axis first, as `F.pad` takes them."""
        return same_padding(x, self.kernels, self.strides)

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        return f"{self.kernel_size}, stride={self.stride}"


class SameAvgPool(SamePool):
    """y = the mean of windows of `kernel_size` pixels a side of x, `stride` apart, padded by zeros.

    The zeros count in the mean, unless `count_include_pad` is False, as in TensorFlow; see
    :class:`SamePool`. At stride 1 it is the pool of timm on the
    shortcut of a ResNet-D block that dilates. (N, C, H, W) becomes (N, C, ceil(H / stride),
    ceil(W / stride)).

    >>> import torch
    >>> SameAvgPool(2, dims=1)(torch.ones(1, 1, 3))
    tensor([[[1.0000, 1.0000, 0.5000]]])
    >>> SameAvgPool(2, dims=1, count_include_pad=False)(torch.ones(1, 1, 3))
    tensor([[[1., 1., 1.]]])
    """

    def __init__(
        self,
        kernel_size: Stride,
        stride: Stride = 1,
        dims: int = 2,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, dims)
        self.count_include_pad = count_include_pad

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        counts = "" if self.count_include_pad else ", count_include_pad=False"
        return super().extra_repr() + counts

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, ceil(H / stride), ceil(W / stride)) for x: (N, C, H, W)."""
        averaged = self.averaged(x)
        if self.count_include_pad:
            return averaged
        return averaged / self.averaged(torch.ones_like(x[:1, :1]))  # by its share of pixels of x

    def averaged(self, x: Tensor) -> Tensor:
        """The means with the zeros."""
        pool = getattr(F, f"avg_pool{self.dims}d")
        y: Tensor = pool(F.pad(x, self.padding(x)), self.kernels, stride=self.strides)
        return y


class SameAvgPool2d(SameAvgPool):
    """:class:`SameAvgPool` of pictures.

    >>> import torch
    >>> SameAvgPool2d(2)(torch.ones(1, 1, 2, 3))
    tensor([[[[1.0000, 1.0000, 0.5000],
              [0.5000, 0.5000, 0.2500]]]])
    """


class SameMaxPool(SamePool):
    """y = the largest value of windows of `kernel_size` pixels a side of x, `stride` apart.

    See :class:`SamePool`; what x is padded by is never the largest, or with `zeros` it is zeros,
    which may be. (N, C, H, W) becomes (N, C, ceil(H / stride), ceil(W / stride)).

    >>> import torch
    >>> SameMaxPool(3, stride=2)(torch.arange(16.0).view(1, 1, 4, 4))
    tensor([[[[10., 11.],
              [14., 15.]]]])
    >>> SameMaxPool(2, stride=2, dims=1, zeros=True)(torch.tensor([[[-3.0, -2.0, -1.0]]]))
    tensor([[[-2.,  0.]]])
    """

    def __init__(
        self, kernel_size: Stride, stride: Stride = 1, dims: int = 2, zeros: bool = False
    ) -> None:
        super().__init__(kernel_size, stride, dims)
        self.filler = 0.0 if zeros else -float("inf")

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        return super().extra_repr() + (", zeros=True" if self.filler == 0.0 else "")

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, ceil(H / stride), ceil(W / stride)) for x: (N, C, H, W)."""
        pool = getattr(F, f"max_pool{self.dims}d")
        padded = F.pad(x, self.padding(x), value=self.filler)
        most: Tensor = pool(padded, self.kernels, stride=self.strides)
        return most
