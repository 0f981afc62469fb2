"""The operations that chains are made of, one file for each."""

from __future__ import annotations

from ..operation import OPERATIONS
from .act import ActSpec
from .conv import ConvSpec
from .drop_path import DropPathSpec
from .dropout import DropoutSpec
from .eca import ECASpec
from .flatten import FlattenSpec
from .global_context import GlobalContextSpec
from .global_pool import GlobalPoolSpec
from .linear import LinearSpec
from .norm import NormOpSpec
from .pool import PoolSpec
from .scale import ScaleSpec
from .squeeze_excitation import SqueezeExcitationSpec
from .zero_pad import ZeroPadOpSpec

OPERATIONS.add(
    ConvSpec,
    NormOpSpec,
    ActSpec,
    PoolSpec,
    ZeroPadOpSpec,
    ScaleSpec,
    DropoutSpec,
    DropPathSpec,
    SqueezeExcitationSpec,
    ECASpec,
    GlobalContextSpec,
    GlobalPoolSpec,
    LinearSpec,
)

__all__ = [
    "ActSpec",
    "ConvSpec",
    "DropPathSpec",
    "DropoutSpec",
    "ECASpec",
    "FlattenSpec",
    "GlobalContextSpec",
    "GlobalPoolSpec",
    "LinearSpec",
    "NormOpSpec",
    "PoolSpec",
    "ScaleSpec",
    "SqueezeExcitationSpec",
    "ZeroPadOpSpec",
]
