"""The stem of networks for small pictures, and of RegNet."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar, Literal

from ..base import Channels, Stride
from ..operation import Steps
from ..operations import ActSpec, ConvSpec, NormOpSpec
from ..seen import Seen
from ..site import Site
from ..stem import StemSpec, biased


class Conv3x3StemSpec(StemSpec):
    """One 3x3 convolution, norm, activation; without a pool.

    He et al. 2015 (arXiv 1512.03385), section 4.2 (CIFAR-10), and at stride 2 Radosavovic et al.
    2020 (arXiv 2003.13678), section 3.2.
    """

    self_validating: ClassVar[bool] = True
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"width": 4},
        {"width": 4, "stride": 2, "bias": True},
    )

    kind: Literal["conv3x3"] = "conv3x3"
    bias: bool = False
    """Bias on the convolution; always there where no norm follows."""
    width: Channels = 16
    """Channels put out."""
    stride: Stride = 1
    """Stride of the convolution."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        conv = seen.conv("conv1")
        if conv is None:
            return []
        stride = {} if conv.stride in (None, 1) else {"stride": conv.stride}
        return [biased(seen, {"width": conv.out_channels, **stride})]

    def channels(self, site: Site) -> int:
        return self.width

    def steps(self, site: Site) -> Steps:
        return _steps(self)


@lru_cache(1024)
def _steps(stem: Conv3x3StemSpec) -> Steps:
    conv = ConvSpec(kernel=3, width=stem.width, stride=stem.stride, bias=stem.bias or None)
    return (("conv1", conv), ("bn1", NormOpSpec()), ("relu", ActSpec()))
