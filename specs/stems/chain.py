"""A stem written out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

from ..operation import Chain, Steps, named
from ..seen import Seen
from ..site import Site
from ..stem import StemSpec


class ChainStemSpec(StemSpec):
    """Operations in a row, as a file lists them: `stem: [{conv: 3, width: 32}, norm, act]`."""

    width_fields: ClassVar[tuple[str, ...]] = ()
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"layers": [{"conv": 5, "width": 4, "stride": 2}, "norm", "act", {"pool": "max"}]},
        {"layers": [{"conv": 3, "width": 4}]},
        {"layers": []},
    )

    kind: Literal["chain"] = "chain"
    layers: Chain
    """The operations, first to last; none where the first stage takes the picture itself."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        """The convolutions and norms that show, with activations after all norms, between them, or
        nowhere, and with a pool or without."""
        layers = list(_shown(seen.below("stem")))
        if not layers:
            return
        after = [*layers, "act"] if layers[-1] == "norm" else layers
        between = [
            op for each in layers[:-1] for op in ([each, "act"] if each == "norm" else [each])
        ]
        for ops in ([*between, *after[len(layers) - 1 :]], [*between, layers[-1]], layers):
            yield {"layers": ops}
            yield {"layers": [*ops, {"pool": "max"}]}

    def steps(self, site: Site) -> Steps:
        return named(self.layers, "stem.")


def _shown(seen: Seen) -> Iterator[Any]:
    """The convolutions and norms of a stem, in order."""
    for name in seen.tensors:
        conv = seen.conv(name)
        if conv is not None:
            stride = conv.stride or (2 if conv.kernel == 7 else 1)
            shape = {"conv": conv.kernel, "width": conv.out_channels, "stride": stride}
            yield {**shape, **({"bias": True} if conv.bias else {})}
        elif name.startswith("norm"):
            yield "norm"
