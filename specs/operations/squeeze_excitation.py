"""Squeeze and excitation."""

from __future__ import annotations

from typing import ClassVar, Literal

from ..attention import ReducingSpec
from ..call import Call, ChannelCount, call
from ..site import Site
from ..trace import Module, Trace


class SqueezeExcitationSpec(ReducingSpec):
    """F(x) * sigmoid(W2 relu(W1 mean(F(x)))), W1 and W2 biased linear layers.

    Hu et al. 2018, Squeeze-and-Excitation Networks (arXiv 1709.01507), section 3 and Figure 3.
    """

    sign: ClassVar[str | None] = "se"
    legend: ClassVar[str] = "squeeze and excitation"

    kind: Literal["se"] = "se"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        channels = trace.channels
        side = trace.fork("attention")
        side.global_avg_pool(f"{name}.pool")
        side.conv(f"{name}.fc1", self.reduced(channels), bias=True)
        side.conv(f"{name}.fc2", channels, bias=True)

    def call(self, module: Module) -> Call:
        return call("SqueezeExcitation", ChannelCount(module.in_channels), **self.differing())
