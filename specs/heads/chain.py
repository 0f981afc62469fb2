"""A head written out."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..head import HeadSpec
from ..operation import FullChain, Steps, named
from ..operations import LinearSpec
from ..site import Site


class ChainHeadSpec(HeadSpec):
    """Operations in a row, as a file lists them: `head: [global_pool, {linear: 10}]`."""

    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"layers": ["global_pool", {"dropout": 0.2}, {"linear": 5}]},
        {"layers": [{"conv": 1, "width": 4}, "norm", "act", "global_pool", {"linear": 5}]},
    )

    kind: Literal["chain"] = "chain"
    layers: FullChain
    """The operations, first to last."""

    def steps(self, site: Site) -> Steps:
        return named(self.layers, "head.")

    @property
    def num_classes(self) -> int | None:
        """Numbers that the last linear layer puts out; None for a head without one."""
        linear = [op for op in self.layers if isinstance(op, LinearSpec)]
        return linear[-1].out_features if linear else None

    def with_classes(self, classes: int) -> HeadSpec | None:
        layers = [op.model_dump(mode="json") for op in self.layers]
        at = max((i for i, layer in enumerate(layers) if layer["kind"] == "linear"), default=None)
        if at is None:
            return None
        if classes:
            layers[at]["out_features"] = classes
        else:
            flat = any(layer["kind"] in ("linear", "flatten") for layer in layers[:at])
            layers[at : at + 1] = [] if flat else [{"kind": "flatten", "size": 1}]
        return ChainHeadSpec(layers=layers)  # type: ignore[arg-type]
