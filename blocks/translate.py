"""A map that is moved."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch.nn.functional as F
from torch import Tensor, nn


class Translate(nn.Module):
    """y at position i is x at position i + `pixels` along each of `dims` axes, and 0 beyond x.

    (N, C, H, W) keeps its shape. Raises `ValueError` for no pixel, and for other numbers of axes
    than 1, 2 and 3.

    >>> import torch
    >>> Translate(1, dims=1)(torch.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[2., 3., 0.]]])
    """

    def __init__(self, pixels: int, dims: int = 2) -> None:
        super().__init__()
        if pixels < 1 or dims not in (1, 2, 3):
            raise ValueError(f"pixels={pixels} of dims={dims}: use 1 or more, of 1, 2 or 3 axes")
        self.pixels = pixels
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        # Padded first: onnxruntime takes a pad before a pool into the pool, even one of a window
        # that is no larger than the pad, which it then refuses.
        padded = F.pad(x, [0, self.pixels] * self.dims)
        moved = [slice(self.pixels, None)] * self.dims
        return padded[(slice(None), slice(None), *moved)].clone()

    def extra_repr(self) -> str:
        """The pixels, for printing."""
        return f"{self.pixels}"
