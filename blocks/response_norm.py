"""A norm by the mean square of each channel."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch
from torch import Tensor, nn

from .layers import check_positive


class FilterResponseNorm(nn.Module):
    """y = max(w x / sqrt(mean(x^2) + eps) + b, t), the mean over the map of each channel.

    Filter response normalisation with its thresholded linear unit: Singh and Krishnan 2020 (arXiv
    1911.09737), section 3; t = `tau` is learned for each channel. Without `activate` there is no t
    and no maximum. w starts at 1, b and t at 0. (N, channels, ...) keeps its shape.

    >>> import torch
    >>> FilterResponseNorm(8)(torch.randn(1, 8, 4, 4)).min().item() >= 0
    True
    """

    def __init__(self, channels: int, eps: float = 1e-5, activate: bool = True) -> None:
        super().__init__()
        check_positive(channels=channels)
        self.eps = eps
        self.activate = activate
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        if activate:
            self.tau = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, ...) for x: (N, C, ...)."""
        rows = x.flatten(2)
        rows = rows * (rows.square().mean(2, keepdim=True) + self.eps).rsqrt()
        rows = rows * self.weight.unsqueeze(-1) + self.bias.unsqueeze(-1)
        if self.activate:
            rows = torch.maximum(rows, self.tau.unsqueeze(-1))
        return rows.reshape(x.shape)

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        more = "" if self.activate else ", activate=False"
        return f"{self.weight.numel()}, eps={self.eps}{more}"
