"""The shortcut of ResNet-D."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, ClassVar, Literal

from ..operation import Steps
from ..operations import ConvSpec, NormOpSpec, PoolSpec
from ..seen import Seen
from ..shortcut import Line
from ..site import Site
from .projection import ProjectingSpec


class AvgProjectionSpec(ProjectingSpec):
    """S(x) = norm(conv1x1(pool(x))), an average pool at the block's stride; no pool at stride 1.

    ResNet-D: He et al. 2018 (arXiv 1812.01187), Figure 2c. A square that the border cuts is
    averaged over what is left of it, as in timm and mmpretrain. Where a block dilates instead of
    striding, published code differs: see ``pool_dilated``.
    """

    line: ClassVar[Line | None] = Line("orange", 2.8, "7 6")
    self_validating: ClassVar[bool] = True
    words: ClassVar[str] = "a 1x1 convolution of averages of x (ResNet-D)"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"norm": False, "bias": True},
        {"pool_dilated": True},
    )

    kind: Literal["avg_projection"] = "avg_projection"
    pool_dilated: bool = False
    """Whether a block that dilates and does not stride still averages, as in timm: squares of 2x2
    at each pixel, the map padded by zeros after it. Left out: no, as in mmsegmentation."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        given = list(super().proposals(seen))
        return [*given, *({**fields, "pool_dilated": True} for fields in given)]

    def steps(self, site: Site) -> Steps:
        dilates = site.stride == 1 and site.dilations.rest > 1
        return _steps(self.biased(site), self.normed(site), self.pool_dilated and dilates)


_STRIDED = PoolSpec(pool="avg", stride="block")
_DILATED = PoolSpec(pool="avg", kernel=2, stride=1, padding="same")


@lru_cache(16)
def _steps(bias: bool | None, norm: bool, dilated: bool) -> Steps:
    return (
        ("0", _DILATED if dilated else _STRIDED),
        ("1", ConvSpec(kernel=1, bias=bias)),
        *((("2", NormOpSpec()),) if norm else ()),
    )
