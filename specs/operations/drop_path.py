"""A residual branch that is left out at random."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..base import Rate
from ..call import IDENTITY, Call, call
from ..operation import After, Operation
from ..trace import Module


class DropPathSpec(Operation):
    """The whole map set to zero at random while training; a map kept is divided by 1 - rate.

    Huang et al. 2016, Deep Networks with Stochastic Depth (arXiv 1603.09382), section 3. The
    network's ``stochastic_depth`` puts one at the end of each branch.
    """

    main: ClassVar[str | None] = "rate"
    sign: ClassVar[str | None] = "dp"
    legend: ClassVar[str] = "branch dropped in training"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({"rate": 0.2}, {"rate": 0.2, "mode": "row"})
    after: ClassVar[After] = "same"

    kind: Literal["drop_path"] = "drop_path"
    rate: Rate
    """Probability that the map is set to zero."""
    mode: Literal["batch", "row"] = "batch"
    """Whether one draw holds for a mini-batch (`batch`) or each image has its own (`row`)."""

    def call(self, module: Module) -> Call:
        if not self.rate:
            return IDENTITY
        options = {} if self.mode == "batch" else {"mode": self.mode}
        return call("StochasticDepth", self.rate, **options)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return super().canonical(module) if self.rate else None

    def evaluated(self, module: Module) -> dict[str, Any] | None:
        return None

    def sign_of(self, module: Module) -> str | None:
        return f"dp {self.rate:.3g}" if self.rate else ""
