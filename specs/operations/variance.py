"""Division by the deviation that is expected at a place in the network."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import OneZero
from ..operation import After, Operation
from ..site import Choices
from .multiply import MultiplySpec


class VarianceSpec(Operation):
    """x / sqrt(1 + n alpha^2), n the number of sums since the last change of shape.

    Networks without norms: Brock et al. 2021 (arXiv 2101.08692), section 3. A branch of variance 1
    that is multiplied by `alpha` adds alpha^2 to the variance of what it is added to.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("expected_variance",)
    main: ClassVar[str | None] = "alpha"
    sign: ClassVar[str | None] = "x a"
    legend: ClassVar[str] = "fixed factor"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({"alpha": 0.2}, {"alpha": 1.0})
    after: ClassVar[After] = "fresh"
    reads_sums: ClassVar[bool] = True

    kind: Literal["variance"] = "variance"
    alpha: Annotated[float, Field(ge=0.0, le=16.0), OneZero]
    """The factor of the branches, which `{multiply: ALPHA}` at their ends gives them."""

    def settle(self, choices: Choices) -> Operation:
        variance = 1.0
        for _ in range(choices.sums):
            variance += self.alpha**2
        return MultiplySpec(factor=1.0 / variance**0.5)
