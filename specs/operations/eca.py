"""Efficient channel attention."""

from __future__ import annotations

from collections.abc import Iterable
from math import log2
from typing import Any, ClassVar, Literal

from ..attention import AttentionSpec
from ..base import OddKernel
from ..call import Call, call
from ..layer import Module
from ..operation import dims_of
from ..seen import Seen
from ..site import Site
from ..trace import Trace


class ECASpec(AttentionSpec):
    """F(x) * sigmoid(w * mean(F(x))), w a convolution along the channels.

    Wang et al. 2020, ECA-Net (arXiv 1910.03151), section 3.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("efficient_channel_attention", "eca_layer")
    main: ClassVar[str | None] = "kernel"
    sign: ClassVar[str | None] = "eca"
    legend: ClassVar[str] = "efficient channel attention"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"kernel": 5})

    kind: Literal["eca"] = "eca"
    kernel: OddKernel | None = None
    """Neighbouring channels that are seen together, odd. Left out, for C channels: the whole part
    of log2(C) / 2 + 1 / 2, plus one where that is even (equation 12, as the authors' code)."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        kernel = seen.tensors.get("conv", {}).get("weight", ())
        return [{}, {"kernel": kernel[-1]}] if kernel else []

    def kernel_size(self, channels: int) -> int:
        """The kernel for this number of channels.

        >>> [ECASpec().kernel_size(channels) for channels in (64, 256, 2048)]
        [3, 5, 7]
        """
        if self.kernel is not None:
            return self.kernel
        whole = int((log2(channels) + 1) / 2)
        return whole + 1 - whole % 2

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        side = trace.fork("attention")
        side.global_avg_pool(f"{name}.pool")
        side.conv_along_channels(f"{name}.conv", self.kernel_size(trace.channels))

    def call(self, module: Module) -> Call:
        return call("ECA", kernel=self.kernel_size(module.in_channels), **dims_of(module))

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, "kernel": self.kernel_size(module.in_channels)}
