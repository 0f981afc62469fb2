"""The bottleneck attention module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import Dilation
from ..call import Call, call
from ..layer import Module
from ..norm import BatchNormSpec, NormSpec
from ..operation import Problem
from ..seen import Seen
from ..site import Site
from ..trace import Trace
from .act import act_call
from .conv import conv_call
from .norm import norm_call, norm_problems
from .reducing import ReducingSpec, hidden


class BAMSpec(ReducingSpec):
    """F(x) * (1 + sigmoid(C(F(x)) * P(F(x)))), C a weight for each channel, P for each pixel.

    C is W2 relu(n(W1 mean)); P is a 1x1 convolution to as few channels, dilated 3x3 convolutions,
    each with a norm and an activation, and a 1x1 convolution to one channel. Park et al. 2018, BAM
    (arXiv 1807.06514), section 3, where it stands between the stages.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("bottleneck_attention",)
    sign: ClassVar[str | None] = "bam"
    legend: ClassVar[str] = "bottleneck attention"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"reduction": 1},
        {"reduction": 2, "dilation": 2, "depth": 1},
    )

    legal_dims: ClassVar[tuple[int, ...]] = (2,)

    kind: Literal["bam"] = "bam"
    dilation: Dilation = 4
    """Distance between the taps of the 3x3 convolutions."""
    depth: Annotated[int, Field(ge=0, le=16)] = 2
    """Number of the 3x3 convolutions."""
    norm: NormSpec = BatchNormSpec()
    """The norm within."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        convs = seen.below("spatial").numbered("conv")
        dilation = (convs[1].dilation or 4) if len(convs) > 2 else 4
        for fields in super().proposals(seen.below("channel")):
            yield {**fields, "depth": max(0, len(convs) - 2), "dilation": dilation}

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        channels, bias = trace.channels, self.bias
        reduced = self.reduced_at(channels, site)
        side = trace.fork("attention")
        side.global_avg_pool(f"{name}.channel.pool")
        side.conv(f"{name}.channel.fc1", reduced, bias=bias)
        side.norm(f"{name}.channel.norm", self.norm)
        side.conv(f"{name}.channel.fc2", channels, bias=bias)
        pixels = trace.fork("attention")
        for number in range(1, self.depth + 2):
            kernel, dilation = (3, self.dilation) if number > 1 else (1, 1)
            conv = f"{name}.spatial.conv{number}"
            pixels.conv(conv, reduced, kernel, bias=bias, dilation=dilation)
            pixels.norm(f"{name}.spatial.norm{number}", self.norm)
        pixels.conv(f"{name}.spatial.conv{self.depth + 2}", 1, bias=bias)

    def call(self, module: Module) -> Call:
        layers = {layer.name.partition(f"{module.name}.")[2]: layer for layer in module.layers}
        convs = {name: conv_call(layer) for name, layer in layers.items() if layer.kind == "conv"}
        norm = norm_call(self.norm, hidden(module))
        act = act_call(self.activation, in_place=True)
        channel = {
            "pool": call("nn.AdaptiveAvgPool2d", 1),
            "fc1": convs["channel.fc1"],
            "norm": norm,
            "act": act,
            "fc2": convs["channel.fc2"],
        }
        spatial: dict[str, Call] = {}
        for number in range(1, self.depth + 2):
            spatial[f"conv{number}"] = convs[f"spatial.conv{number}"]
            spatial |= {f"norm{number}": norm, f"act{number}": act}
        last = f"conv{self.depth + 2}"
        spatial[last] = convs[f"spatial.{last}"]
        return call(
            "BAM",
            channel=Call("nn.Sequential", (), channel),
            spatial=Call("nn.Sequential", (), spatial),
        )

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        yield from super().problems(module, site)
        yield from norm_problems(self.norm, hidden(module), at_point=True)
