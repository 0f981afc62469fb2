"""The bottleneck block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import MAX_CHANNELS, Channels
from ..operation import Problem
from ..seen import Seen
from .convolutions import other_convs
from .narrowed import NarrowedSpec


class BottleneckSpec(NarrowedSpec):
    """F(x) = 1x1, 3x3 and 1x1 convolutions, the 3x3 at a width of its own.

    The 3x3 has ``width * width_per_group // 64 * groups`` channels. He et al. 2015 (arXiv
    1512.03385), Figure 5 right. With ``groups`` above 1 the block of ResNeXt (Xie et al. 2017,
    arXiv 1611.05431, Figure 3c); with ``width_per_group`` above 64 that of the wide ResNets
    (Zagoruyko and Komodakis 2016, arXiv 1605.07146).
    """

    colour: ClassVar[str | None] = "green"
    class_name: ClassVar[str] = "Bottleneck"
    branch_words: ClassVar[str] = "1x1, 3x3, 1x1"
    source: ClassVar[str] = "He et al. 2015 (arXiv 1512.03385), Figure 5"
    samples: ClassVar[tuple[dict[str, Any], ...]] = (
        {},
        {"expansion": 2, "groups": 2, "width_per_group": 128},
        {"stride_on": "conv1"},
        {"order": "full_pre", "dropout": 0.3},
        {"attention": {"kind": "se", "reduction": 2}, "attention_at": "inner"},
        {"stride_by": {"kind": "pool", "pool": "avg"}, "conv2": {"kind": "conv", "kernel": 5}},
    )

    strides: ClassVar[tuple[dict[str, Any], ...]] = ({}, {"stride_on": "conv1"})

    kind: Literal["bottleneck"] = "bottleneck"
    expansion: Annotated[int, Field(ge=1, le=64)] = 4
    """Output channels of the block, as a multiple of the stage's width."""
    groups: Channels = 1
    """Groups of the 3x3 convolution: ResNeXt's cardinality."""
    width_per_group: Channels = 64
    """Channels of each group in a stage of width 64; in other stages in proportion."""
    stride_on: Literal["conv2", "conv1"] = "conv2"
    """The convolution that strides: the 3x3 (v1.5, as torchvision) or the first 1x1 (the paper)."""

    @classmethod
    def shown(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        convs = seen.numbered("conv")
        if len(convs) != 3:
            return
        outside, inner = convs[2].out_channels, convs[1].out_channels
        groups = max(1, inner // convs[1].in_channels)
        first = {"stride_on": "conv1"} if convs[0].stride not in (None, 1) else {}
        for expansion in dict.fromkeys((4, max(1, outside // inner), 1)):
            wide = 64 * inner // max(1, outside // expansion * groups)
            given = {"expansion": expansion, "groups": groups, "width_per_group": wide}
            usual = {"expansion": 4, "groups": 1, "width_per_group": 64}
            named = {name: n for name, n in given.items() if n != usual[name]}
            yield named | first | other_convs(convs, (1, 3, 1))

    def out_channels(self, width: int) -> int:
        return width * self.expansion

    @property
    def strides_first(self) -> bool:
        return self.stride_on == "conv1"

    def inner_width(self, width: int) -> int:
        return width * self.width_per_group // 64 * self.groups

    def inner_groups(self, width: int) -> int:
        return self.groups

    def problems_at(self, width: int) -> Iterator[Problem]:
        if width * self.width_per_group < 64:
            yield (
                "width_per_group",
                f"width {width} x width_per_group {self.width_per_group} / 64 leaves no channel",
                f"use a width_per_group of at least {-(-64 // width)}",
            )
        if (inner := self.inner_width(width)) > MAX_CHANNELS:
            yield (
                "groups" if self.groups > 1 else "width_per_group",
                f"width {width} x width_per_group {self.width_per_group} / 64 x groups "
                f"{self.groups} makes {inner} channels, of at most {MAX_CHANNELS}",
                "use a smaller one",
            )
        yield from super().problems_at(width)
