"""A learned factor for each channel."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import OneZero
from ..call import Call, ChannelCount, call
from ..operation import After, Operation
from ..site import Site
from ..trace import Module, Trace

Start = Annotated[float, Field(ge=-16.0, le=16.0), OneZero]


class ScaleSpec(Operation):
    """a x, a learned factor for each channel.

    The layer scale of Touvron et al. 2021 (arXiv 2103.17239), section 2.
    """

    main: ClassVar[str | None] = "start"
    sign: ClassVar[str | None] = "a"
    legend: ClassVar[str] = "learned scale of each channel"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"start": 0.5})
    unevaluated: ClassVar[frozenset[str]] = frozenset({"start"})
    after: ClassVar[After] = "fresh"

    kind: Literal["scale"] = "scale"
    start: Start = 1.0
    """Initial value of every factor."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.parameter(f"{name}.weight", trace.channels, 1, 1, start=self.start)

    def call(self, module: Module) -> Call:
        options = {} if self.start == 1.0 else {"start": self.start}
        return call("ChannelScale", ChannelCount(module.in_channels), **options)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, **self.differing()}
