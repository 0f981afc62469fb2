"""A residual branch that is left out at random."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..base import Rate
from ..call import IDENTITY, Call, call
from ..layer import Module
from ..operation import After, Operation


class DropPathSpec(Operation):
    """The whole map set to zero at random while training; a map kept is divided by 1 - rate.

    Huang et al. 2016, Deep Networks with Stochastic Depth (arXiv 1603.09382), section 3. The
    network's ``stochastic_depth`` puts one at the end of each branch.
    """

    synonyms: ClassVar[tuple[str, ...]] = (
        "stochastic_depth",
        "drop_connect",
        "droppath",
        "survival",
    )
    main: ClassVar[str | None] = "rate"
    sign: ClassVar[str | None] = "dp"
    legend: ClassVar[str] = "branch dropped in training"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"rate": 0.2},
        {"rate": 0.2, "mode": "row"},
        {"rate": 0.2, "scaled": "evaluation"},
    )
    after: ClassVar[After] = "same"

    kind: Literal["drop_path"] = "drop_path"
    rate: Rate
    """Probability that the map is set to zero."""
    mode: Literal["batch", "row"] = "batch"
    """Whether one draw holds for a mini-batch (`batch`) or each image has its own (`row`)."""
    scaled: Literal["training", "evaluation"] = "training"
    """When the map is scaled: in `training` one that is kept is divided by 1 - rate, or in
    `evaluation` every map is multiplied by it."""

    def call(self, module: Module) -> Call:
        if not self.rate:
            return IDENTITY
        return call("StochasticDepth", self.rate, **self.differing("mode", "scaled"))

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return super().canonical(module) if self.rate else None

    def evaluated(self, module: Module) -> dict[str, Any] | None:
        factor = self.scaled == "evaluation" and self.rate
        return {"op": self.kind, "factor": 1 - self.rate} if factor else None

    def sign_of(self, module: Module) -> str | None:
        return f"dp {self.rate:.3g}" if self.rate else ""
