"""The fields of a network, and the short forms in which a file may write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .activation import Activation
from .base import MAX_STAGES, Channels, Spec, Version
from .block import AnyBlock
from .blocks import BasicSpec
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

    resforge: Version
    """Version of the language."""
    name: Annotated[str, Field(max_length=200)] = ""
    """A label for people; not part of the network's identity."""
    in_channels: Channels = 3
    """Channels of the input picture."""
    stem: AnyStem = Conv7x7StemSpec()
    """What stands before the first stage: a kind, or its operations in a list."""
    stages: Annotated[
        tuple[StageSpec, ...], Field(strict=False, min_length=1, max_length=MAX_STAGES)
    ]
    """Runs of blocks at one width each, first to last."""
    block: AnyBlock = BasicSpec()
    """The block of every stage that names none of its own."""
    shortcut: ShortcutRule = ShortcutPairSpec()
    """The shortcut of every stage that names none of its own."""
    norm: NormSpec = BatchNormSpec()
    """The norm of every part that names none of its own."""
    activation: Activation = "relu"
    """The activation of every part that names none of its own."""
    stochastic_depth: StochasticDepth | None = None
    """Whether residual branches are left out at random while training."""
    closing: Chain | None = None
    """What follows the last stage, before the head; null: as the last block asks, which is
    nothing but for blocks that activate their input."""
    head: AnyHead | None = ClassifierSpec()
    """What follows the last stage; null for a backbone that returns its feature map."""
    init: InitSpec = InitSpec()
    """How fresh weights are drawn."""

    @property
    def stem_site(self) -> Site:
        """What the operations of the stem may depend on."""
        return Site.of_end(self.in_channels, self.norm, self.activation)
