"""A blur that strides."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from math import comb

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import Stride, check_odd, check_positive, check_stride


class BlurPool2d(nn.Module):
    """y = every `stride`-th pixel of x convolved with a binomial filter, the same in each channel.

    Zhang 2019 (arXiv 1904.11486), section 3.2: the filter of side n is the outer product of
    (1/2 + 1/2)^(n - 1) with itself, such as [1 2 1] / 4 for n = 3. x is padded by
    `kernel_size // 2` pixels, by reflection or by zeros. The filter is a buffer that no state dict
    holds. (N, channels, H, W) becomes (N, channels, H', W'), with H' = (H - 1) // stride + 1.
    Raises `ValueError` for a kernel that is even or below 1, a stride below 1, and any other name
    of a padding.

    >>> import torch
    >>> BlurPool2d(1)(torch.arange(9.0).view(1, 1, 3, 3))
    tensor([[[[2., 3.],
              [5., 6.]]]])
    """

    filter: Tensor

    def __init__(
        self, channels: int, kernel_size: int = 3, stride: Stride = 2, padding: str = "reflect"
    ) -> None:
        super().__init__()
        check_odd(kernel_size=kernel_size)
        check_positive(channels=channels)
        check_stride(stride)
        if padding not in ("reflect", "zeros"):
            raise ValueError(f"padding={padding!r} is not known; choose 'reflect' or 'zeros'")
        self.channels = channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        counts = [comb(kernel_size - 1, k) for k in range(kernel_size)]
        line = torch.tensor(counts, dtype=torch.float32) / 2 ** (kernel_size - 1)
        weight = (line[:, None] * line).repeat(channels, 1, 1, 1)
        self.register_buffer("filter", weight, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H', W') for x: (N, C, H, W)."""
        side = self.kernel_size // 2
        mode = "constant" if self.padding == "zeros" else "reflect"
        padded = F.pad(x, [side, side, side, side], mode=mode)
        return F.conv2d(padded, self.filter, stride=self.stride, groups=self.channels)

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        return (
            f"{self.channels}, {self.kernel_size}, stride={self.stride}, padding={self.padding!r}"
        )
