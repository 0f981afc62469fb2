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
    With ``padding: same``, `avg` is the mean of a window at each pixel.
    """

    main: ClassVar[str | None] = "pool"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"pool": "max", "stride": 1},
        {"pool": "max", "kernel": 5, "stride": 1},
        {"pool": "avg", "kernel": 2, "stride": 1, "padding": "same"},
    )
    after: ClassVar[After] = "held"

    kind: Literal["pool"] = "pool"
    pool: Literal["max", "avg"]
    """`max` or `avg`."""
    kernel: Annotated[int, Field(ge=1, le=31)] | None = None
    """Side of the window. Left out: 3 for `max`, the stride for `avg`, which it must be but for
    ``padding: same``."""
    stride: BlockStride = 2
    """Pixels from one window to the next; `block`: the block's own stride."""
    padding: Annotated[int, Field(ge=0, le=15)] | Literal["same"] | None = None
    """Pixels added on each side by `max`. Left out: half of the window; an even window requires it.
    `avg` is not padded, or at stride 1 `same`: by zeros, which count in the mean, so that the map
    keeps its size; one more follows it than precedes it where the window is even."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        stride = site.stride if self.stride == "block" else self.stride
        if self.pool == "max":
            padding = None if self.padding == "same" else self.padding
            trace.max_pool(name, self.kernel or 3, stride, padding)
        elif stride > 1:
            trace.avg_pool(name, stride)
        elif self.padding == "same" and (self.kernel or 1) > 1:
            trace.same_avg_pool(name, self.kernel or 1)

    def call(self, module: Module) -> Call:
        if not module.layers:
            return IDENTITY
        layer = module.layer
        if self.pool == "avg" and layer.stride == 1:
            return call("SameAvgPool2d", layer.kernel)
        if self.pool == "avg":
            return call("nn.AvgPool2d", layer.stride, ceil_mode=True, count_include_pad=False)
        padding = {"padding": layer.padding} if layer.padding else {}
        return call("nn.MaxPool2d", layer.kernel, stride=layer.stride, **padding)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        if not module.layers or module.layer.kernel == module.layer.stride == 1:
            return None
        layer = module.layer
        fields: dict[str, Any] = {"op": "pool", "pool": self.pool}
        fields |= {"kernel": layer.kernel, "stride": layer.stride}
        if self.pool == "max" and layer.padding != layer.kernel // 2:
            fields["padding"] = layer.padding
        return fields

    def sign_of(self, module: Module) -> str | None:
        return None if module.layers else ""

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        stride = site.stride if self.stride == "block" else self.stride
        yield from self._avg_problems(stride) if self.pool == "avg" else self._max_problems()

    def _avg_problems(self, stride: int) -> Iterator[Problem]:
        if self.padding == "same":
            if stride != 1:
                yield "padding", f"'same' at stride {stride}", "write stride: 1"
            if self.kernel is None:
                yield "kernel", "'same' without a window", "write kernel: 2"
            return
        if self.kernel not in (None, stride):
            same = "; or write padding: same" if stride == 1 else ""
            yield (
                "kernel",
                f"squares of {self.kernel} pixels at stride {stride} overlap or leave some out",
                f"leave kernel out: it is the stride{same}",
            )
        if self.padding:
            yield "padding", "an average pool is not padded", "leave padding out"

    def _max_problems(self) -> Iterator[Problem]:
        kernel = self.kernel or 3
        if self.padding == "same":
            yield "padding", "a max pool is padded by a number", f"write padding: {kernel // 2}"
        elif kernel % 2 == 0 and self.padding is None:
            yield (
                "padding",
                f"a window of {self.kernel} has no middle",
                "write a padding: 0 for none",
            )
        elif self.padding is not None and self.padding > kernel // 2:
            yield (
                "padding",
                f"a padding of {self.padding} is more than half of the window",
                f"use at most {kernel // 2}",
            )
