"""The Residual block of d2l.ai."""

from __future__ import annotations

from typing import ClassVar, Literal

from ..block import RELU, BlockSpec, Chains
from ..operations import ActSpec, ConvSpec, NormOpSpec
from ..site import Site

_CHAINS = Chains(
    (),
    (
        ("conv1", ConvSpec(kernel=3, stride="block", bias=True)),
        ("bn1", NormOpSpec()),
        ("relu1", ActSpec()),
        ("conv2", ConvSpec(kernel=3, bias=True)),
        ("bn2", NormOpSpec()),
    ),
    RELU,
)


class D2LSpec(BlockSpec):
    """F(x) = two biased 3x3 convolutions; a projection is biased too, and has no norm.

    The Residual class of Zhang et al., Dive into Deep Learning, section 8.6.
    """

    colour: ClassVar[str | None] = "amber"
    class_name: ClassVar[str] = "Residual"
    branch_words: ClassVar[str] = "3x3, 3x3, biased"
    source: ClassVar[str] = "Zhang et al., Dive into Deep Learning, section 8.6"
    self_validating: ClassVar[bool] = True

    kind: Literal["d2l"] = "d2l"

    def chains(self, site: Site, shared: bool) -> Chains:
        return _CHAINS

    @property
    def projection_norm(self) -> bool:
        return False

    def projection_bias(self, bare: bool) -> bool:
        return True
