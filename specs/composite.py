"""Operations that are made of other operations: several paths beside each other, say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field

from .base import MAX_CHANNELS, Dilation
from .call import Call, nest
from .layer import Module
from .operation import (
    After,
    BlockStride,
    Operation,
    Problem,
    Steps,
    computed,
    meanings,
    trace_chain,
)
from .site import Site
from .trace import Trace


class CompositeSpec(Operation):
    """Base of the operations that hold others, which :meth:`run` writes down.

    Norms, activations and convolutions in it are the network's. What it means for the identity of
    a network is what they mean, and :meth:`own`.
    """

    ends_activated: ClassVar[bool] = True
    after: ClassVar[After] = "fresh"

    stride: BlockStride = 1
    """Pixels from one window to the next; `block`: the block's own stride."""
    groups: Annotated[int, Field(ge=1, le=MAX_CHANNELS)] = 1
    """Groups of channels that each convolution of a window convolves apart."""
    dilation: Dilation | None = None
    """Distance between neighbouring taps. Left out: as for a `conv`."""

    def own(self, module: Module) -> dict[str, Any]:
        """What it means beside the operations that it holds."""
        return {}

    def run(self, trace: Trace, side: Trace, name: str, steps: Steps, site: Site) -> None:
        """Write ``steps`` down on ``side``, a fork of ``trace``, below ``name``."""
        side.modules = []
        named = tuple((f"{name}.{step}", op) for step, op in steps)
        trace_chain(side, named, site, side.channels, fresh=True)
        trace.inner += tuple(side.modules)

    def calls(self, module: Module) -> dict[str, Call]:
        """The calls of the operations that it holds, by the first part of their names."""
        start = len(module.name) + 1
        return nest({each.name[start:]: each.op.call(each) for each in module.inner})

    def canonical(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, **self.own(module), "of": meanings(module.inner)}

    def evaluated(self, module: Module) -> dict[str, Any] | None:
        return {"op": self.kind, **self.own(module), "of": computed(module.inner)}

    def problems(self, module: Module, site: Site) -> Iterator[Problem]:
        found: set[Problem] = set()
        for each in module.inner:
            found |= set(each.op.problems(each, site))
        return iter(sorted(found))

    def misfits(self, module: Module) -> Iterator[str]:
        for each in module.inner:
            yield from each.op.misfits(each)
