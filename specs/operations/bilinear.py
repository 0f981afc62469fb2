"""Bilinear attention."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import Channels, Rate
from ..call import Call, call
from ..layer import Module
from ..norm import BatchNormSpec, NormSpec
from ..operation import Problem
from ..seen import Seen
from ..site import Site
from ..trace import Trace
from .act import act_call
from .conv import conv_call
from .norm import norm_call, norm_problems
from .reducing import ReducingSpec, hidden


class BilinearAttentionSpec(ReducingSpec):
    """F(x) + W(P(z) z Q(z)), z = F(x) on fewer channels, P and Q mix its rows and its columns.

    A map is cut into `size` x `size` tiles. P(z) and Q(z) are matrices of so many rows and columns,
    made of the map itself, which mix the tiles of a column and of a row. Chi et al. 2020, Non-Local
    Neural Networks With Grouped Bilinear Attentional Transforms (CVPR 2020), section 3, as timm has
    it.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("bilinear_attention",)
    sign: ClassVar[str | None] = "bat"
    legend: ClassVar[str] = "bilinear attention"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"reduction": 1, "size": 2, "groups": 1},
        {"width": 6, "size": 3, "groups": 2, "dropout": 0.5},
    )
    legal_dims: ClassVar[tuple[int, ...]] = (2,)
    unevaluated: ClassVar[frozenset[str]] = frozenset({"dropout"})

    kind: Literal["bat"] = "bat"
    reduction: Annotated[int, Field(ge=1, le=1024)] = 4
    """C channels are reduced to C // reduction before the transform."""
    size: Annotated[int, Field(ge=1, le=64)] = 7
    """Tiles along each side of the map. Zeros fill a side that is no multiple."""
    groups: Channels = 2
    """Groups of channels with matrices of their own."""
    dropout: Rate = 0.2
    """Rate at which whole channels are set to zero before the sum."""
    norm: NormSpec = BatchNormSpec()
    """The norm after each convolution."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        pooled, rows = seen.conv("pooled.conv"), seen.tensors.get("rows", {}).get("weight", ())
        if pooled is None or len(rows) != 4:
            return
        rate = seen.setting("dropout", "p", 0.2)
        shown = {"size": rows[2], "groups": pooled.out_channels, "dropout": rate}
        narrow = seen.below("narrow")
        conv = narrow.conv("fc1")
        if conv is not None:
            reduction = max(1, conv.in_channels // conv.out_channels)
            for fields in super().proposals(narrow):
                fields.pop("divisor", None)
                yield {**fields, **shown, "reduction": reduction}

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        channels, size = trace.channels, self.size
        reduced, bias = self.reduced_at(channels, site), False
        side = trace.fork("attention")
        side.conv(f"{name}.narrow.fc1", reduced, bias=bias)
        side.norm(f"{name}.narrow.norm", self.norm)
        pooled = side.fork("attention")
        pooled.conv(f"{name}.pooled.conv", self.groups, bias=bias)
        pooled.norm(f"{name}.pooled.norm", self.norm)
        for part, kernel in (("rows", (size, 1)), ("columns", (1, size))):
            matrix = pooled.fork("attention")
            matrix.size = kernel
            matrix.conv(f"{name}.{part}", size**2 * self.groups, kernel, bias=True, padding=0)
        side.conv(f"{name}.wide.conv", reduced, bias=bias)
        side.norm(f"{name}.wide.norm1", self.norm)
        side.conv(f"{name}.wide.fc2", channels, bias=bias)
        side.norm(f"{name}.wide.norm2", self.norm)

    def call(self, module: Module) -> Call:
        layers = {layer.name.partition(f"{module.name}.")[2]: layer for layer in module.layers}
        convs = {name: conv_call(layer) for name, layer in layers.items() if layer.kind == "conv"}
        norm, act = norm_call(self.norm, hidden(module)), act_call(self.activation, in_place=True)
        pooled = {
            "conv": convs["pooled.conv"],
            "norm": norm_call(self.norm, self.groups),
            "act": act,
        }
        wide = {
            "conv": convs["wide.conv"],
            "norm1": norm,
            "act1": act,
            "fc2": convs["wide.fc2"],
            "norm2": norm_call(self.norm, module.in_channels),
            "act2": act,
        }
        return call(
            "BilinearAttention",
            narrow=_sequence({"fc1": convs["narrow.fc1"], "norm": norm, "act": act}),
            pooled=_sequence(pooled),
            rows=convs["rows"],
            columns=convs["columns"],
            wide=_sequence(wide),
            size=self.size,
            groups=self.groups,
            dropout=self.dropout,
        )

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        yield from super().problems(module, site)
        reduced = hidden(module)
        if reduced % self.groups:
            yield (
                "groups",
                f"{self.groups} groups do not divide {reduced} channels",
                f"use a divisor of {reduced}",
            )
        for channels in (self.groups, reduced, module.in_channels):
            yield from norm_problems(self.norm, channels)


def _sequence(calls: dict[str, Call]) -> Call:
    return Call("nn.Sequential", (), calls)
