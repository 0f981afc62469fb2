"""The X block of RegNet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import gcd
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..base import Channels
from ..operation import Problem
from ..operations import ConvSpec
from ..seen import Seen
from .convolutions import other_convs
from .narrowed import NarrowedSpec


class XSpec(NarrowedSpec):
    """F(x) = 1x1, 3x3 in groups, and 1x1 convolutions, with the stage's width as output.

    The X block of Radosavovic et al. 2020 (arXiv 2003.13678), Figure 4.
    """

    colour: ClassVar[str | None] = "orange"
    class_name: ClassVar[str] = "XBlock"
    branch_words: ClassVar[str] = "1x1, 3x3 in groups, 1x1"
    source: ClassVar[str] = "Radosavovic et al. 2020 (arXiv 2003.13678), Figure 4"
    samples: ClassVar[tuple[dict[str, Any], ...]] = ({"group_width": 1}, {"group_width": 64})

    kind: Literal["x"] = "x"
    group_width: Channels = 8
    """Channels of each group of the 3x3; one group where the 3x3 has no more channels than that."""
    ratio: Annotated[int, Field(ge=1, le=64)] = 1
    """The stage's width divided by that of the 3x3: the bottleneck ratio."""

    @classmethod
    def shown(cls, seen: Seen) -> Iterable[dict[str, Any]]:
        convs = seen.numbered("conv")
        if len(convs) == 3:
            ratio = max(1, convs[2].out_channels // convs[1].out_channels)
            own = {"ratio": ratio} if ratio > 1 else {}
            kernels = other_convs(convs, (1, 3, 1))
            yield {"group_width": convs[1].in_channels, **own, **kernels}

    def inner_width(self, width: int) -> int:
        return width // self.ratio

    def inner_groups(self, width: int) -> int:
        return max(1, self.inner_width(width) // self.group_width)

    def inner_grouping(self, width: int) -> tuple[int, int | None]:
        groups, group_width = super().inner_grouping(width)
        # As a width, it is the same for all widths of stages, which then share their chains. An
        # operation in its place may have no such field, a derived kind other groups.
        if self.conv2 is None and groups == self.inner_width(width) // self.group_width > 1:
            return 1, self.group_width
        return groups, group_width

    def inner_convs(self, width: int) -> tuple[ConvSpec, ...]:
        first, second, last = super().inner_convs(width)
        grouped = {"groups": 1, "group_width": self.group_width}
        return first, second.model_copy(update=grouped), last

    def problems_at(self, width: int) -> Iterator[Problem]:
        inner = self.inner_width(width)
        if width % self.ratio:
            divisors = [str(n) for n in range(1, 65) if width % n == 0]
            message = f"a ratio of {self.ratio} does not divide the width {width}"
            yield "ratio", message, f"use a divisor: {', '.join(divisors)}"
        elif inner > self.group_width and inner % self.group_width:
            message = f"groups of {self.group_width} channels do not divide {inner}"
            yield "group_width", message, f"use a divisor: {gcd(inner, self.group_width)}"
        yield from super().problems_at(width)
