"""A learned factor, a learned offset, and a fixed factor."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """y = a x, one learned factor a for the whole map, which begins at `start`.

    ReZero: Bachlechner et al. 2020 (arXiv 2003.04887), section 3; SkipInit: De and Smith 2020
    (arXiv 2002.10444), section 3. The shape stays as it is.

    >>> import torch
    >>> Scale(start=0.5)(torch.ones(1, 2, 1, 1)).flatten()
    tensor([0.5000, 0.5000], grad_fn=<ViewBackward0>)
    """

    def __init__(self, start: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1,), start))

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, ...) for x: (N, C, ...)."""
        return x * self.weight


class Shift(nn.Module):
    """y = x + b, one learned offset b for the whole map, which begins at `start`.

    Zhang et al. 2019, Fixup (arXiv 1901.09321), section 3. The shape stays as it is.

    >>> import torch
    >>> Shift(start=0.5)(torch.ones(1, 2, 1, 1)).flatten()
    tensor([1.5000, 1.5000], grad_fn=<ViewBackward0>)
    """

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.full((1,), start))

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, ...) for x: (N, C, ...)."""
        return x + self.bias


class ChannelShift(nn.Module):
    """y = x + b, with a learned offset b for each channel of a map, which begins at `start`.

    (N, channels, H, W) keeps its shape; `dims` is its number of axes, here 2.

    >>> import torch
    >>> ChannelShift(2, start=0.5)(torch.ones(1, 2, 1, 1)).flatten()
    tensor([1.5000, 1.5000], grad_fn=<ViewBackward0>)
    """

    def __init__(self, channels: int, start: float = 0.0, dims: int = 2) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.full((channels, *[1] * dims), start))

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        return x + self.bias


class Multiply(nn.Module):
    """y = a x, a fixed factor a. The shape stays as it is.

    >>> import torch
    >>> Multiply(0.5)(torch.ones(2))
    tensor([0.5000, 0.5000])
    """

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, ...) for x: (N, C, ...)."""
        return x * self.factor

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        return str(self.factor)
