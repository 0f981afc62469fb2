"""Normalisation: batch, group, or none."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from .base import Channels, Spec, expand_kind


class BatchNormSpec(Spec):
    """Batch normalisation (Ioffe and Szegedy 2015, arXiv 1502.03167)."""

    kind: Literal["batch"] = "batch"
    eps: Annotated[float, Field(gt=0.0, le=1.0)] = 1e-5
    """Added to the variance under the square root."""
    momentum: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Weight of the new batch in the running statistics, as in PyTorch."""


class GroupNormSpec(Spec):
    """Group normalisation (Wu and He 2018, arXiv 1803.08494)."""

    kind: Literal["group"] = "group"
    groups: Channels = 32
    """Number of groups; must divide every width it meets."""
    eps: Annotated[float, Field(gt=0.0, le=1.0)] = 1e-5
    """Added to the variance under the square root."""


class NoNormSpec(Spec):
    """No normalisation: every convolution then carries a bias."""

    kind: Literal["none"] = "none"


_Kinds = Annotated[BatchNormSpec | GroupNormSpec | NoNormSpec, Field(discriminator="kind")]
NormSpec = Annotated[
    _Kinds,
    BeforeValidator(expand_kind, json_schema_input_type=Literal["batch", "group", "none"] | _Kinds),
]
