"""A block written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from ..block import BlockSpec, Chains
from ..norm import BatchNormSpec
from ..operation import Chain, FullChain, Operation, named, trace_chain
from ..operations import ActSpec
from ..site import Site
from ..trace import Layer, Trace


class ChainBlockSpec(BlockSpec):
    """Chains of operations: `{branch: [{conv: 3, stride: block}, norm, act, {conv: 3}, norm]}`.

    The input of branch and shortcut is the output of `entry`.
    """

    class_name: ClassVar[str] = "Block"
    dilates: ClassVar[bool] = True
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"branch": [{"conv": 3, "stride": "block"}, "norm", "act", {"conv": 3}, "norm"]},
        {
            "entry": ["norm", "act"],
            "branch": [{"conv": 1, "width": "x2"}, "norm", "act", {"conv": 3, "stride": "block"}],
            "exit": [],
        },
        {"branch": [{"conv": 5, "stride": "block"}, {"dropout": 0.3}, "norm", "act", "scale"]},
    )

    kind: Literal["chain"] = "chain"
    entry: Chain = ()
    """Operations on the block's input, before branch and shortcut divide."""
    branch: FullChain
    """Operations of the residual branch, from there to the join."""
    exit: Chain = (ActSpec(),)
    """Operations after the join."""

    def out_channels(self, width: int) -> int:
        # What sets no width leaves the stage's.
        trace = Trace(width, (1, 1))
        site = Site.of_end(width, BatchNormSpec(), "relu")
        trace_chain(trace, named(self.branch, ""), site, width, fresh=False)
        return trace.channels

    @property
    def arrangement(self) -> str:
        """No name: the picture shows every sign."""
        return ""

    def chains(self, site: Site, shared: bool) -> Chains:
        return Chains(*(named(ops, f"{part}.") for part, ops in self._parts()))

    def _parts(self) -> Sequence[tuple[str, tuple[Operation, ...]]]:
        return ("entry", self.entry), ("branch", self.branch), ("exit", self.exit)

    def residual_end(self, branch: Sequence[Layer]) -> Layer | None:
        """The last norm or convolution of the branch."""
        ends = [
            layer
            for layer in branch
            if layer.path == "main" and (layer.kind.endswith("_norm") or layer.kind == "conv")
        ]
        return ends[-1] if ends else None
