"""Where the weights start."""

from __future__ import annotations

from typing import Literal

from .base import Spec


class InitSpec(Spec):
    """How fresh weights are drawn.

    ``kaiming_normal``: convolutions from a normal distribution with variance 2 / fan_out (He et
    al. 2015, arXiv 1502.01852), norms at 1 and 0, the rest as PyTorch does by default.
    ``torch``: everything as PyTorch does by default, as d2l.ai has it.
    """

    scheme: Literal["kaiming_normal", "torch"] = "kaiming_normal"
    """How weights are drawn: `kaiming_normal`, or `torch`, as PyTorch does by default."""
    zero_residual: bool = False
    """Start the last norm of each residual branch at 0, so that a block starts as its shortcut
    (Goyal et al. 2017, arXiv 1706.02677, section 5.1); or the convolution that ends the branch
    where no norm follows it."""
