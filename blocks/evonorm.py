"""Norms that are an activation too: EvoNorm."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

import torch
from torch import Tensor, nn

from .layers import check_positive


class EvoNormS0(nn.Module):
    """y = w x sigmoid(v x) / sqrt(var(x) + eps) + b, the variance over groups of channels.

    Liu et al. 2020 (arXiv 2004.02967), table 2: a norm and an activation in one, without statistics
    of a batch. Without `activate` y = w x / sqrt(var(x) + eps) + b, and there is no v. w and v
    start at 1, b at 0. (N, channels, ...) keeps its shape. Raises `ValueError` where `groups` do
    not divide the channels.

    >>> import torch
    >>> EvoNormS0(8, groups=2)(torch.randn(1, 8, 4, 4)).shape
    torch.Size([1, 8, 4, 4])
    """

    def __init__(
        self, channels: int, groups: int = 32, eps: float = 1e-5, activate: bool = True
    ) -> None:
        super().__init__()
        check_positive(channels=channels, groups=groups)
        if channels % groups:
            raise ValueError(f"groups={groups} does not divide channels={channels}")
        self.groups = groups
        self.eps = eps
        self.activate = activate
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        if activate:
            self.v = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, ...) for x: (N, C, ...)."""
        rows = x.flatten(2)
        grouped = x.reshape(x.shape[0], self.groups, -1)
        variance = grouped.var(2, correction=0, keepdim=True)
        deviation = (variance + self.eps).sqrt().expand_as(grouped).reshape(rows.shape)
        if self.activate:
            rows = rows * (rows * self.v.unsqueeze(-1)).sigmoid()
        rows = rows / deviation * self.weight.unsqueeze(-1) + self.bias.unsqueeze(-1)
        return rows.reshape(x.shape)

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        more = "" if self.activate else ", activate=False"
        return f"{self.weight.numel()}, groups={self.groups}, eps={self.eps}{more}"


class EvoNormB0(nn.Module):
    """y = w x / max(sqrt(batch variance + eps), v x + sqrt(instance variance + eps)) + b.

    Liu et al. 2020 (arXiv 2004.02967), table 2: a norm and an activation in one. The batch variance
    is that of each channel over the batch, in evaluation its running mean. Without `activate`
    y = w x / sqrt(batch variance + eps) + b, and there is no v. w and v start at 1, b at 0.
    (N, channels, ...) keeps its shape.

    >>> import torch
    >>> EvoNormB0(8)(torch.randn(2, 8, 4, 4)).shape
    torch.Size([2, 8, 4, 4])
    """

    running_var: Tensor

    def __init__(
        self, channels: int, eps: float = 1e-3, momentum: float = 0.1, activate: bool = True
    ) -> None:
        super().__init__()
        check_positive(channels=channels)
        self.eps = eps
        self.momentum = momentum
        self.activate = activate
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        if activate:
            self.v = nn.Parameter(torch.ones(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C, ...) for x: (N, C, ...)."""
        rows = x.flatten(2)
        variance = self.running_var
        if self.training:
            variance = rows.var((0, 2), correction=0)
            unbiased = rows.detach().var((0, 2))
            self.running_var.lerp_(unbiased.to(self.running_var.dtype), self.momentum)
        deviation = (variance + self.eps).sqrt().to(x.dtype).unsqueeze(-1)
        if self.activate:
            own = (rows.var(2, correction=0, keepdim=True) + self.eps).sqrt()
            deviation = torch.maximum(deviation, rows * self.v.unsqueeze(-1) + own)
        rows = rows / deviation * self.weight.unsqueeze(-1) + self.bias.unsqueeze(-1)
        return rows.reshape(x.shape)

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        more = "" if self.activate else ", activate=False"
        return f"{self.weight.numel()}, eps={self.eps}, momentum={self.momentum}{more}"
