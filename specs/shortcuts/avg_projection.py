"""The shortcut of ResNet-D."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar, Literal

from ..operation import Steps
from ..operations import ConvSpec, NormOpSpec, PoolSpec
from ..shortcut import Line
from ..site import Site
from .projection import ProjectingSpec


class AvgProjectionSpec(ProjectingSpec):
    """S(x) = norm(conv1x1(pool(x))), an average pool at the block's stride; no pool at stride 1.

    ResNet-D: He et al. 2018 (arXiv 1812.01187), Figure 2c. A square that the border cuts is
    averaged over what is left of it, as in timm and mmpretrain.
    """

    line: ClassVar[Line | None] = Line("orange", 2.8, "7 6")
    self_validating: ClassVar[bool] = True
    words: ClassVar[str] = "a 1x1 convolution of averages of x (ResNet-D)"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"norm": False, "bias": True})

    kind: Literal["avg_projection"] = "avg_projection"

    def steps(self, site: Site) -> Steps:
        return _steps(self.biased(site), self.normed(site))


@lru_cache(16)
def _steps(bias: bool | None, norm: bool) -> Steps:
    return (
        ("0", PoolSpec(pool="avg", stride="block")),
        ("1", ConvSpec(kernel=1, bias=bias)),
        *((("2", NormOpSpec()),) if norm else ()),
    )
