"""Blocks of 1x1, 3x3 and 1x1 convolutions, the 3x3 in groups at a width of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import gcd
from typing import Any

from ..operation import AnyOperation, Problem
from ..operations import ConvSpec
from ..site import Site
from .ordered import OrderedSpec


class NarrowedSpec(OrderedSpec):
    """1x1, 3x3 and 1x1 convolutions, the 3x3 in groups at a width of its own."""

    conv1: AnyOperation | None = None
    """Operation in place of the first 1x1."""
    conv2: AnyOperation | None = None
    """Operation in place of the 3x3, such as `{conv: 5}`."""
    conv3: AnyOperation | None = None
    """Operation in place of the last 1x1."""

    @property
    def strides_first(self) -> bool:
        """Whether the first 1x1 strides, and not the 3x3."""
        return False

    def inner_width(self, width: int) -> int:
        """Channels of the 3x3 convolution."""
        raise NotImplementedError

    def inner_groups(self, width: int) -> int:
        """Groups of the 3x3 convolution."""
        raise NotImplementedError

    def attended(self, width: int) -> int:
        return self.inner_width(width) if self.attention_at == "inner" else super().attended(width)

    def problems_on(self, site: Site) -> Iterator[Problem]:
        # The fields that make the inner width say nothing where the stage gives it.
        return super().problems_at(site.width) if site.inner else super().problems_on(site)

    def convs(self, width: int) -> tuple[ConvSpec, ...]:
        inner, outer = times(self.inner_width(width), width), times(self.out_channels(width), width)
        return _convs(inner, outer, *self.inner_grouping(width), self.strides_first)

    def inner_grouping(self, width: int) -> tuple[int, int | None]:
        """Groups of the 3x3 convolution, and the width of each in place of a number of groups."""
        return max(1, self.inner_groups(width)), None


@lru_cache(1024)
def _convs(
    inner: int | str | None,
    outer: int | str | None,
    groups: int,
    group_width: int | None,
    strides_first: bool,
) -> tuple[ConvSpec, ...]:
    grouping: dict[str, Any] = {"groups": groups, "group_width": group_width}
    return (
        ConvSpec(kernel=1, width=inner, stride="block" if strides_first else 1),
        ConvSpec(kernel=3, width=inner, stride=1 if strides_first else "block", **grouping),
        ConvSpec(kernel=1, width=outer),
    )


def times(channels: int, width: int) -> int | str | None:
    """``channels`` as a chain writes them: as a multiple of the stage's width, or nothing where
    they are the width.

    >>> times(256, 64), times(64, 64), times(16, 64)
    ('x4', None, 'x1/4')
    """
    channels = max(1, channels)
    if channels == width:
        return None
    common = gcd(channels, width)
    parts = "" if common == width else f"/{width // common}"
    return f"x{channels // common}{parts}"
