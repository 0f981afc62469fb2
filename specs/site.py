"""Where a block stands in its network, in plain numbers."""

from __future__ import annotations

from typing import NamedTuple

from .activation import Activation
from .axes import Axes
from .convolution import PLAIN, ConvolutionSpec
from .norm import NormSpec

# Skips the Python-level call of a named tuple's constructor.
_new = tuple.__new__


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


class Choices(NamedTuple):
    """What an operation takes of its network where it says nothing itself."""

    norm: NormSpec
    activation: Activation
    convolution: ConvolutionSpec
    sums: int
    """As a site has it."""


class Site(NamedTuple):
    """All that the words and operations of a block may depend on."""

    in_channels: int
    width: int
    """The stage's width."""
    out_channels: int
    stride: Axes
    dilations: Dilations
    follows_activation: bool
    """Whether the stem has just activated the block's input."""
    norm: NormSpec
    """The network's norm."""
    activation: Activation
    """The network's activation."""
    projection_norm: bool
    """Whether a projection beside the block's branch carries a norm where it says nothing."""
    projection_bias: bool
    """Whether a projection beside the block's branch is biased where it says nothing."""
    convolution: ConvolutionSpec = PLAIN
    """What the network's convolutions convolve with."""
    dims: int = 2
    """Number of axes of the map."""
    sums: int = 0
    """Branches that were added to the block's input since the shape changed last, that of the
    changing block included; 0 in a block without an operation that reads it."""
    inner: tuple[int | str, ...] = ()
    """Widths of the operations of ``width: inner``: one for all, or one for each."""

    @property
    def choices(self) -> Choices:
        """What an operation takes that says nothing itself."""
        return Choices(self.norm, self.activation, self.convolution, self.sums)

    @property
    def without_channels(self) -> Site:
        """The same for blocks of all channels."""
        shape = 1, 1, 1, self.stride, self.dilations, False
        choices = self.norm, self.activation, False, False, self.convolution, self.dims, self.sums
        return _new(Site, (*shape, *choices, ()))

    @property
    def point(self) -> tuple[int, ...]:
        """The size of a map of one position."""
        return (1,) * self.dims

    @property
    def keeps_shape(self) -> bool:
        """Whether the block puts out what it takes in: the same channels, the same size."""
        return self.stride == 1 and self.in_channels == self.out_channels

    @classmethod
    def of_end(
        cls,
        channels: int,
        norm: NormSpec,
        activation: Activation,
        convolution: ConvolutionSpec = PLAIN,
        dims: int = 2,
    ) -> Site:
        """The site of a stem, or of what follows the last stage, which takes ``channels``."""
        bare = not norm.layer
        shape = channels, channels, channels, 1, UNDILATED, False
        return cls(*shape, norm, activation, not bare, bare, convolution, dims)

    @property
    def bias(self) -> bool:
        """Whether a convolution of which nothing is said carries a bias: in networks without
        norms."""
        return not self.norm.layer
