"""Pooling over windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..call import IDENTITY, Call, call
from ..operation import After, BlockStride, Operation, Problem
from ..site import Site
from ..trace import Module, Trace


class PoolSpec(Operation):
    """The largest value of each window (`max`), or the mean of squares that do not overlap (`avg`).

    A square that the border cuts is averaged over what is left of it, as in timm and mmpretrain.
    """

    main: ClassVar[str | None] = "pool"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"pool": "max", "stride": 1},
        {"pool": "max", "kernel": 5, "stride": 1},
    )
    after: ClassVar[After] = "held"

    kind: Literal["pool"] = "pool"
    pool: Literal["max", "avg"]
    """`max` or `avg`."""
    kernel: Annotated[int, Field(ge=1, le=31)] | None = None
    """Side of the window. Left out: 3 for `max`. For `avg` it is always the stride."""
    stride: BlockStride = 2
    """Pixels from one window to the next; `block`: the block's own stride."""
    padding: Annotated[int, Field(ge=0, le=15)] | None = None
    """Pixels added on each side by `max`. Left out: half of the window; an even window requires it.
    `avg` is not padded."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        stride = site.stride if self.stride == "block" else self.stride
        if self.pool == "max":
            trace.max_pool(name, self.kernel or 3, stride, self.padding)
        elif stride > 1:
            trace.avg_pool(name, stride)

    def call(self, module: Module) -> Call:
        if not module.layers:
            return IDENTITY
        layer = module.layer
        if self.pool == "avg":
            return call("nn.AvgPool2d", layer.stride, ceil_mode=True, count_include_pad=False)
        padding = {"padding": layer.padding} if layer.padding else {}
        return call("nn.MaxPool2d", layer.kernel, stride=layer.stride, **padding)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        if not module.layers or module.layer.kernel == module.layer.stride == 1:
            return None
        layer = module.layer
        fields = {"op": "pool", "pool": self.pool, "kernel": layer.kernel, "stride": layer.stride}
        if self.pool == "max" and layer.padding != layer.kernel // 2:
            fields["padding"] = layer.padding
        return fields

    def sign_of(self, module: Module) -> str | None:
        return None if module.layers else ""

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        if self.pool == "avg":
            stride = site.stride if self.stride == "block" else self.stride
            if self.kernel not in (None, stride):
                yield (
                    "kernel",
                    f"squares of {self.kernel} pixels at stride {stride} overlap or leave some out",
                    "leave kernel out: it is the stride",
                )
            if self.padding:
                yield "padding", "an average pool is not padded", "leave padding out"
        elif (self.kernel or 3) % 2 == 0 and self.padding is None:
            yield (
                "padding",
                f"a window of {self.kernel} has no middle",
                "write a padding: 0 for none",
            )
        elif self.padding is not None and self.padding > (self.kernel or 3) // 2:
            yield (
                "padding",
                f"a padding of {self.padding} is more than half of the window",
                f"use at most {(self.kernel or 3) // 2}",
            )
