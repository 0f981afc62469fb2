"""The convolutional block attention module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from ..base import OddKernel
from ..call import Call, ChannelCount, call
from ..layer import Module
from ..norm import BatchNormSpec, NormSpec
from ..operation import Problem
from ..seen import Seen
from ..site import Site
from ..trace import Trace
from .norm import norm_call, norm_problems
from .reducing import GatedSpec


class CBAMSpec(GatedSpec):
    """G(x) * sigmoid(n(conv7x7([max G, mean G]))), G(x) = F(x) * sigmoid(M(mean F) + M(max F)).

    M(z) = W2 relu(W1 z) weighs the channels by their mean and maximum over the map; then each pixel
    is weighed by the maximum and the mean of its channels. Woo et al. 2018, CBAM (arXiv
    1807.06521), section 3.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("convolutional_block_attention",)
    sign: ClassVar[str | None] = "cbam"
    legend: ClassVar[str] = "convolutional block attention"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"reduction": 1},
        {"reduction": 2, "kernel": 3, "maps": "mean_max", "bias": False},
    )

    legal_dims: ClassVar[tuple[int, ...]] = (2,)

    kind: Literal["cbam"] = "cbam"
    kernel: OddKernel = 7
    """Side of the convolution that weighs the pixels, odd."""
    maps: Literal["max_mean", "mean_max"] = "max_mean"
    """Order of the two maps that this convolution takes: the authors' code has the maximum first,
    timm the mean."""
    norm: NormSpec = BatchNormSpec()
    """The norm after this convolution, of a single channel."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        conv = seen.conv("conv")
        if conv is None:
            return
        kernel = {} if conv.kernel == 7 else {"kernel": conv.kernel}
        shown = {name: seen.setting("norm", name) for name in ("eps", "momentum")}
        norm = {name: value for name, value in shown.items() if value is not None}
        for fields in super().proposals(seen):
            for maps in ("max_mean", "mean_max"):
                yield {**fields, **kernel, "maps": maps, "norm": {"kind": "batch", **norm}}

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        channels = trace.channels
        side = trace.fork("attention")
        side.size = (1, 2)  # the mean and the maximum
        side.conv(f"{name}.fc1", self.reduced_at(channels, site), bias=self.bias)
        side.conv(f"{name}.fc2", channels, bias=self.bias)
        pixels = trace.fork("attention")
        pixels.reshape(2)
        pixels.conv(f"{name}.conv", 1, self.kernel)
        pixels.norm(f"{name}.norm", self.norm)

    def call(self, module: Module) -> Call:
        options = self.options(module, "kernel", "maps")
        if self.norm != BatchNormSpec():
            options["norm"] = norm_call(self.norm, 1)
        return call("CBAM", ChannelCount(module.in_channels), **options)

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        yield from super().problems(module, site)
        yield from norm_problems(self.norm, 1)
