"""One position of a whole map."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..call import Call, call
from ..layer import Module
from ..operation import Operation, dims_of
from ..site import Site
from ..trace import Trace

_CLASSES = {"avgmax": "AvgMaxPool", "catavgmax": "CatAvgMaxPool"}


class GlobalPoolSpec(Operation):
    """The mean over all positions of the map, the largest value, or both."""

    synonyms: ClassVar[tuple[str, ...]] = (
        "gap",
        "adaptive_pool",
        "adaptive_avg_pool",
        "global_average_pool",
        "global_avg_pool",
    )
    main: ClassVar[str | None] = "pool"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"pool": "max"},
        {"pool": "avgmax"},
        {"pool": "catavgmax"},
    )

    kind: Literal["global_pool"] = "global_pool"
    pool: Literal["avg", "max", "avgmax", "catavgmax"] = "avg"
    """`avg`: the mean; `max`: the largest value; `avgmax`: half of their sum; `catavgmax`: the
    means, then the largest values, so twice the channels."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        kind = "max_pool" if self.pool == "max" else "avg_pool"
        trace.global_pool(name, kind, trace.channels * (2 if self.pool == "catavgmax" else 1))

    def call(self, module: Module) -> Call:
        if self.pool in _CLASSES:
            return call(_CLASSES[self.pool], **dims_of(module))
        return call(f"nn.Adaptive{self.pool.title()}Pool{module.dims}d", 1)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, **self.differing()}
