"""A convolution."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import gcd, prod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..axes import Axes, listed, uniform
from ..base import MAX_CHANNELS, Dilation
from ..by_axis import ByAxis, NumberOr
from ..call import Call, ChannelCount, call
from ..convolution import PLAIN, ConvolutionSpec, ScaledStandardizedSpec
from ..layer import Layer, Module, Padding, Starts, Tensors
from ..operation import (
    After,
    BlockStride,
    Operation,
    Problem,
    Width,
    width_at,
    width_problems,
)
from ..site import Choices, Site
from ..trace import Trace
from ..windows import Sliding, rounded, sliding, usual_padding

Side = Annotated[int, Field(ge=1, le=31)]
Pixels = Annotated[int, Field(ge=0, le=1024)]
_Same = Literal["same"]
_NONE: Tensors = ()


class ConvSpec(Operation):
    """A convolution."""

    synonyms: ClassVar[tuple[str, ...]] = (
        "convolution",
        "depthwise",
        "depthwise_conv",
        "pointwise",
    )
    main: ClassVar[str | None] = "kernel"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"kernel": 3},
        {"kernel": 1, "bias": True},
        {"kernel": 5, "padding": 2, "dilation": 1},
        {"kernel": 3, "group_width": 2, "divisor": 4},
        {"kernel": 2, "padding": "same"},
        {"kernel": 3, "convolution": {"kind": "standardized"}},
        {"kernel": 3, "convolution": {"kind": "standardized", "estimate": "sample"}},
        {"kernel": 1, "convolution": {"kind": "scaled_standardized", "gamma": 1.5}},
    )
    unevaluated: ClassVar[frozenset[str]] = frozenset({"width", "divisor", "groups", "group_width"})
    after: ClassVar[After] = "fresh"
    sizeless: ClassVar[bool] = True

    kind: Literal["conv"] = "conv"
    kernel: Annotated[Side, ByAxis(Side)]
    """Side of the window, or a list with one for each axis."""
    width: Width | None = None
    """Channels put out: a number, a multiple of the stage's width such as `x4` or `x1/2`, or of the
    channels of the block's input such as `in` or `in1/4`, or `inner`, which the stage gives. Left
    out: the stage's width in a branch, the block's output in a shortcut's path, elsewhere the
    channels that come in."""
    stride: BlockStride = 1
    """Pixels from one window to the next; `block`: the block's own stride."""
    padding: Annotated[Pixels | _Same, NumberOr(Pixels, _Same), ByAxis(Pixels)] | None = None
    """Zeros added on each side. `same` adds as few as the windows of side / stride, rounded up,
    need, and of an odd number one more after the map than before it, as TensorFlow. Left out: half
    of the window, which keeps the size at stride 1 and is none of an even one, or as the
    `convolution` pads."""
    divisor: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Rounds the channels put out to the nearest multiple of this number, which is the least."""
    groups: Annotated[int, Field(ge=1, le=MAX_CHANNELS)] = 1
    """Groups of channels that are convolved apart."""
    group_width: Annotated[int, Field(ge=1, le=MAX_CHANNELS)] | None = None
    """Channels that each group puts out, instead of a number of groups."""
    dilation: Annotated[Dilation, ByAxis(Dilation)] | None = None
    """Distance between neighbouring taps. Left out: the stage's `dilation`, or `first_dilation` up
    to and including the convolution of `stride: block`."""
    bias: bool | None = None
    """Whether the convolution carries a bias. Left out: only in a network of `norm: none`."""
    convolution: ConvolutionSpec | None = None
    """What it convolves with: `plain`, `standardized` or `scaled_standardized`, with their fields.
    Left out: the network's `convolution`."""

    @property
    def pads(self) -> Padding | None:
        """The padding that it says, or that its `convolution` does; None for half of the window."""
        if self.padding is None:
            kind = self.convolution
            return "same" if kind is not None and kind.padding == "same" else None
        return "same" if self.padding == "same" else uniform(self.padding)

    def settle(self, choices: Choices) -> Operation:
        if self.convolution is not None or choices.convolution == PLAIN:
            return self
        return _with(self, choices.convolution)

    def widths(self, missing_width: int, site: Site) -> tuple[int, int]:
        """The channels that it puts out, and its groups."""
        width = missing_width if self.width is None else width_at(self.width, missing_width, site)
        if self.divisor is not None:
            width = rounded(width, self.divisor)
        return width, self.groups if self.group_width is None else max(1, width // self.group_width)

    def slides(self, trace: Trace, site: Site) -> Sliding:
        """The way of its window where ``trace`` stands, which goes on at the dilation of those
        after it."""
        way = _way(self, site.stride, trace.dilation, len(trace.size))
        if self.stride == "block":
            trace.dilation = site.dilations.rest
        return way

    def biased(self, site: Site) -> bool:
        """Whether it carries a bias."""
        return site.bias if self.bias is None else self.bias

    def tensors(self, out_channels: int, dims: int) -> Tensors:
        """Its learnable tensors beside weight and bias."""
        if isinstance(self.convolution, ScaledStandardizedSpec):
            return (("gain", (out_channels, 1, *(1,) * dims)),)
        return _NONE

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        width, groups = self.widths(trace.missing_width, site)
        bias, tensors = self.biased(site), self.tensors(width, site.dims)
        starts: Starts = ()
        if tensors:
            starts = (("gain", 1.0), ("bias", 0.0)) if bias else (("gain", 1.0),)
        trace.convolve(name, width, self.slides(trace, site), groups, bias, tensors, starts)

    def call(self, module: Module) -> Call:
        return conv_call(module.layer, self.convolution)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        fields = conv_canonical(module.layer)
        if self.convolution is None or self.convolution.kind == "plain":
            return fields
        return {**fields, "convolution": self.convolution.kind, **self.convolution.of_weight}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        even = [side for side in listed(self.kernel) if side % 2 == 0]
        if even and self.pads is None:
            yield (
                "padding",
                f"a kernel of {even[0]} has no middle: half of it on each side would not "
                "keep the size",
                "write a padding: 0 for none, or same",
            )
        yield from width_problems(self.width, site, exactly=self.divisor is None)
        kind = "plain" if self.convolution is None else self.convolution.kind
        if kind != "plain" and prod(module.layer.weight[1:]) == 1:
            yield (
                "convolution",
                f"{kind} makes 0 of a weight that is one number for each channel",
                "write convolution: plain, or fewer groups",
            )
        common = gcd(module.in_channels, module.out_channels)
        groups = module.layer.groups
        if self.group_width is not None and self.groups != 1:
            yield "group_width", "groups and group_width exclude each other", "leave one out"
        elif common % groups or (self.group_width and module.out_channels % self.group_width):
            yield (
                "groups" if self.group_width is None else "group_width",
                f"{groups} groups do not divide {module.in_channels} and "
                f"{module.out_channels} channels",
                f"use a divisor of {common}",
            )


@lru_cache(4096)
def _way(op: ConvSpec, stride: Axes, dilation: Axes, dims: int) -> Sliding:
    """The way of ``op`` in a block of that ``stride``, where the stage's ``dilation`` is such."""
    # Convolutions are many, and their ways few: to look one up takes a third of making it.
    steps = stride if op.stride == "block" else uniform(op.stride)
    return sliding(uniform(op.kernel), steps, uniform(op.dilation or dilation), op.pads, dims)


@lru_cache(1024)
def _with(op: ConvSpec, convolution: ConvolutionSpec) -> ConvSpec:
    return op.model_copy(update={"convolution": convolution})


_CLASSES = {
    "plain": "nn.",
    "standardized": "Standardized",
    "scaled_standardized": "ScaledStandardized",
}


def conv_call(layer: Layer, convolution: ConvolutionSpec | None = None) -> Call:
    """The call that makes a planned convolution, without what PyTorch does by default."""
    convolution = convolution or PLAIN
    options: dict[str, Any] = {}
    if layer.stride != 1:
        options["stride"] = layer.stride
    if layer.padding and layer.padding != "same":
        options["padding"] = layer.padding
    if layer.dilation != 1 and layer.kernel != 1:
        options["dilation"] = layer.dilation
    if layer.groups != 1:
        options["groups"] = layer.groups
    if not layer.bias:
        options["bias"] = False
    channels = ChannelCount(layer.in_channels), ChannelCount(layer.out_channels)
    options |= convolution.of_weight
    kind = f"{_CLASSES[convolution.kind]}Conv{layer.dims}d"
    if layer.padding == "same":
        kind = f"Same{kind.removeprefix('nn.')}"
    return call(kind, *channels, layer.kernel, **options)


def conv_canonical(layer: Layer) -> dict[str, Any]:
    """What a planned convolution means, of each number only what differs from its default."""
    fields: dict[str, Any] = {"op": "conv", "width": layer.out_channels}
    usual = usual_padding(layer.kernel, layer.dilation)
    for name, value, default in (
        ("kernel", layer.kernel, 1),
        ("stride", layer.stride, 1),
        ("padding", layer.padding, usual),
        ("groups", layer.groups, 1),
        ("dilation", layer.dilation if layer.kernel != 1 else 1, 1),
        ("bias", layer.bias, False),
    ):
        if value != default:
            fields[name] = value
    return fields
