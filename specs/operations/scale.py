"""A learned factor."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import OneZero
from ..call import Call, ChannelCount, call
from ..layer import Module
from ..operation import After, Operation, dims_of
from ..site import Site
from ..trace import Trace

Start = Annotated[float, Field(ge=-16.0, le=16.0), OneZero]


class ScaleSpec(Operation):
    """a x, a learned factor for each channel, or one for all.

    The layer scale of Touvron et al. 2021 (arXiv 2103.17239), section 2. `{scale: 0, shared: true}`
    at the end of a branch is ReZero (Bachlechner et al. 2020, arXiv 2003.04887) and SkipInit (De
    and Smith 2020, arXiv 2002.10444).
    """

    synonyms: ClassVar[tuple[str, ...]] = ("layer_scale", "rezero", "skip_init", "gain", "gamma")
    main: ClassVar[str | None] = "start"
    sign: ClassVar[str | None] = "a"
    legend: ClassVar[str] = "learned scale"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"start": 0.5}, {"shared": True})
    unevaluated: ClassVar[frozenset[str]] = frozenset({"start"})
    after: ClassVar[After] = "fresh"

    kind: Literal["scale"] = "scale"
    start: Start = 1.0
    """Initial value of every factor."""
    shared: bool = False
    """Whether one factor serves all channels."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        shape = (1,) if self.shared else (trace.channels, *(1,) * trace.dims)
        trace.parameter(f"{name}.weight", *shape, start=self.start)

    def call(self, module: Module) -> Call:
        options = self.differing("start")
        if self.shared:
            return call("Scale", **options)
        return call("ChannelScale", ChannelCount(module.in_channels), **options, **dims_of(module))

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, **self.differing()}
