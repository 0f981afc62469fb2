"""Convolutions with standardised weights."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class StandardizedConv2d(nn.Conv2d):
    """y = V * x + b, V = (W - mean(W)) / sqrt(var(W) + eps) for each output channel.

    Weight standardisation: Qiao et al. 2019 (arXiv 1903.10520), equation 7. With
    `estimate="sample"` V = (W - mean(W)) / (std(W) + eps), std with the divisor n - 1, as in the
    authors' code. Other arguments and shapes are those of `nn.Conv2d`.

    >>> import torch
    >>> conv = StandardizedConv2d(8, 4, 3)
    >>> conv.convolved().mean((1, 2, 3)).abs().max().item() < 1e-6
    True
    >>> conv(torch.zeros(1, 8, 5, 5)).shape
    torch.Size([1, 4, 3, 3])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        eps: float = 1e-6,
        estimate: Literal["population", "sample"] = "population",
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
        )
        self.eps = eps
        self.estimate = estimate

    def convolved(self) -> Tensor:
        """V: the standardised weight, in the shape of the weight."""
        if self.estimate == "sample":
            centred = self.weight - self.weight.mean(1, True).mean(2, True).mean(3, True)
            deviation = centred.flatten(1).std(1).reshape(-1, 1, 1, 1)
            return centred / (deviation + self.eps)
        rows = self.weight.reshape(1, self.out_channels, -1)
        rows = F.batch_norm(rows, None, None, training=True, eps=self.eps)
        return rows.reshape_as(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C', H', W') for x: (N, C, H, W)."""
        y: Tensor = self._conv_forward(x, self.convolved(), self.bias)
        return y

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        estimate = "" if self.estimate == "population" else f", estimate={self.estimate}"
        shape = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{shape}, eps={self.eps}{estimate}"


class ScaledStandardizedConv2d(nn.Conv2d):
    """y = V * x + b, V = gamma g (W - mean(W)) / sqrt(n (var(W) + eps)) for each output channel.

    Scaled weight standardisation: Brock et al. 2021 (arXiv 2101.08692), equation 2. n is the number
    of values that each output is a sum of, g = `gain` a learned factor for each output channel,
    which starts at 1; the bias starts at 0. Other arguments and shapes are those of `nn.Conv2d`.

    >>> import torch
    >>> conv = ScaledStandardizedConv2d(8, 4, 3)
    >>> sum(p.numel() for p in conv.parameters())
    296
    >>> conv.convolved().square().sum((1, 2, 3)).sub(1).abs().max().item() < 1e-2
    True
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        gamma: float = 1.0,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias
        )
        self.gamma = gamma
        self.eps = eps
        self.scale = gamma * self.weight[0].numel() ** -0.5
        self.gain = nn.Parameter(torch.ones(out_channels, 1, 1, 1))
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def convolved(self) -> Tensor:
        """V: the standardised and scaled weight, in the shape of the weight."""
        rows = self.weight.reshape(1, self.out_channels, -1)
        factors = (self.gain * self.scale).view(-1)
        rows = F.batch_norm(rows, None, None, factors, training=True, eps=self.eps)
        return rows.reshape_as(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, C', H', W') for x: (N, C, H, W)."""
        y: Tensor = self._conv_forward(x, self.convolved(), self.bias)
        return y

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        shape = super().extra_repr()  # type: ignore[no-untyped-call]
        return f"{shape}, gamma={self.gamma}, eps={self.eps}"
