"""The operations that chains are made of, one file for each."""

from __future__ import annotations

from ..operation import OPERATIONS
from .act import ActSpec
from .attention_pool import AttentionPoolSpec
from .bam import BAMSpec
from .bilinear import BilinearAttentionSpec
from .blur import BlurSpec
from .cbam import CBAMSpec
from .conv import ConvSpec
from .conv2plus1d import Conv2Plus1dSpec
from .drop_path import DropPathSpec
from .dropout import DropoutSpec
from .eca import ECASpec
from .flatten import FlattenMapSpec, FlattenSpec
from .global_context import GlobalContextSpec
from .global_pool import GlobalPoolSpec
from .linear import LinearSpec
from .multiply import MultiplySpec
from .norm import NormOpSpec
from .parallel import ParallelSpec
from .pool import PoolSpec
from .res2net import Res2NetSpec
from .scale import ScaleSpec
from .selective_kernel import SelectiveKernelSpec
from .shift import ShiftSpec
from .split_attention import SplitAttentionSpec
from .squeeze_excitation import SqueezeExcitationSpec
from .translate import TranslateSpec
from .variance import VarianceSpec
from .zero_pad import ZeroPadOpSpec

OPERATIONS.add(
    ConvSpec,
    Conv2Plus1dSpec,
    NormOpSpec,
    ActSpec,
    PoolSpec,
    BlurSpec,
    Res2NetSpec,
    SelectiveKernelSpec,
    SplitAttentionSpec,
    ParallelSpec,
    TranslateSpec,
    ZeroPadOpSpec,
    ScaleSpec,
    ShiftSpec,
    MultiplySpec,
    VarianceSpec,
    DropoutSpec,
    DropPathSpec,
    SqueezeExcitationSpec,
    ECASpec,
    GlobalContextSpec,
    CBAMSpec,
    BAMSpec,
    BilinearAttentionSpec,
    GlobalPoolSpec,
    AttentionPoolSpec,
    FlattenMapSpec,
    LinearSpec,
)

__all__ = [
    "ActSpec",
    "AttentionPoolSpec",
    "BAMSpec",
    "BilinearAttentionSpec",
    "BlurSpec",
    "CBAMSpec",
    "Conv2Plus1dSpec",
    "ConvSpec",
    "DropPathSpec",
    "DropoutSpec",
    "ECASpec",
    "FlattenMapSpec",
    "FlattenSpec",
    "GlobalContextSpec",
    "GlobalPoolSpec",
    "LinearSpec",
    "MultiplySpec",
    "NormOpSpec",
    "ParallelSpec",
    "PoolSpec",
    "Res2NetSpec",
    "ScaleSpec",
    "SelectiveKernelSpec",
    "ShiftSpec",
    "SplitAttentionSpec",
    "SqueezeExcitationSpec",
    "TranslateSpec",
    "VarianceSpec",
    "ZeroPadOpSpec",
]
