"""Squeeze and excitation."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..call import Call, ChannelCount, call
from ..layer import Module
from ..operation import dims_of
from ..site import Site
from ..trace import Trace
from .reducing import GatedSpec


class SqueezeExcitationSpec(GatedSpec):
    """F(x) * sigmoid(W2 relu(W1 mean(F(x)))), W1 and W2 biased linear layers.

    Hu et al. 2018, Squeeze-and-Excitation Networks (arXiv 1709.01507), section 3 and Figure 3.
    """

    synonyms: ClassVar[tuple[str, ...]] = (
        "squeeze_excitation",
        "squeeze_and_excitation",
        "squeeze_excite",
        "channel_attention",
    )
    sign: ClassVar[str | None] = "se"
    legend: ClassVar[str] = "squeeze and excitation"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        *GatedSpec.samples,
        {"reduction": 1, "of": "input", "activation": "network", "bias": False},
        {"width": 3, "activation": "silu", "gate": "hardsigmoid"},
    )

    kind: Literal["se"] = "se"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        channels = trace.channels
        side = trace.fork("attention")
        side.global_avg_pool(f"{name}.pool")
        side.conv(f"{name}.fc1", self.reduced_at(channels, site), bias=self.bias)
        side.conv(f"{name}.fc2", channels, bias=self.bias)

    def call(self, module: Module) -> Call:
        options = self.options(module) | dims_of(module)
        return call("SqueezeExcitation", ChannelCount(module.in_channels), **options)
