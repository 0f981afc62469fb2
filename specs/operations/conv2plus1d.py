"""A convolution in two: along all axes but the first, then along the first."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..activation import Activation
from ..axes import each, merged, uniform
from ..base import OddKernel
from ..by_axis import ByAxis
from ..call import Call
from ..layer import Layer, Module, Padding
from ..norm import NormSpec
from ..operation import (
    After,
    BlockStride,
    Operation,
    Problem,
    Width,
    meanings,
    stride_at,
    width_at,
)
from ..site import Choices, Site
from ..trace import Trace
from .act import ActSpec
from .conv import conv_call, conv_canonical
from .norm import NormOpSpec


class Conv2Plus1dSpec(Operation):
    """W2 act(n(W1 x)): W1 of 1 x k x k, along all axes but the first, W2 of k x 1 x 1, along that.

    The (2+1)D convolution of Tran et al. 2018 (arXiv 1711.11248), section 3.5. The network's norm n
    and activation stand between the two.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("r2plus1d", "2plus1d")
    main: ClassVar[str | None] = "kernel"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"inner": "block"}, {"inner": 3})
    unevaluated: ClassVar[frozenset[str]] = frozenset({"width", "inner"})
    after: ClassVar[After] = "fresh"
    legal_dims: ClassVar[tuple[int, ...]] = (2, 3)

    kind: Literal["conv2plus1d"] = "conv2plus1d"
    kernel: Annotated[OddKernel, ByAxis(OddKernel)] = 3
    """Side of the windows, odd, or a list with one for each axis."""
    width: Width | None = None
    """Channels put out, as those of a `conv`."""
    inner: Literal["conv", "block"] | Annotated[int, Field(ge=1, le=65_536)] = "conv"
    """Channels between the two: a number, or those with which both have as many parameters as one
    convolution of whole windows, from and to the channels of this operation (`conv`: the paper) or
    of the block (`block`: torchvision)."""
    stride: BlockStride = 1
    """Pixels from one window to the next; `block`: the block's own stride."""
    bias: bool | None = None
    """Whether both carry a bias. Left out: only in a network of `norm: none`."""
    norm: NormSpec | None = None
    """The norm between the two. Left out: the network's."""
    function: Activation | None = None
    """The activation between the two. Left out: the network's."""

    def settle(self, choices: Choices) -> Operation:
        norm = choices.norm if self.norm is None else self.norm
        function = choices.activation if self.function is None else self.function
        return self.model_copy(update={"norm": norm, "function": function})

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        dims, width = trace.dims, width_at(self.width, trace.missing_width, site)
        kernel, stride = each(uniform(self.kernel), dims), each(stride_at(self.stride, site), dims)
        inner = self._inner(kernel, trace.channels, width, site)
        bias, dilation = site.bias if self.bias is None else self.bias, trace.dilation
        ones = (1,) * (dims - 1)
        same: Padding | None = "same" if site.convolution.padding == "same" else None
        sides, steps = merged((1, *kernel[1:])), merged((1, *stride[1:]))
        trace.conv(f"{name}.spatial", inner, sides, steps, 1, bias, dilation, same)
        assert self.norm is not None
        trace.norm(f"{name}.norm", self.norm)
        ActSpec(function=self.function).trace(trace, f"{name}.act", site)
        sides, steps = merged((kernel[0], *ones)), merged((stride[0], *ones))
        trace.conv(f"{name}.temporal", width, sides, steps, 1, bias, dilation, same)
        if self.stride == "block":
            trace.dilation = site.dilations.rest

    def _inner(self, kernel: tuple[int, ...], channels: int, width: int, site: Site) -> int:
        """Channels between the two convolutions.

        >>> site = Site.of_end(64, NormOpSpec(norm="batch").norm, "relu", dims=3)
        >>> Conv2Plus1dSpec()._inner((3, 3, 3), 64, 128, site)
        230
        """
        if isinstance(self.inner, int):
            return self.inner
        if self.inner == "block":
            channels, width = site.in_channels, site.out_channels
        flat = prod(kernel[1:])
        whole = channels * width * kernel[0] * flat
        return max(1, whole // (channels * flat + kernel[0] * width))

    def call(self, module: Module) -> Call:
        spatial, *_, temporal = module.layers
        norm, act = self._between(module)
        calls = {
            "spatial": conv_call(spatial),
            "norm": norm.op.call(norm),
            "act": act.op.call(act),
            "temporal": conv_call(temporal),
        }
        return Call("nn.Sequential", (), calls)

    def _between(self, module: Module) -> tuple[Module, Module]:
        """The norm and the activation between the two convolutions."""
        inner = module.layers[0].out_channels
        ops = NormOpSpec(norm=self.norm), ActSpec(function=self.function)
        norm, act = (
            module._replace(op=op, in_channels=inner, out_channels=inner, layers=(), in_place=True)
            for op in ops
        )
        return norm, act

    def canonical(self, module: Module) -> dict[str, Any] | None:
        spatial, *_, temporal = module.layers
        meant: dict[str, Any] = {"op": self.kind}
        convs: tuple[tuple[str, Layer], ...] = (("spatial", spatial), ("temporal", temporal))
        meant |= {name: conv_canonical(layer) for name, layer in convs}
        for name, between in zip(("norm", "act"), self._between(module), strict=True):
            if parts := meanings([between]):
                meant[name] = parts[0] if len(parts) == 1 else parts
        return meant

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        norm, _ = self._between(module)
        for field, message, help_ in norm.op.problems(norm, site):
            yield field, f"{message}, between the two convolutions", help_
