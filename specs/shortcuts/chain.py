"""A shortcut written out."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..join import AnyJoin, JoinSpec
from ..operation import Chain, Steps, named
from ..shortcut import ADD, Line, ShortcutSpec
from ..site import Site


class ChainShortcutSpec(ShortcutSpec):
    """A path of operations and a join: `{path: [{conv: 1, stride: block}, norm], join: add}`."""

    bare_match: ClassVar[str | None] = None
    line: ClassVar[Line | None] = Line("green", 2.2, "10 5 0.1 5")
    legend: ClassVar[str] = "path"
    arcs_differ: ClassVar[bool] = True
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"path": [{"conv": 1, "stride": "block"}, "norm", "act"]},
        {"path": [{"conv": 3, "stride": "block", "bias": True}], "join": {"gate": "exclusive"}},
    )

    kind: Literal["chain"] = "chain"
    path: Chain
    """Operations from the block's input (the output of `entry`) to the join, first to last."""
    join: AnyJoin = ADD
    """How path and branch become one map: `add`, `scaled` or `gate`, with their fields."""

    def steps(self, site: Site) -> Steps:
        return named(self.path, "" if self.join.kind == "add" else "of.")

    def joined(self) -> JoinSpec:
        return self.join
