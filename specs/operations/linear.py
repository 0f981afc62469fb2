"""A linear layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..call import Call, ChannelCount, call
from ..layer import Module
from ..operation import After, Operation, Problem
from ..site import Site
from ..trace import Trace
from .flatten import FlattenSpec


class LinearSpec(Operation):
    """W x + b, or W x. Legal on a map of one position, such as after `global_pool`."""

    synonyms: ClassVar[tuple[str, ...]] = ("dense", "fc", "fully_connected", "mlp")
    main: ClassVar[str | None] = "out_features"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"out_features": 8},
        {"out_features": 8, "bias": False},
    )
    unevaluated: ClassVar[frozenset[str]] = frozenset({"out_features"})
    after: ClassVar[After] = "fresh"
    flattening: ClassVar[Operation | None] = FlattenSpec()

    kind: Literal["linear"] = "linear"
    out_features: Annotated[int, Field(ge=1, le=10_000_000)]
    """Numbers put out; in the last `linear` of a head the number of classes."""

    bias: bool = True
    """Whether there is a b."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.linear(name, self.out_features, self.bias)

    def call(self, module: Module) -> Call:
        channels = ChannelCount(module.in_channels)
        return call("nn.Linear", channels, self.out_features, **self.differing("bias"))

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": "linear", "out_features": self.out_features, **self.differing("bias")}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        if set(module.layer.in_size) != {1}:
            yield (
                "out_features",
                "a linear layer takes a map of one position",
                "put global_pool before it, or {flatten: SIDE} for a map of one size",
            )
