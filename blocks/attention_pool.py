"""One vector of a map, by attention."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import check_positive


class AttentionPool2d(nn.Module):
    """y = W attention(q m, k t, v t) + b, t the mean m of x and its positions, plus p.

    Radford et al. 2021 (arXiv 2103.00020), section 2.4: the query is the mean alone, and p a
    learned vector for it and for each of `size` x `size` positions, 0 at first.
    (N, channels, size, size) becomes (N, out_channels). Raises `ValueError` for numbers below 1
    and for `heads` that do not divide the channels.

    >>> import torch
    >>> AttentionPool2d(8, 3, size=2, heads=2)(torch.ones(1, 8, 2, 2)).shape
    torch.Size([1, 3])
    """

    def __init__(self, channels: int, out_channels: int, size: int, heads: int) -> None:
        super().__init__()
        check_positive(channels=channels, out_channels=out_channels, size=size, heads=heads)
        if channels % heads:
            raise ValueError(f"heads={heads} does not divide channels={channels}")
        self.positional_embedding = nn.Parameter(torch.zeros(size * size + 1, channels))
        self.k_proj = nn.Linear(channels, channels)
        self.q_proj = nn.Linear(channels, channels)
        self.v_proj = nn.Linear(channels, channels)
        self.c_proj = nn.Linear(channels, out_channels)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, out_channels) for x: (N, channels, size, size)."""
        positions = x.flatten(2).permute(2, 0, 1)
        tokens = torch.cat([positions.mean(0, keepdim=True), positions], 0)
        tokens = tokens + self.positional_embedding.unsqueeze(1)
        query = self._by_head(self.q_proj(tokens[:1]))
        key = self._by_head(self.k_proj(tokens))
        value = self._by_head(self.v_proj(tokens))
        attended = F.scaled_dot_product_attention(query, key, value)
        y: Tensor = self.c_proj(attended.permute(2, 0, 1, 3).flatten(2)).squeeze(0)
        return y

    def _by_head(self, tokens: Tensor) -> Tensor:
        """(N, heads, L, C / heads) for tokens: (L, N, C)."""
        parts = tokens.reshape(tokens.shape[0], tokens.shape[1], self.heads, -1)
        return parts.permute(1, 2, 0, 3)
