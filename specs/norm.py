"""Normalisation: batch, group, those that are an activation too, or none."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from .base import Channels, Spec, expand_kind

Eps = Annotated[float, Field(gt=0.0, le=1.0)]
Momentum = Annotated[float, Field(gt=0.0, le=1.0)]


class Normalisation(Spec):
    """Base of the norms."""

    #: The kind of its layer in a plan; empty for none.
    layer: ClassVar[str] = ""
    #: The tensors, one number for each channel, with which it is an activation too: where an
    #: activation follows that names no function, the norm is both.
    activating: ClassVar[tuple[str, ...]] = ()

    def groups_of(self, channels: int) -> int:
        """The number of groups that so many channels are normalised in; 1 where it has none."""
        return 1

    def numbers(self, activated: bool = False) -> int:
        """Learnable numbers for each channel; those of its activation are among them where it is
        ``activated``.

        >>> BatchNormSpec().numbers(), NoNormSpec().numbers(), EvoNormB0Spec().numbers(True)
        (2, 0, 3)
        """
        if not self.layer:
            return 0
        return 2 + len(self.activating) if activated else 2

    def identity(self, channels: int) -> dict[str, Any]:
        """What it means for the identity of a network, on so many channels."""
        return self.differing()


class GroupedNorm(Normalisation):
    """Base of the norms over groups of channels."""

    groups: Channels = 32
    """Number of groups; must divide every width it meets."""
    size: Channels | None = None
    """Channels of each group, instead of a number of groups. Left out: `groups` says it."""
    eps: Eps = 1e-5
    """Added to the variance under the square root."""

    @model_validator(mode="after")
    def _say_it_once(self) -> Self:
        if self.size is not None and self.groups != 32:
            raise PydanticCustomError(
                "conflict",
                "'groups' and 'size' exclude each other",
                {"help": "leave one of them out"},
            )
        return self

    def groups_of(self, channels: int) -> int:
        """The number of groups; 0 where they do not divide the channels.

        >>> GroupNormSpec(groups=4).groups_of(64), GroupNormSpec(size=4).groups_of(64)
        (4, 16)
        """
        groups = self.groups if self.size is None else channels // self.size
        return groups if groups and channels % (self.size or groups) == 0 else 0

    def identity(self, channels: int) -> dict[str, Any]:
        fields = self.differing("eps")
        groups = self.groups_of(channels) or self.groups
        return fields if groups == 32 else {**fields, "groups": groups}


class BatchNormSpec(Normalisation):
    """Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167)."""

    layer: ClassVar[str] = "batch_norm"

    kind: Literal["batch"] = "batch"
    eps: Eps = 1e-5
    """Added to the variance under the square root."""
    momentum: Momentum = 0.1
    """Weight of the new batch in the running statistics, as in PyTorch."""


class GroupNormSpec(GroupedNorm):
    """Group normalisation (Wu and He 2018, arXiv 1803.08494)."""

    layer: ClassVar[str] = "group_norm"

    kind: Literal["group"] = "group"


class EvoNormB0Spec(Normalisation):
    """EvoNorm-B0, over the batch (Liu et al. 2020, arXiv 2004.02967, table 2)."""

    layer: ClassVar[str] = "evo_batch_norm"
    activating: ClassVar[tuple[str, ...]] = ("v",)

    kind: Literal["evonorm_b0"] = "evonorm_b0"
    eps: Eps = 1e-3
    """Added to the variances under the square roots."""
    momentum: Momentum = 0.1
    """Weight of the new batch in the running variance."""


class EvoNormS0Spec(GroupedNorm):
    """EvoNorm-S0, over groups of channels (Liu et al. 2020, arXiv 2004.02967, table 2)."""

    layer: ClassVar[str] = "evo_norm"
    activating: ClassVar[tuple[str, ...]] = ("v",)

    kind: Literal["evonorm_s0"] = "evonorm_s0"


class FilterResponseSpec(Normalisation):
    """Filter response normalisation (Singh and Krishnan 2020, arXiv 1911.09737)."""

    layer: ClassVar[str] = "response_norm"
    activating: ClassVar[tuple[str, ...]] = ("tau",)

    kind: Literal["filter_response"] = "filter_response"
    eps: Eps = 1e-5
    """Added to the mean square under the square root; 1e-6 in the paper."""


class NoNormSpec(Normalisation):
    """No normalisation: every convolution then carries a bias."""

    kind: Literal["none"] = "none"


_Kinds = Annotated[
    BatchNormSpec | GroupNormSpec | EvoNormB0Spec | EvoNormS0Spec | FilterResponseSpec | NoNormSpec,
    Field(discriminator="kind"),
]
NormKind = Literal["batch", "group", "evonorm_b0", "evonorm_s0", "filter_response", "none"]
NormSpec = Annotated[_Kinds, BeforeValidator(expand_kind, json_schema_input_type=NormKind | _Kinds)]
