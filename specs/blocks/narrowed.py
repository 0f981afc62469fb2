"""Blocks of 1x1, 3x3 and 1x1 convolutions, the 3x3 in groups at a width of its own."""

from __future__ import annotations

from fractions import Fraction

from ..operations import ConvSpec
from ..site import Site
from .ordered import OrderedSpec


class NarrowedSpec(OrderedSpec):
    """1x1, 3x3 and 1x1 convolutions, the 3x3 in groups at a width of its own."""

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

    def width_for_steps(self, site: Site) -> int:
        return site.width

    def convs(self, width: int) -> tuple[ConvSpec, ...]:
        inner = times(self.inner_width(width), width)
        groups = max(1, self.inner_groups(width))
        first = self.strides_first
        return (
            ConvSpec(kernel=1, width=inner, stride="block" if first else 1),
            ConvSpec(kernel=3, width=inner, stride=1 if first else "block", groups=groups),
            ConvSpec(kernel=1, width=times(self.out_channels(width), width)),
        )


def times(channels: int, width: int) -> int | str | None:
    """``channels`` as a chain writes them: as a multiple of the stage's width, or nothing where
    they are the width.

    >>> times(256, 64), times(64, 64), times(16, 64)
    ('x4', None, 'x1/4')
    """
    ratio = Fraction(max(1, channels), width)
    if ratio == 1:
        return None
    parts = "" if ratio.denominator == 1 else f"/{ratio.denominator}"
    return f"x{ratio.numerator}{parts}"
