"""A learned offset."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..call import Call, ChannelCount, call
from ..layer import Module
from ..operation import After, Operation, dims_of
from ..site import Site
from ..trace import Trace
from .scale import Start


class ShiftSpec(Operation):
    """x + b, a learned offset for each channel, or one for all.

    The scalar biases of Zhang et al. 2019, Fixup (arXiv 1901.09321), section 3, are `shared`.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("bias", "offset")
    main: ClassVar[str | None] = "start"
    sign: ClassVar[str | None] = "+b"
    legend: ClassVar[str] = "learned offset"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"start": 0.5}, {"shared": True})
    unevaluated: ClassVar[frozenset[str]] = frozenset({"start"})
    after: ClassVar[After] = "fresh"

    kind: Literal["shift"] = "shift"
    start: Start = 0.0
    """Initial value of every offset."""
    shared: bool = False
    """Whether one offset serves all channels."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        shape = (1,) if self.shared else (trace.channels, *(1,) * trace.dims)
        trace.parameter(f"{name}.bias", *shape, start=self.start)

    def call(self, module: Module) -> Call:
        options = self.differing("start")
        if self.shared:
            return call("Shift", **options)
        return call("ChannelShift", ChannelCount(module.in_channels), **options, **dims_of(module))

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, **self.differing()}
