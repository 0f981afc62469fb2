"""The split of Res2Net."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import OddKernel
from ..call import Call, call
from ..composite import CompositeSpec
from ..layer import Module
from ..operation import Problem, Steps, stride_at
from ..site import Site
from ..trace import Trace
from .act import ActSpec
from .conv import ConvSpec
from .norm import NormOpSpec
from .pool import PoolSpec


class Res2NetSpec(CompositeSpec):
    """Channels in scales: a convolution, norm and activation for each, that takes its part of x and
    what the one before puts out; the last part is left as it is.

    Gao et al. 2019 (arXiv 1904.01169), section 3.1. In the first block of a stage, published code
    convolves each part by itself and pools the last one: `stage`.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("bottle2neck", "multi_scale")
    main: ClassVar[str | None] = "scales"
    sign: ClassVar[str | None] = "res2"
    legend: ClassVar[str] = "convolutions in scales (Res2Net)"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"scales": 2},
        {"scales": 4, "kernel": 5},
        {"scales": 2, "type": "stage", "groups": 2},
    )

    kind: Literal["res2net"] = "res2net"
    scales: Annotated[int, Field(ge=2, le=64)]
    """Parts of equal width that the channels are split into."""
    kernel: OddKernel = 3
    """Side of the windows, odd."""
    type: Literal["normal", "stage"] | None = None
    """`normal`: each part but the first takes the output of the one before too. `stage`: it does
    not, and the last part is averaged over windows of the same side and stride, zeros counted. Left
    out: `stage` in blocks that change the shape."""
    bias: bool | None = None
    """Whether the convolutions carry a bias. Left out: only in a network of `norm: none`."""

    def staged(self, site: Site) -> bool:
        """Whether each part is convolved by itself."""
        return not site.keeps_shape if self.type is None else self.type == "stage"

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        channels, stage = trace.channels, self.staged(site)
        width = max(1, channels // self.scales)
        conv = ConvSpec(
            kernel=self.kernel,
            width=width,
            stride=self.stride,
            groups=self.groups,
            dilation=self.dilation,
            bias=self.bias,
        )
        steps: Steps = (("conv", conv), ("bn", NormOpSpec()), ("act", ActSpec()))
        sides = [trace.beside(width)]
        for number in range(self.scales - 1):
            if stage and number:
                sides.append(trace.beside(width, parallel=True))
            self.run(trace, sides[-1], f"{name}.paths.{number}", steps, site)
        if stage:
            sides.append(trace.beside(width, parallel=True))
            half = self.kernel // 2
            pool = PoolSpec(pool="avg", kernel=self.kernel, stride=self.stride, padding=half)
            self.run(trace, sides[-1], name, (("pool", pool),), site)
        trace.dilation = sides[0].dilation
        trace.take(*sides, channels=channels)

    def call(self, module: Module) -> Call:
        calls = self.calls(module)
        pool = {"pool": calls["pool"]} if "pool" in calls else {}
        return call("Res2Net", calls["paths"], **pool)

    def own(self, module: Module) -> dict[str, Any]:
        return {"scales": self.scales}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        channels, stride = module.in_channels, self.stride
        if channels % self.scales:
            divisors = [str(n) for n in range(2, 65) if channels % n == 0]
            yield (
                "scales",
                f"{self.scales} scales do not divide {channels} channels",
                f"use a divisor: {', '.join(divisors)}" if divisors else "use an even width",
            )
            return
        if not self.staged(site) and stride_at(stride, site) != 1:
            yield "type", "parts of another size cannot be added", "write type: stage"
        yield from super().problems(module, site)
