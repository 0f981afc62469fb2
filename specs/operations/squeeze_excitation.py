"""Squeeze and excitation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..attention import AttentionSpec, reductions
from ..call import Call, ChannelCount, call
from ..operation import Problem
from ..seen import Seen
from ..site import Site
from ..trace import Module, Trace


class SqueezeExcitationSpec(AttentionSpec):
    """F(x) * sigmoid(W2 relu(W1 mean(F(x)))), W1 and W2 biased linear layers.

    Hu et al. 2018, Squeeze-and-Excitation Networks (arXiv 1709.01507), section 3 and Figure 3.
    """

    main: ClassVar[str | None] = "reduction"
    sign: ClassVar[str | None] = "se"
    legend: ClassVar[str] = "squeeze and excitation"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({"reduction": 1}, {"reduction": 2})

    kind: Literal["se"] = "se"
    reduction: Annotated[int, Field(ge=1, le=1024)] = 16
    """C channels are reduced to C // reduction between W1 and W2."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        return reductions(seen)

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        channels = trace.channels
        side = trace.fork("attention")
        side.global_avg_pool(f"{name}.pool")
        side.conv(f"{name}.fc1", channels // self.reduction, bias=True)
        side.conv(f"{name}.fc2", channels, bias=True)

    def call(self, module: Module) -> Call:
        options = {} if self.reduction == 16 else {"reduction": self.reduction}
        return call("SqueezeExcitation", ChannelCount(module.in_channels), **options)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, "channels": module.in_channels // self.reduction}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        if module.in_channels < self.reduction:
            yield (
                "reduction",
                f"a reduction of {self.reduction} leaves none of {module.in_channels} channels",
                f"use a reduction of at most {module.in_channels}",
            )
