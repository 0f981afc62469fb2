"""A stem written out."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..operation import FullChain, Steps, named
from ..site import Site
from ..stem import StemSpec


class ChainStemSpec(StemSpec):
    """Operations in a row, as a file lists them: `stem: [{conv: 3, width: 32}, norm, act]`."""

    width_fields: ClassVar[tuple[str, ...]] = ()
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"layers": [{"conv": 5, "width": 4, "stride": 2}, "norm", "act", {"pool": "max"}]},
        {"layers": [{"conv": 3, "width": 4}]},
    )

    kind: Literal["chain"] = "chain"
    layers: FullChain
    """The operations, first to last."""

    def steps(self, site: Site) -> Steps:
        return named(self.layers, "stem.")
