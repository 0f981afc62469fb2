"""The stem of ImageNet's ResNets."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from ..base import Channels, Stride
from ..by_axis import ByAxis
from ..operation import Steps
from ..operations import ActSpec, ConvSpec, NormOpSpec
from ..seen import Seen
from ..site import Site
from ..stem import StemSpec, biased
from .pool import StemPool, end_with, pools, shorten_pool


class Conv7x7StemSpec(StemSpec):
    """7x7 convolution at stride 2, norm, activation, 3x3 max-pool at stride 2.

    He et al. 2015 (arXiv 1512.03385), Table 1.
    """

    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"width": 4, "pool": "none"},
        {"width": 4, "bias": True},
        {"width": 4, "pool": [{"conv": 3, "stride": 2}, "norm", "act"]},
        {"width": 4, "stride": 1},
    )

    kind: Literal["conv7x7"] = "conv7x7"
    bias: bool = False
    """Bias on the convolution; always there where no norm follows."""
    width: Channels = 64
    """Channels put out."""
    stride: Annotated[Stride, ByAxis(Stride)] = 2
    """Stride of the convolution, or a list with one for each axis: `[1, 2, 2]` keeps the frames of
    a video."""
    pool: StemPool = "max"
    """The 3x3 pool at stride 2 at the end: `max`, `none`, or operations in its place, such as
    `{pool: avg}` or `[{conv: 3, stride: 2}, norm, act]`."""

    @property
    def self_validating(self) -> bool:  # type: ignore[override]
        """Whether every operation is the word's own."""
        return isinstance(self.pool, str)

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        conv = seen.conv("conv1")
        if conv is None:
            return []
        stride = {} if conv.stride in (None, 2) else {"stride": conv.stride}
        fields = biased(seen, {"width": conv.out_channels, **stride})
        return [fields | pool for pool in pools(seen)]

    def short(self) -> Any:
        tree = super().short()
        if isinstance(tree, dict) and "pool" in tree:
            tree["pool"] = shorten_pool(self.pool)
        return tree

    def channels(self, site: Site) -> int:
        return self.width if self.self_validating else super().channels(site)

    def steps(self, site: Site) -> Steps:
        return _steps(self)


@lru_cache(1024)
def _steps(stem: Conv7x7StemSpec) -> Steps:
    conv = ConvSpec(kernel=7, width=stem.width, stride=stem.stride, bias=stem.bias or None)
    return (
        ("conv1", conv),
        ("bn1", NormOpSpec()),
        ("relu", ActSpec()),
        *end_with(stem.pool),
    )
