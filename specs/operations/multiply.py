"""A fixed factor."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import OneZero
from ..call import IDENTITY, Call, call
from ..layer import Module
from ..operation import After, Operation


class MultiplySpec(Operation):
    """a x, a fixed factor: the weight of a branch, say, or what makes up for attention."""

    synonyms: ClassVar[tuple[str, ...]] = ("constant", "factor", "alpha")
    main: ClassVar[str | None] = "factor"
    sign: ClassVar[str | None] = "x a"
    legend: ClassVar[str] = "fixed factor"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({"factor": 0.2}, {"factor": 2.0})

    kind: Literal["multiply"] = "multiply"
    factor: Annotated[float, Field(ge=-1024.0, le=1024.0), OneZero]
    """The factor."""

    @property
    def after(self) -> After:  # type: ignore[override]
        """A factor of 1 hands its input on."""
        return "same" if self.factor == 1.0 else "fresh"

    def call(self, module: Module) -> Call:
        return IDENTITY if self.factor == 1.0 else call("Multiply", self.factor)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return None if self.factor == 1.0 else {"op": self.kind, "factor": self.factor}

    def sign_of(self, module: Module) -> str | None:
        return "" if self.factor == 1.0 else f"x {self.factor:.3g}"
