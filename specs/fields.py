"""The fields of a network, and the short forms in which a file may write them."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field

from .activation import Activation
from .base import MAX_STAGES, Channels, Spec, Version, Whole, keep, kept
from .block import AnyBlock
from .blocks import BasicSpec
from .convolution import PLAIN, ConvolutionSpec
from .head import AnyHead
from .heads import ClassifierSpec
from .init import InitSpec
from .norm import BatchNormSpec, NormSpec
from .operation import Chain
from .shortcuts import ShortcutPairSpec, ShortcutRule
from .site import Site
from .stage import StageSpec
from .stem import AnyStem
from .stems import Conv7x7StemSpec
from .stochastic_depth import StochasticDepth


class NetworkFields(Spec):
    """Stem, stages and head of a residual network, with what they share."""

    __slots__ = ("_frame", "_runs")

    resforge: Version
    """Version of the language."""
    name: Annotated[str, Field(max_length=200)] = ""
    """A label for people; not part of the network's identity."""
    dims: Annotated[Literal[1, 2, 3], Whole] = 2
    """Number of axes: 1 for signals, 2 for pictures, 3 for volumes and video. Kernels and strides
    may be lists with a number for each axis."""
    in_channels: Channels = 3
    """Channels of the input picture."""
    stem: AnyStem = Conv7x7StemSpec.usual()
    """The layers before the first stage: a kind, or a list of operations."""
    stages: Annotated[
        tuple[StageSpec, ...], Field(strict=False, min_length=1, max_length=MAX_STAGES)
    ]
    """Runs of blocks at one width each, first to last."""
    block: AnyBlock = BasicSpec.usual()
    """The block of every stage without one of its own."""
    shortcut: Annotated[ShortcutRule, Field(json_schema_extra={"default": "projection"})] = (
        ShortcutPairSpec.usual()
    )
    """The shortcut of every stage without one of its own."""
    norm: NormSpec = BatchNormSpec()
    """The norm of every part without one of its own."""
    activation: Activation = "relu"
    """The activation of every part without one of its own."""
    convolution: ConvolutionSpec = PLAIN
    """What every convolution without one of its own convolves with: its weight, or that
    standardised."""
    stochastic_depth: StochasticDepth | None = None
    """Dropping of residual branches at random while training: a rate, or a mapping."""
    closing: Chain | None = None
    """Operations between the last stage and the head. Left out: none, but a norm and an activation
    after a last block of `full_pre`, an activation after one of `relu_only_pre`."""
    head: AnyHead | None = ClassifierSpec()
    """The layers after the last stage: a kind, or a list of operations; `null` for a network that
    returns the last stage's map."""
    init: InitSpec = InitSpec()
    """Initial values of the weights."""

    @property
    @kept("_frame")
    def frame(self) -> Frame:
        """All of the network but its stages and its name."""
        fields = self.__dict__
        return _frame(*[fields[name] for name in _FRAME])

    def with_stages(self, stages: tuple[StageSpec, ...]) -> Self:
        """The network with other stages."""
        found = self.with_values({"stages": stages})
        keep(found, "_frame", self.frame)
        return found

    @property
    def stem_site(self) -> Site:
        """What the operations of the stem may depend on."""
        return self.frame.stem_site

    def end_site(self, channels: int) -> Site:
        """What the operations of a stem, closing or head that takes ``channels`` may depend on."""
        return self.frame.end_site(channels)

    @property
    def point(self) -> tuple[int, ...]:
        """The size of a map of one position."""
        return (1,) * self.dims


class Frame:
    """All of a network but its stages and its name: what networks share that differ in these.

    Compared by identity, which is much faster where parts are looked up: equal ones are one.
    """

    def __init__(self, *values: Any) -> None:
        # A spec whose one stage stands for any.
        self.spec = NetworkFields.model_construct(**dict(zip(_FRAME, values, strict=True)))
        keep(self.spec, "_frame", self)
        self.stem_site = self.end_site(self.spec.in_channels)

    @cached_property
    def stem_channels(self) -> int:
        """Channels that the stem puts out."""
        return self.spec.stem.channels(self.stem_site)

    def end_site(self, channels: int) -> Site:
        """What the operations of a stem, closing or head that takes ``channels`` may depend on."""
        spec = self.spec
        return Site.of_end(channels, spec.norm, spec.activation, spec.convolution, spec.dims)


_FRAME: Final = tuple(
    name for name in NetworkFields.model_fields if name not in ("resforge", "name", "stages")
)
_frame: Final = lru_cache(1024)(Frame)
