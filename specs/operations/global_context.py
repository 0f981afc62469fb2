"""Global-context attention."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from ..call import Call, ChannelCount, call
from ..layer import Module
from ..norm import Eps
from ..operation import dims_of
from ..seen import Seen
from ..site import Site
from ..trace import Trace
from .reducing import ReducingSpec


class GlobalContextSpec(ReducingSpec):
    """F(x) + W2 relu(n(W1 c)), c the mean of F(x) weighted by softmax(Wk F(x)) over the map.

    n is a layer norm; W1, W2 and Wk are biased; W2 starts at 0. Cao et al. 2019, GCNet (arXiv
    1904.11492), section 3.3 and Figure 4d.
    """

    synonyms: ClassVar[tuple[str, ...]] = ("global_context", "gcnet", "context")
    sign: ClassVar[str | None] = "gc"
    legend: ClassVar[str] = "global context"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        *ReducingSpec.samples,
        {"reduction": 2, "fuse": "mul"},
        {"reduction": 2, "eps": 1e-3},
    )

    kind: Literal["gc"] = "gc"
    fuse: Literal["add", "mul"] = "add"
    """What is done with W2 relu(n(W1 c)): it is added to F(x) (`add`), or F(x) is multiplied by
    its sigmoid (`mul`)."""
    eps: Eps = 1e-5
    """Added to the variance under the square root of the layer norm; timm has 1e-6."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        eps = seen.setting("norm", "eps")
        for fields in super().proposals(seen):
            yield fields if eps is None else {**fields, "eps": eps}

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        channels = trace.channels
        trace.fork("attention").conv(f"{name}.mask", 1, bias=True)
        side = trace.fork("attention")
        side.global_avg_pool(f"{name}.context")
        side.conv(f"{name}.fc1", self.reduced_at(channels, site), bias=self.bias)
        side.layer_norm(f"{name}.norm")
        starts = (("weight", 0.0), ("bias", 0.0)) if self.bias else (("weight", 0.0),)
        side.conv(f"{name}.fc2", channels, bias=self.bias, starts=starts)

    def call(self, module: Module) -> Call:
        options = self.options(module, "fuse", "eps") | dims_of(module)
        return call("GlobalContext", ChannelCount(module.in_channels), **options)
