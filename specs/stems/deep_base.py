"""The deep stem of ResNet-C and of semantic segmentation."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import Channels
from ..operation import Steps
from ..operations import ActSpec, ConvSpec, NormOpSpec
from ..seen import Seen
from ..site import Site
from ..stem import StemSpec, biased
from .conv7x7 import POOLS, Pool, end_with


class DeepBaseStemSpec(StemSpec):
    """Three 3x3 convolutions, the first at stride 2, then the max-pool.

    Szegedy et al. 2016's replacement of the 7x7; the ``deep_base`` ResNets of semantic
    segmentation and the ResNet-C of He et al. 2018 (arXiv 1812.01187), Figure 2b.
    """

    width_fields: ClassVar[tuple[str, ...]] = ("widths",)
    self_validating: ClassVar[bool] = True
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"widths": [2, 2, 4], "pool": "none"},
        {"widths": [2, 2, 4], "bias": True},
    )

    kind: Literal["deep_base"] = "deep_base"
    bias: bool = False
    """Bias on the convolutions; always there where no norm follows."""
    widths: Annotated[tuple[Channels, ...], Field(strict=False, min_length=3, max_length=3)] = (
        64,
        64,
        128,
    )
    """Channels that each convolution puts out."""
    pool: Pool = "max"
    """The 3x3 pool at stride 2 at the end: `max` or `none`."""

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        widths = [conv.out_channels for conv in seen.numbered("conv")]
        fields = biased(seen, {"widths": widths})
        return [fields | pool for pool in POOLS] if len(widths) == 3 else []

    def channels(self, site: Site) -> int:
        return self.widths[-1]

    def steps(self, site: Site) -> Steps:
        return _steps(self)


@lru_cache(1024)
def _steps(stem: DeepBaseStemSpec) -> Steps:
    steps: Steps = ()
    for number, width in enumerate(stem.widths, start=1):
        stride = 2 if number == 1 else 1
        steps += (
            (
                f"conv{number}",
                ConvSpec(kernel=3, width=width, stride=stride, bias=stem.bias or None),
            ),
            (f"bn{number}", NormOpSpec()),
            (f"relu{number}", ActSpec()),
        )
    return steps + end_with(stem.pool)
