"""Global-context attention."""

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


class GlobalContextSpec(AttentionSpec):
    """F(x) + W2 relu(n(W1 c)), c the mean of F(x) weighted by softmax(Wk F(x)) over the map.

    n is a layer norm; W1, W2 and Wk are biased; W2 starts at 0. Cao et al. 2019, GCNet (arXiv
    1904.11492), section 3.3 and Figure 4d.
    """

    main: ClassVar[str | None] = "reduction"
    sign: ClassVar[str | None] = "gc"
    legend: ClassVar[str] = "global context"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({"reduction": 1}, {"reduction": 2})

    kind: Literal["gc"] = "gc"
    reduction: Annotated[int, Field(ge=1, le=1024)] = 16
    """C channels are reduced to C // reduction between W1 and W2."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        return reductions(seen)

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        channels = trace.channels
        trace.fork("attention").conv(f"{name}.mask", 1, bias=True)
        side = trace.fork("attention")
        side.global_avg_pool(f"{name}.context")
        side.conv(f"{name}.fc1", channels // self.reduction, bias=True)
        side.layer_norm(f"{name}.norm")
        side.conv(f"{name}.fc2", channels, bias=True, starts=(("weight", 0.0), ("bias", 0.0)))

    def call(self, module: Module) -> Call:
        options = {} if self.reduction == 16 else {"reduction": self.reduction}
        return call("GlobalContext", ChannelCount(module.in_channels), **options)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, "channels": module.in_channels // self.reduction}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        if module.in_channels < self.reduction:
            yield (
                "reduction",
                f"a reduction of {self.reduction} leaves none of {module.in_channels} channels",
                f"use a reduction of at most {module.in_channels}",
            )
