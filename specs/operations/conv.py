"""A convolution."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import MAX_CHANNELS, Dilation
from ..call import Call, ChannelCount, call
from ..operation import After, BlockStride, Operation, Problem, Width, width_at
from ..site import Site
from ..trace import Layer, Module, Trace


class ConvSpec(Operation):
    """A square convolution."""

    main: ClassVar[str | None] = "kernel"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"kernel": 3},
        {"kernel": 1, "bias": True},
        {"kernel": 5, "padding": 2, "dilation": 1},
    )
    unevaluated: ClassVar[frozenset[str]] = frozenset({"width", "groups"})
    after: ClassVar[After] = "fresh"

    kind: Literal["conv"] = "conv"
    kernel: Annotated[int, Field(ge=1, le=31)]
    """Side of the window."""
    width: Width | None = None
    """Channels put out: a number, or a multiple of the stage's width such as `x4` or `x1/2`. Left
    out: the stage's width in a branch, the block's output in a shortcut's path, elsewhere the
    channels that come in."""
    stride: BlockStride = 1
    """Pixels from one window to the next; `block`: the block's own stride."""
    padding: Annotated[int, Field(ge=0, le=1024)] | None = None
    """Zeros added on each side. Left out: half of the window, which keeps the size at stride 1; an
    even window requires it."""
    groups: Annotated[int, Field(ge=1, le=MAX_CHANNELS)] = 1
    """Groups of channels that are convolved apart."""
    dilation: Dilation | None = None
    """Distance between neighbouring taps. Left out: the stage's `dilation`, or `first_dilation` up
    to and including the convolution of `stride: block`."""
    bias: bool | None = None
    """Whether the convolution carries a bias. Left out: only in a network of `norm: none`."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        stride = site.stride if self.stride == "block" else self.stride
        dilation = self.dilation or (trace.dilation if self.kernel > 1 else 1)
        bias = site.bias if self.bias is None else self.bias
        width = width_at(self.width, trace, site)
        padding = self.padding
        trace.conv(name, width, self.kernel, stride, self.groups, bias, dilation, padding)
        if self.stride == "block":
            trace.dilation = site.dilations.rest

    def call(self, module: Module) -> Call:
        return conv_call(module.layer)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return conv_canonical(module.layer)

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        if self.kernel % 2 == 0 and self.padding is None:
            yield (
                "padding",
                f"a kernel of {self.kernel} has no middle: half of it on each side would not "
                "keep the size",
                "write a padding: 0 for none",
            )
        if isinstance(self.width, str):
            times, _, parts = self.width[1:].partition("/")
            if site.width * int(times) % int(parts or 1) or not module.out_channels:
                yield (
                    "width",
                    f"{self.width} of {site.width} channels is no whole number",
                    "write the number of channels",
                )
        common = gcd(module.in_channels, module.out_channels)
        if common % self.groups:
            yield (
                "groups",
                f"{self.groups} groups do not divide {module.in_channels} and "
                f"{module.out_channels} channels",
                f"use a divisor of {common}",
            )


def conv_call(layer: Layer) -> Call:
    """The call that makes a planned convolution, without what PyTorch does by default."""
    options: dict[str, Any] = {}
    if layer.stride != 1:
        options["stride"] = layer.stride
    if layer.padding:
        options["padding"] = layer.padding
    if layer.dilation != 1 and layer.kernel > 1:
        options["dilation"] = layer.dilation
    if layer.groups != 1:
        options["groups"] = layer.groups
    if not layer.bias:
        options["bias"] = False
    channels = ChannelCount(layer.in_channels), ChannelCount(layer.out_channels)
    return call("nn.Conv2d", *channels, layer.kernel, **options)


def conv_canonical(layer: Layer) -> dict[str, Any]:
    """What a planned convolution means, of each number only what differs from its default."""
    fields: dict[str, Any] = {"op": "conv", "width": layer.out_channels}
    usual = layer.kernel // 2 * layer.dilation
    for name, value, default in (
        ("kernel", layer.kernel, 1),
        ("stride", layer.stride, 1),
        ("padding", layer.padding, usual),
        ("groups", layer.groups, 1),
        ("dilation", layer.dilation if layer.kernel > 1 else 1, 1),
        ("bias", layer.bias, False),
    ):
        if value != default:
            fields[name] = value
    return fields
