"""A residual branch that is left out at random while training."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from typing import Literal

from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """y = x b / (1 - rate), b = 0 with chance `rate` and else 1; y = x in evaluation.

    Huang et al. 2016 (arXiv 1603.09382), section 3, with the factor of evaluation moved to
    training. `mode="batch"` draws one b for the mini-batch (the paper), `mode="row"` one for each
    image; the names are those of torchvision. (N, ...) keeps its shape. Raises `ValueError` for
    a rate outside [0, 1) and an unknown mode.

    >>> import torch
    >>> StochasticDepth(0.5).eval()(torch.ones(2, 1))
    tensor([[1.],
            [1.]])
    """

    def __init__(self, rate: float, mode: Literal["batch", "row"] = "batch") -> None:
        super().__init__()
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"rate={rate} is no chance of being left out; choose one in [0, 1)")
        if mode not in ("batch", "row"):
            raise ValueError(f"mode={mode!r} is unknown; choose 'batch' or 'row'")
        self.rate = rate
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, ...) for x: (N, ...)."""
        if not self.training or self.rate == 0.0:
            return x
        draws = x.shape[0] if self.mode == "row" else 1
        kept = x.new_empty([draws] + [1] * (x.dim() - 1)).bernoulli_(1.0 - self.rate)
        return x * (kept / (1.0 - self.rate))

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        return f"{self.rate:.4g}, mode={self.mode!r}"
