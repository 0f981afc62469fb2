"""Pooling over windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import gt
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..axes import (
    Axes,
    axes_text,
    each,
    listed,
    number_text,
    on_axes,
    sides_text,
    size_text,
    uniform,
)
from ..by_axis import ByAxis, NumberOr
from ..call import IDENTITY, Call, call
from ..layer import Layer, Module
from ..operation import After, BlockStride, Operation, Problem, dims_of, stride_at
from ..seen import Seen
from ..site import Site
from ..trace import Trace
from ..windows import usual_padding

Side = Annotated[int, Field(ge=1, le=31)]
Padding = Annotated[int, Field(ge=0, le=15)]
_Same = Literal["same"]


class PoolSpec(Operation):
    """The largest value of each window (`max`), or its mean (`avg`).

    By default `max` has windows of 3x3, padded by 1, and `avg` squares that do not overlap, of
    which the border may cut the last: it is averaged over what is left, as in timm and mmpretrain.
    """

    synonyms: ClassVar[tuple[str, ...]] = (
        "max_pool",
        "avg_pool",
        "average_pool",
        "pooling",
        "downsample",
    )
    main: ClassVar[str | None] = "pool"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"pool": "max", "stride": 1},
        {"pool": "max", "kernel": 5, "stride": 1},
        {"pool": "max", "stride": 1, "padding": "same", "kernel": 2},
        {"pool": "max", "stride": 1, "zeros": True},
        {"pool": "max", "kernel": 2, "stride": 1, "padding": "same", "zeros": True},
        {"pool": "avg", "kernel": 2, "stride": 1, "padding": "same"},
        {"pool": "avg", "kernel": 5, "stride": 1, "padding": 2, "count_include_pad": False},
        {
            "pool": "avg",
            "kernel": 2,
            "stride": 1,
            "padding": "same",
            "count_include_pad": False,
        },
    )
    after: ClassVar[After] = "held"
    keeps_activation: ClassVar[bool] = True
    bare: ClassVar[bool] = True

    kind: Literal["pool"] = "pool"
    pool: Literal["max", "avg"]
    """`max` or `avg`."""
    kernel: Annotated[Side, ByAxis(Side)] | None = None
    """Side of the window, or a list with one for each axis. Left out: 3 for `max`, the stride for
    `avg`."""
    stride: BlockStride = 2
    """Pixels from one window to the next; `block`: the block's own stride."""
    padding: Annotated[Padding | _Same, NumberOr(Padding, _Same), ByAxis(Padding)] | None = None
    """Pixels added on each side: for `avg` zeros, for `max` what is never the largest. `same` adds
    as few as the windows of side / stride, rounded up, need, and of an odd number one more after
    the map than before it, as TensorFlow. Left out: half of the window for `max`, where an even
    window requires it; none for `avg`."""
    ceil: bool | None = None
    """Whether the border may cut the last window. Left out: for `avg` without padding."""
    count_include_pad: bool = True
    """Whether the zeros of the padding count in a mean. TensorFlow's never do."""
    zeros: bool = False
    """Whether the padding of `max` is zeros, which may be the largest, as in BiT."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        return ({"pool": "avg"}, {"pool": "max"}, *cls.samples)

    def window(self, stride: Axes) -> Axes:
        """The sides of its window at that stride."""
        usual = 3 if self.pool == "max" else stride
        return usual if self.kernel is None else uniform(self.kernel)

    @property
    def pads(self) -> Axes | None:
        """The padding that is written as a number; None where it is none."""
        return None if self.padding in (None, "same") else uniform(self.padding)  # type: ignore

    @property
    def cuts(self) -> bool:
        """Whether the border may cut the last window."""
        return (self.pool == "avg" and not self.pads) if self.ceil is None else self.ceil

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        stride = stride_at(self.stride, site)
        kernel = self.window(stride)
        if self.padding == "same":
            if (kernel, stride) != (1, 1):
                trace.same_pool(name, f"{self.pool}_pool", kernel, stride)
        elif self.pool == "max":
            trace.max_pool(name, kernel, stride, self.pads, self.cuts)
        elif (kernel, stride) != (1, 1):
            trace.avg_pool(name, stride, kernel, self.pads or 0, self.cuts)

    def call(self, module: Module) -> Call:
        if not module.layers:
            return IDENTITY
        layer, dims = module.layer, module.dims
        if self.padding == "same":
            return self._same_call(module)
        ceil = {"ceil_mode": True} if self.cuts else {}
        padding = {"padding": layer.padding} if layer.padding else {}
        if self.pool == "avg":
            whole = (not layer.padding and self.cuts) or not self.count_include_pad
            options = ceil | ({"count_include_pad": False} if whole else {})
            stride = {} if layer.kernel == layer.stride else {"stride": layer.stride}
            return call(f"nn.AvgPool{dims}d", layer.kernel, **stride, **padding, **options)
        name, stride = f"nn.MaxPool{dims}d", {"stride": layer.stride}
        if self.zeros and padding:
            pad = call(f"nn.ConstantPad{dims}d", layer.padding, 0.0)
            parts = {"pad": pad, "pool": call(name, layer.kernel, **stride, **ceil)}
            return Call("nn.Sequential", (), parts)
        return call(name, layer.kernel, **stride, **padding, **ceil)

    def _same_call(self, module: Module) -> Call:
        layer = module.layer
        stride = {} if layer.stride == 1 else {"stride": layer.stride}
        counts = {} if self.count_include_pad else {"count_include_pad": False}
        if self.pool == "avg" and not stride and module.dims == 2:
            return call("SameAvgPool2d", layer.kernel, **counts)
        zeros = {"zeros": True} if self.zeros else {}
        name = f"Same{self.pool.title()}Pool"
        return call(name, layer.kernel, **stride, **dims_of(module), **zeros, **counts)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        if not module.layers or module.layer.kernel == module.layer.stride == 1:
            return None
        layer = module.layer
        fields: dict[str, Any] = {"op": "pool", "pool": self.pool}
        fields |= {"kernel": layer.kernel, "stride": layer.stride}
        return fields | (self._of_max(module) if self.pool == "max" else self._of_avg(module))

    def _of_max(self, module: Module) -> dict[str, Any]:
        """What a max pool has beside its window and stride that is not as usual."""
        layer, fields = module.layer, {}
        if self.padding == "same":
            return {"padding": "same", **({"zeros": True} if self.zeros else {})}
        if layer.padding != usual_padding(layer.kernel):
            fields["padding"] = layer.padding
        if self.cuts:
            fields["ceil"] = True
        return fields | ({"zeros": True} if layer.padding and self.zeros else {})

    def _of_avg(self, module: Module) -> dict[str, Any]:
        """The same of an average pool; at stride 1 it is `same` as a rule."""
        layer = module.layer
        counts = self.count_include_pad or not layer.padding
        if self.padding == "same":
            usual = layer.stride == 1 and counts
            said = {} if counts else {"count_include_pad": False}
            return said | ({} if usual else {"padding": "same"})
        whole = layer.kernel == on_axes(lambda pad: 2 * pad + 1, self.pads or 0)
        if whole and layer.stride == 1 and self.count_include_pad:
            return {}
        fields: dict[str, Any] = {}
        if layer.padding or layer.kernel != layer.stride:
            fields["padding"] = layer.padding
        if self.cuts != (not layer.padding):
            fields["ceil"] = self.cuts
        return fields if counts else {**fields, "count_include_pad": False}

    def sign_of(self, module: Module) -> str | None:
        return None if module.layers else ""

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        stride = stride_at(self.stride, site)
        kernel = self.window(stride)
        half = usual_padding(kernel)
        even = [side for side in listed(kernel) if side % 2 == 0]
        if self.padding == "same":
            yield from self._same_problems(kernel, stride, module.dims)
        elif self.padding is None and even and self.pool == "max":
            message = f"a window of {even[0]} has no middle"
            yield "padding", message, "write a padding: 0 for none"
        elif self.pads is not None and on_axes(min, self.pads, half) != self.pads:
            yield (
                "padding",
                f"a padding of {axes_text(self.pads)} is more than half of the window",
                f"use at most {axes_text(half)}",
            )
        yield from self._misplaced()

    def misfits(self, module: Module) -> Iterator[str]:
        if self.pool == "avg" and self.padding != "same":
            yield from narrower(module.layers)
            yield from self._without_window(module.layers)

    def _without_window(self, pools: Sequence[Layer]) -> Iterator[str]:
        """What is wrong with windows that are wider than a map that is not padded. Where the border
        cuts the last window, it may be wider by less than the stride."""
        for layer in pools:
            sides = (each(of, layer.dims) for of in (layer.kernel, layer.stride, layer.in_size))
            windows = zip(*sides, strict=True)
            if not layer.padding and any(
                kernel > side + (stride - 1 if self.cuts else 0) for kernel, stride, side in windows
            ):
                window, found = sides_text(layer.kernel, layer.dims), size_text(layer.in_size)
                yield f"an average pool of {window} takes no map of {found} positions"

    def _same_problems(self, kernel: Axes, stride: Axes, dims: int) -> Iterator[Problem]:
        if self.kernel is None and self.pool == "avg":
            yield "kernel", "'same' without a window", "write kernel: 2"
        elif any(k < s for k, s in zip(each(kernel, dims), each(stride, dims), strict=True)):
            yield (
                "kernel",
                f"'same' windows of {number_text(kernel)} at stride {number_text(stride)} leave "
                "pixels out",
                f"use a kernel of at least {axes_text(stride)}",
            )
        if self.ceil is not None:
            yield "ceil", "'same' has no window that the border cuts", "leave ceil out"

    def _misplaced(self) -> Iterator[Problem]:
        """Fields of the other pool."""
        if self.zeros and self.pool == "avg":
            yield "zeros", "`avg` always pads by zeros", "leave zeros out"
        if not self.count_include_pad and self.pool == "max":
            yield (
                "count_include_pad",
                "only the padding of an average pool may count or not",
                "leave count_include_pad out",
            )


def narrower(pools: Sequence[Layer]) -> Iterator[str]:
    """What is wrong with average pools of volumes whose window is wider than the map before it is
    padded: PyTorch refuses these, as it does not for signals and pictures."""
    for layer in pools:
        if layer.dims == 3 and any(map(gt, each(layer.kernel, 3), layer.in_size)):
            window, found = sides_text(layer.kernel, 3), size_text(layer.in_size)
            yield f"an average pool of {window} takes no volume of {found} positions"
