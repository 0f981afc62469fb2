"""An average that keeps the size of a map."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch.nn.functional as F
from torch import Tensor, nn

from .layers import check_positive


class SameAvgPool2d(nn.Module):
    """y = the mean of the window of `kernel_size` pixels a side at each pixel of x.

    x is padded by `(kernel_size - 1) // 2` zeros before and `kernel_size // 2` after in each
    direction, and they count in the mean: the pool of timm on the shortcut of a ResNet-D block that
    dilates. (N, C, H, W) keeps its shape. Raises `ValueError` for a size below 1.

    >>> import torch
    >>> SameAvgPool2d(2)(torch.ones(1, 1, 2, 3))
    tensor([[[[1.0000, 1.0000, 0.5000],
              [0.5000, 0.5000, 0.2500]]]])
    """

    def __init__(self, kernel_size: int) -> None:
        super().__init__()
        check_positive(kernel_size=kernel_size)
        self.kernel_size = kernel_size
        before, after = (kernel_size - 1) // 2, kernel_size // 2
        self.padding = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        return F.avg_pool2d(F.pad(x, self.padding), self.kernel_size, stride=1)

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        return str(self.kernel_size)
