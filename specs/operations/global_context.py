"""Global-context attention."""

from __future__ import annotations

from typing import ClassVar, Literal

from ..attention import ReducingSpec
from ..call import Call, ChannelCount, call
from ..site import Site
from ..trace import Module, Trace


class GlobalContextSpec(ReducingSpec):
    """F(x) + W2 relu(n(W1 c)), c the mean of F(x) weighted by softmax(Wk F(x)) over the map.

    n is a layer norm; W1, W2 and Wk are biased; W2 starts at 0. Cao et al. 2019, GCNet (arXiv
    1904.11492), section 3.3 and Figure 4d.
    """

    sign: ClassVar[str | None] = "gc"
    legend: ClassVar[str] = "global context"

    kind: Literal["gc"] = "gc"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        channels = trace.channels
        trace.fork("attention").conv(f"{name}.mask", 1, bias=True)
        side = trace.fork("attention")
        side.global_avg_pool(f"{name}.context")
        side.conv(f"{name}.fc1", self.reduced(channels), bias=True)
        side.layer_norm(f"{name}.norm")
        side.conv(f"{name}.fc2", channels, bias=True, starts=(("weight", 0.0), ("bias", 0.0)))

    def call(self, module: Module) -> Call:
        return call("GlobalContext", ChannelCount(module.in_channels), **self.differing())
