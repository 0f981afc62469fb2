"""A map as a vector."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..call import Call, call
from ..layer import Module
from ..operation import After, Operation, Side
from ..site import Site
from ..trace import Trace


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


class FlattenMapSpec(Operation):
    """A map of fixed size as a vector: each channel's positions in a row, channel after channel."""

    synonyms: ClassVar[tuple[str, ...]] = ("reshape", "view")
    main: ClassVar[str | None] = "size"
    sign: ClassVar[str | None] = "flat"
    legend: ClassVar[str] = "flattened map"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({"size": 11},)
    after: ClassVar[After] = "same"

    kind: Literal["flatten"] = "flatten"
    size: Side
    """Height and width of the map that it takes, in positions: 1 after a pool of the whole map."""

    @property
    def map_size(self) -> int:
        return self.size

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.flatten(name, self.size)

    def call(self, module: Module) -> Call:
        return call("nn.Flatten")

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, "size": self.size}
