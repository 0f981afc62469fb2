"""A map of one position as a vector."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..call import Call, call
from ..operation import After, Operation
from ..site import Site
from ..trace import Module, Trace


class FlattenSpec(Operation):
    """A map of one position as a vector.

    No file names it: it stands before a linear layer by itself.
    """

    sign: ClassVar[str | None] = ""
    after: ClassVar[After] = "same"

    kind: Literal["flatten"] = "flatten"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.flat = True

    def call(self, module: Module) -> Call:
        return call("nn.Flatten")

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return None
