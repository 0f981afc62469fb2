"""A residual branch that is left out at random while training."""

# Annotations stay objects here (no `from __future__ import annotations`): a module traced by
# torch.fx keeps those of its forward, and cannot be pickled where they are strings.

from typing import Literal

from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """y = x b / (1 - rate), b = 0 with chance `rate` and else 1; y = x in evaluation.

    Huang et al. 2016 (arXiv 1603.09382), section 3, with the factor of evaluation moved to
    training; with `scaled="evaluation"` it is where the paper has it: y = x b in training, and
    y = (1 - rate) x in evaluation. `mode="batch"` draws one b
    for the mini-batch (the paper), `mode="row"` one for each
    image; the names are those of torchvision. (N, ...) keeps its shape. Raises `ValueError` for
    a rate outside [0, 1), and an unknown mode or scaling.

    >>> import torch
    >>> StochasticDepth(0.5).eval()(torch.ones(2, 1))
    tensor([[1.],
            [1.]])
    """

    def __init__(
        self,
        rate: float,
        mode: Literal["batch", "row"] = "batch",
        scaled: Literal["training", "evaluation"] = "training",
    ) -> None:
        super().__init__()
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"rate={rate} is no chance of being left out; choose one in [0, 1)")
        if mode not in ("batch", "row"):
            raise ValueError(f"mode={mode!r} is unknown; choose 'batch' or 'row'")
        if scaled not in ("training", "evaluation"):
            raise ValueError(f"scaled={scaled!r} is unknown; choose 'training' or 'evaluation'")
        self.rate = rate
        self.mode = mode
        self.scaled = scaled

    def forward(self, x: Tensor) -> Tensor:
        """y: (N, ...) for x: (N, ...)."""
        if self.rate == 0.0:
            return x
        if not self.training:
            return x if self.scaled == "training" else x * (1.0 - self.rate)
        draws = x.shape[0] if self.mode == "row" else 1
        kept = x.new_empty([draws] + [1] * (x.dim() - 1)).bernoulli_(1.0 - self.rate)
        return x * (kept / (1.0 - self.rate) if self.scaled == "training" else kept)

    def extra_repr(self) -> str:
        """What the constructor was told, for printing."""
        scaled = "" if self.scaled == "training" else f", scaled={self.scaled!r}"
        return f"{self.rate:.4g}, mode={self.mode!r}{scaled}"
