"""A blur that strides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from ..base import odd
from ..call import Call, ChannelCount, call
from ..layer import Module
from ..operation import After, BlockStride, Operation, stride_at
from ..site import Site
from ..trace import Trace


class BlurSpec(Operation):
    """Every stride-th pixel of the map convolved with a fixed binomial filter, channel by channel.

    The anti-aliased pool of Zhang 2019 (arXiv 1904.11486), section 3.2. Its multiplications are
    counted; it has nothing to learn.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("blur_pool", "anti_alias", "aa", "low_pass")
    main: ClassVar[str | None] = "kernel"
    sign: ClassVar[str | None] = "blur"
    legend: ClassVar[str] = "blur"
    legal_dims: ClassVar[tuple[int, ...]] = (2,)
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"stride": 1},
        {"kernel": 5, "stride": 1, "padding": "zeros"},
    )
    after: ClassVar[After] = "fresh"
    keeps_activation: ClassVar[bool] = True

    kind: Literal["blur"] = "blur"
    kernel: Annotated[int, Field(ge=3, le=31), AfterValidator(odd)] = 3
    """Side of the filter, odd: 3 is [1 2 1] / 4 on each axis."""
    stride: BlockStride = 2
    """Pixels from one window to the next; `block`: the block's own stride."""
    padding: Literal["reflect", "zeros"] = "reflect"
    """What lies beyond the border, for half of the filter: the map reflected (`reflect`), or
    `zeros`."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.blur(name, self.kernel, stride_at(self.stride, site))

    def call(self, module: Module) -> Call:
        options: dict[str, Any] = {} if self.padding == "reflect" else {"padding": self.padding}
        channels = ChannelCount(module.in_channels)
        return call("BlurPool2d", channels, self.kernel, stride=module.layer.stride, **options)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        fields = {"op": self.kind, **self.differing("kernel", "padding")}
        return fields | {"stride": module.layer.stride}

    def misfits(self, module: Module) -> Iterator[str]:
        side = min(module.layer.in_size)
        if self.padding == "reflect" and side <= self.kernel // 2:
            pixels = f"{side} pixel{'s' if side > 1 else ''}"
            yield f"a map of {pixels} has no {self.kernel // 2} to reflect"
