"""A block written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from ..block import BlockSpec, Chains, last_of
from ..by_axis import lists_of, parts_of
from ..layer import Layer
from ..norm import BatchNormSpec
from ..operation import Chain, FullChain, Operation, named, trace_chain
from ..operations import ActSpec
from ..site import Site
from ..trace import Trace


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
        {
            "branch": [
                {"conv": 1, "width": "inner"},
                "norm",
                "act",
                {"conv": 3, "stride": "block"},
            ],
        },
        {
            "preactivation": ["act", {"variance": 0.2}],
            "branch": [{"conv": 3, "stride": "block"}, {"multiply": 0.2}],
        },
    )

    kind: Literal["chain"] = "chain"
    entry: Chain = ()
    """Operations on the block's input, before branch and shortcut divide."""
    preactivation: Chain = ()
    """Operations before the branch, after `entry`. The shortcut takes their output where the shape
    changes, and not where it is kept: as in pre-activated networks."""
    branch: FullChain
    """Operations of the residual branch, from there to the join."""
    exit: Chain | None = None
    """Operations after the join. Left out: `[act]`, or none in a block with `preactivation`."""

    def out_channels(self, width: int) -> int:
        # What sets no width leaves the stage's.
        lists = [value for _, part in parts_of(self) for _, value in lists_of(part)]
        dims = len(lists[0]) if lists else 2
        site = Site.of_end(width, BatchNormSpec(), "relu", dims=dims)
        trace = Trace(width, site.point)
        trace_chain(trace, named(self.branch, ""), site, width, fresh=False)
        return trace.channels

    @property
    def arrangement(self) -> str:
        """No name: the picture shows every sign."""
        return ""

    @property
    def reads_sums(self) -> bool:  # type: ignore[override]
        return any(op.reads_sums for _, ops in self._parts() for op in ops)

    def chains(self, site: Site, shared: bool) -> Chains:
        entry, pre, branch, exit_ = (named(ops, f"{part}.") for part, ops in self._parts())
        if site.keeps_shape:
            return Chains(entry, pre + branch, exit_)
        return Chains(entry + pre, branch, exit_)

    def _parts(self) -> Sequence[tuple[str, tuple[Operation, ...]]]:
        exit_ = self.exit
        if exit_ is None:
            exit_ = () if self.preactivation else (ActSpec(),)
        return (
            ("entry", self.entry),
            ("preactivation", self.preactivation),
            ("branch", self.branch),
            ("exit", exit_),
        )

    def residual_end(self, branch: Sequence[Layer]) -> Layer | None:
        """The last norm or convolution of the branch; None where it is one of several paths."""
        return last_of(branch)
