"""Dropout."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..base import Rate
from ..call import IDENTITY, Call, call
from ..layer import Module
from ..operation import After, Operation


class DropoutSpec(Operation):
    """Values set to zero at random while training; those kept are divided by 1 - rate.

    Srivastava et al. 2014; inside a residual branch: Zagoruyko and Komodakis 2016 (arXiv
    1605.07146), section 2.4.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("spatial_dropout",)
    main: ClassVar[str | None] = "rate"
    sign: ClassVar[str | None] = "p"
    legend: ClassVar[str] = "dropout"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({"rate": 0.3}, {"rate": 0.0})
    after: ClassVar[After] = "same"
    keeps_activation: ClassVar[bool] = True
    bare: ClassVar[bool] = True

    kind: Literal["dropout"] = "dropout"
    rate: Rate
    """Probability that a value is set to zero."""

    def call(self, module: Module) -> Call:
        return call("nn.Dropout", self.rate) if self.rate else IDENTITY

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": "dropout", "rate": self.rate} if self.rate else None

    def evaluated(self, module: Module) -> dict[str, Any] | None:
        return None

    def sign_of(self, module: Module) -> str | None:
        return f"p {self.rate:.3g}"
