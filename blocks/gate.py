"""A shortcut that is opened and closed by its input."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from typing import Literal

import torch
from torch import Tensor, nn

from .layers import Stride, check_positive, check_stride, of_dims
from .shortcut import Shortcut
from .wrapper import ShortcutWrapper, check_of
from .zero_pad import ZeroPad


class Gate(ShortcutWrapper):
    """(1 - g(x)) S(x) + g(x) F(x), g = sigmoid(W x + b), W a 1x1 convolution.

    He et al. 2016 (arXiv 1603.05027), section 3.1. `mode="exclusive"` is the gate of Highway
    Networks (Srivastava et al. 2015, arXiv 1505.00387); `mode="shortcut_only"` adds F(x) as it
    is. b starts at `bias_init`. S is the shortcut `of`, `ZeroPad` of the same sizes unless
    given. With `dims=1` or 3 maps have so many axes. Raises `ValueError` for sizes below 1, an
    unknown mode and, without `of`, where the channels narrow; `TypeError` where `of` is no
    shortcut.

    >>> import torch
    >>> gate = Gate(64, 128, stride=2)
    >>> gate.join(torch.zeros(1, 128, 4, 4), torch.zeros(1, 64, 8, 8)).shape
    torch.Size([1, 128, 4, 4])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: Stride = 1,
        *,
        mode: Literal["exclusive", "shortcut_only"] = "exclusive",
        bias_init: float = -6.0,
        of: Shortcut | None = None,
        dims: int = 2,
    ) -> None:
        check_positive(in_channels=in_channels, out_channels=out_channels)
        check_stride(stride)
        if mode not in ("exclusive", "shortcut_only"):
            raise ValueError(f"mode={mode!r} is unknown; choose 'exclusive' or 'shortcut_only'")
        super().__init__()
        of = ZeroPad(in_channels, out_channels, stride, dims=dims) if of is None else of
        check_of(of)
        self.of = of
        self.gate = of_dims("Conv", dims)(in_channels, out_channels, 1, stride)
        nn.init.constant_(self.gate.get_parameter("bias"), bias_init)
        self.mode = mode
        self._sizes = (in_channels, out_channels, stride)

    def check(self, in_channels: int, out_channels: int, stride: Stride) -> None:
        """Raises `ValueError` if the block's sizes are not those of the gate and its shortcut."""
        self._compare(self._sizes, (in_channels, out_channels, stride))
        super().check(in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(1 - g(x)) S(x): (N, out_channels, H', W') for x: (N, in_channels, H, W)."""
        return self._closed(self._gate(x), x)

    def join(self, residual: Tensor, x: Tensor) -> Tensor:
        """The sum, in the dtype of `residual` and, if autograd allows, its memory."""
        gate = self._gate(x)
        if self.mode == "exclusive":
            residual = residual * gate.to(residual.dtype)
        residual += self._closed(gate, x)
        return residual

    def _gate(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.gate(x))

    def _closed(self, gate: Tensor, x: Tensor) -> Tensor:
        shortcut: Tensor = (1 - gate) * self.of(x)
        return shortcut

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        return f"mode={self.mode!r}"
