"""Channels of zeros beside those of a map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from ..axes import Axes
from ..call import Call, ChannelCount, call
from ..layer import Module
from ..operation import (
    BlockStride,
    Operation,
    Problem,
    Width,
    dims_of,
    stride_at,
    width_at,
    width_problems,
)
from ..site import Site
from ..trace import Trace
from .pool import narrower

Pad = Literal["end", "both"]
Subsample = Literal["pixel", "avg_pool"]


class ZeroPadOpSpec(Operation):
    """Every stride-th pixel or the mean of each square, then channels of zeros.

    Option A of He et al. 2015 (arXiv 1512.03385), section 3.3.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("pad", "pad_channels", "option_a")
    main: ClassVar[str | None] = "pad"
    sizeless: ClassVar[bool] = True
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"pad": "both"})

    kind: Literal["zero_pad"] = "zero_pad"
    pad: Pad = "end"
    """Position of the zero channels: all after x (`end`), or half on either side (`both`)."""
    subsample: Subsample = "pixel"
    """Every stride-th `pixel`, or the mean of each square (`avg_pool`)."""
    width: Width | None = None
    """Channels put out, at least those that come in. Left out: as for a `conv`."""
    stride: BlockStride = 1
    """Distance between the pixels that are kept; `block`: the block's own stride."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        stride = stride_at(self.stride, site)
        if self.subsample == "avg_pool" and stride != 1:
            trace.avg_pool(f"{name}.pool", stride)
            stride = 1
        trace.zero_pad(name, width_at(self.width, trace.missing_width, site), stride)

    def call(self, module: Module) -> Call:
        stride = _stride(module)
        channels = ChannelCount(module.in_channels), ChannelCount(module.out_channels)
        options: dict[str, Any] = {} if self.pad == "end" else {"pad": self.pad}
        if self.subsample != "pixel":
            options["subsample"] = self.subsample
        options |= dims_of(module)
        return call("ZeroPad", *channels, *([stride] if stride != 1 else []), **options)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        stride = _stride(module)
        zeros = module.out_channels - module.in_channels
        if stride == 1 and not zeros:
            return None
        fields: dict[str, Any] = {"op": "zero_pad", "width": module.out_channels}
        if zeros > 1 and self.pad != "end":  # half of one channel is none
            fields["pad"] = self.pad
        if stride != 1:
            fields["stride"] = stride
            if self.subsample != "pixel":
                fields["subsample"] = self.subsample
        return fields

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        yield from width_problems(self.width, site)
        if module.out_channels < module.in_channels:
            yield (
                "width",
                f"zero_pad can widen, never narrow: {module.in_channels} channels to "
                f"{module.out_channels}",
                f"use at least {module.in_channels}, or a conv",
            )

    def misfits(self, module: Module) -> Iterator[str]:
        return narrower([layer for layer in module.layers if layer.kind == "avg_pool"])


def _stride(module: Module) -> Axes:
    """The stride of its pool, or its own."""
    return next((layer.stride for layer in module.layers if layer.stride != 1), 1)
