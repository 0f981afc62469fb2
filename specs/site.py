"""Where a block stands in its network, in plain numbers."""

from __future__ import annotations

from typing import NamedTuple

from .norm import NoNormSpec, NormSpec


class Dilations(NamedTuple):
    """Distances between the taps of a block's convolutions.

    Where a stage dilates instead of striding, the convolution that would have strided still
    reads the map of the stage before.
    """

    first: int
    """Of the convolution that strides, and of those before it."""
    rest: int
    """Of the convolutions after it."""


UNDILATED = Dilations(1, 1)


class Site(NamedTuple):
    """All that the words and operations of a block may depend on."""

    in_channels: int
    width: int
    """The stage's width."""
    out_channels: int
    stride: int
    dilations: Dilations
    follows_activation: bool
    """Whether the stem has just activated the block's input."""
    norm: NormSpec
    """The network's norm."""
    activation: str
    """The network's activation, by PyTorch's name."""
    projection_norm: bool
    """Whether a projection beside the block's branch carries a norm where it says nothing."""
    projection_bias: bool
    """Whether a projection beside the block's branch is biased where it says nothing."""

    @property
    def keeps_shape(self) -> bool:
        """Whether the block puts out what it takes in: the same channels, the same size."""
        return self.stride == 1 and self.in_channels == self.out_channels

    @classmethod
    def of_end(cls, channels: int, norm: NormSpec, activation: str) -> Site:
        """The site of a stem, or of what follows the last stage, which takes ``channels``."""
        bare = isinstance(norm, NoNormSpec)
        return cls(
            channels, channels, channels, 1, UNDILATED, False, norm, activation, not bare, bare
        )

    @property
    def bias(self) -> bool:
        """Whether a convolution of which nothing is said carries a bias: in networks without
        norms."""
        return isinstance(self.norm, NoNormSpec)
