"""The deep stem of ResNet-C and of semantic segmentation."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ..base import Channels, Stride
from ..operation import Steps
from ..operations import ActSpec, ConvSpec, NormOpSpec
from ..seen import Seen
from ..site import Site
from ..stem import StemSpec, biased
from .pool import StemPool, end_with, pools, shorten_pool


class DeepBaseStemSpec(StemSpec):
    """3x3 convolutions, usually three, the first at stride 2, then the max-pool.

    Szegedy et al. 2016's replacement of the 7x7; the ``deep_base`` ResNets of semantic
    segmentation and the ResNet-C of He et al. 2018 (arXiv 1812.01187), Figure 2b.
    """

    width_fields: ClassVar[tuple[str, ...]] = ("widths",)
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"widths": [2, 2, 4], "pool": "none"},
        {"widths": [2, 2, 4], "bias": True},
        {"widths": [2, 2, 4], "pool": {"pool": "avg"}},
        {"widths": [2, 3, 4, 4], "strides": [2, 1, 1, 2], "pool": "none"},
    )

    kind: Literal["deep_base"] = "deep_base"
    bias: bool = False
    """Bias on the convolutions; always there where no norm follows."""
    widths: Annotated[tuple[Channels, ...], Field(strict=False, min_length=2, max_length=8)] = (
        64,
        64,
        128,
    )
    """Channels that each convolution puts out."""
    strides: Annotated[tuple[Stride, ...], Field(strict=False, max_length=8)] | None = None
    """Stride of each convolution. Left out: 2 for the first, 1 for the others."""
    pool: StemPool = "max"
    """The 3x3 pool at stride 2 at the end: `max`, `none`, or operations in its place, such as
    `{pool: avg}` or `[{conv: 3, stride: 2}, norm, act]`."""

    @property
    def self_validating(self) -> bool:  # type: ignore[override]
        """Whether every operation is the word's own."""
        return isinstance(self.pool, str)

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if self.strides is not None and len(self.strides) != len(self.widths):
            raise PydanticCustomError(
                "strides",
                "{strides} strides for {widths} convolutions",
                {
                    "strides": len(self.strides),
                    "widths": len(self.widths),
                    "help": "write a stride for each of widths",
                },
            )
        return self

    @classmethod
    def proposals(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        convs = seen.numbered("conv")
        if not 2 <= len(convs) <= 8:
            return []
        fields = biased(seen, {"widths": [conv.out_channels for conv in convs]})
        strides = [conv.stride for conv in convs]
        if None not in strides and strides != _usual(len(strides)):
            fields["strides"] = strides
        return [fields | pool for pool in pools(seen)]

    def short(self) -> Any:
        tree = super().short()
        if isinstance(tree, dict) and "pool" in tree:
            tree["pool"] = shorten_pool(self.pool)
        return tree

    def channels(self, site: Site) -> int:
        return self.widths[-1] if self.self_validating else super().channels(site)

    def steps(self, site: Site) -> Steps:
        return _steps(self)


def _usual(number: int) -> list[int]:
    """The strides of so many convolutions that name none."""
    return [2] + [1] * (number - 1)


@lru_cache(1024)
def _steps(stem: DeepBaseStemSpec) -> Steps:
    steps: Steps = ()
    strides = stem.strides or _usual(len(stem.widths))
    for number, (width, stride) in enumerate(zip(stem.widths, strides, strict=True), start=1):
        steps += (
            (
                f"conv{number}",
                ConvSpec(kernel=3, width=width, stride=stride, bias=stem.bias or None),
            ),
            (f"bn{number}", NormOpSpec()),
            (f"relu{number}", ActSpec()),
        )
    return steps + end_with(stem.pool)
