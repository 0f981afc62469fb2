"""The stem of ImageNet's ResNets."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar, Literal

from ..base import Channels
from ..operation import Steps
from ..operations import ActSpec, ConvSpec, NormOpSpec, PoolSpec
from ..seen import Seen
from ..site import Site
from ..stem import StemSpec, biased

Pool = Literal["max", "none"]
#: What the pool may be; it does not show in a state dict.
POOLS: tuple[dict[str, Any], ...] = ({}, {"pool": "none"})


class Conv7x7StemSpec(StemSpec):
    """7x7 convolution at stride 2, norm, activation, 3x3 max-pool at stride 2.

    He et al. 2015 (arXiv 1512.03385), Table 1.
    """

    self_validating: ClassVar[bool] = True
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"width": 4, "pool": "none"},
        {"width": 4, "bias": True},
    )

    kind: Literal["conv7x7"] = "conv7x7"
    bias: bool = False
    """Bias on the convolution; always there where no norm follows."""
    width: Channels = 64
    """Channels put out."""
    pool: Pool = "max"
    """The 3x3 pool at stride 2 at the end: `max` or `none`."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        conv = seen.conv("conv1")
        widths = [] if conv is None else [biased(seen, {"width": conv.out_channels})]
        return [fields | pool for fields in widths for pool in POOLS]

    def channels(self, site: Site) -> int:
        return self.width

    def steps(self, site: Site) -> Steps:
        return _steps(self)


@lru_cache(1024)
def _steps(stem: Conv7x7StemSpec) -> Steps:
    conv = ConvSpec(kernel=7, width=stem.width, stride=2, bias=stem.bias or None)
    return (
        ("conv1", conv),
        ("bn1", NormOpSpec()),
        ("relu", ActSpec()),
        *end_with(stem.pool),
    )


def end_with(pool: Pool) -> Steps:
    """The max-pool that ends the stem of a network for large pictures, or nothing."""
    return (("maxpool", PoolSpec(pool="max")),) if pool == "max" else ()
