"""The tiles of a map mixed by matrices that are made of the map."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch.nn.functional as F
from torch import Tensor, nn


class BilinearAttention(nn.Module):
    """y = x + d(wide(P z Q)), z = narrow(x).

    Chi et al. 2020 (CVPR 2020, Non-Local Neural Networks With Grouped Bilinear Attentional
    Transforms), section 3, as timm has it. z is cut into `size` x `size` tiles. P and Q, `size` x
    `size` for each of `groups` groups of channels, mix the tiles of a column and of a row; they are
    sigmoids of `rows` and `columns` of the maxima of `pooled(z)` over rows and columns, divided so
    that the weights of a tile sum to 1. Zeros fill a side that is no multiple of `size`. d drops
    channels at the rate `dropout`. (N, C, H, W) keeps its shape.

    >>> import torch
    >>> rows, columns = nn.Conv2d(2, 18, (3, 1)), nn.Conv2d(2, 18, (1, 3))
    >>> parts = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 2, 1), rows, columns, nn.Conv2d(4, 8, 1)
    >>> BilinearAttention(*parts, size=3, groups=2)(torch.ones(1, 8, 9, 7)).shape
    torch.Size([1, 8, 9, 7])
    """

    def __init__(
        self,
        narrow: nn.Module,
        pooled: nn.Module,
        rows: nn.Module,
        columns: nn.Module,
        wide: nn.Module,
        size: int = 7,
        groups: int = 2,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.narrow = narrow
        self.pooled = pooled
        self.rows = rows
        self.columns = columns
        self.wide = wide
        self.size = size
        self.groups = groups
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, H, W) for x: (N, C, H, W)."""
        size, height, width = self.size, x.shape[2], x.shape[3]
        z = self.narrow(x)
        pooled = self.pooled(z)
        p = self.rows(F.adaptive_max_pool2d(pooled, (size, 1)))
        q = self.columns(F.adaptive_max_pool2d(pooled, (1, size)))
        p = p.view(-1, self.groups, 1, size, size, 1).sigmoid()
        q = q.view(-1, self.groups, 1, 1, size, size, 1).sigmoid()
        p, q = p / p.sum(4, keepdim=True), q / q.sum(4, keepdim=True)
        # Sums of products and no matrix products, which would be counted as layers.
        z = F.pad(z, (0, -width % size, 0, -height % size))
        channels, rows, columns = z.shape[1] // self.groups, z.shape[2], z.shape[3]
        z = z.reshape(-1, self.groups, channels, 1, size, rows // size * columns)
        z = (p * z).sum(4)
        z = z.reshape(-1, self.groups, channels, rows, size, 1, columns // size)
        z = (q * z).sum(4).reshape(-1, self.groups * channels, rows, columns)
        added: Tensor = self.dropout(self.wide(z[:, :, :height, :width]))
        return added + x
