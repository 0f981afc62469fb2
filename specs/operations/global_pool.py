"""The mean of a whole map."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..call import Call, call
from ..operation import Operation
from ..site import Site
from ..trace import Module, Trace


class GlobalPoolSpec(Operation):
    """The mean over all positions of the map."""

    main: ClassVar[str | None] = "pool"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({},)

    kind: Literal["global_pool"] = "global_pool"
    pool: Literal["avg"] = "avg"
    """`avg`: the mean."""

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.global_avg_pool(name)

    def call(self, module: Module) -> Call:
        return call("nn.AdaptiveAvgPool2d", 1)

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, **self.differing()}
