"""What a network is: operations, words, the network and its catalogue. Never imports torch."""

from ..errors import BuildError, Fault, ResforgeError, SpecError, StoreError
from .activation import ACTIVATIONS
from .attention import AttentionSpec
from .block import BLOCKS, BlockSpec, Chains
from .blocks import BasicSpec, BottleneckSpec, ChainBlockSpec, D2LSpec, XSpec
from .call import Call, ChannelCount, call
from .catalogue import list_specs
from .convolution import (
    ConvolutionSpec,
    PlainConvolutionSpec,
    ScaledStandardizedSpec,
    StandardizedSpec,
)
from .head import HEADS, HeadSpec
from .heads import ChainHeadSpec, ClassifierSpec
from .init import InitSpec
from .layer import Layer, Module
from .layout import BlockPlan
from .network import ResNetSpec
from .norm import BatchNormSpec, GroupNormSpec, NoNormSpec, NormSpec
from .operation import OPERATIONS, Operation, Steps
from .operations import BAMSpec, CBAMSpec, ECASpec, GlobalContextSpec, SqueezeExcitationSpec
from .resolve import ResolvedBlock
from .shortcut import SHORTCUTS, ShortcutSpec
from .shortcuts import (
    AvgProjectionSpec,
    ChainShortcutSpec,
    ChannelScaleSpec,
    Conv1x1Spec,
    DropoutShortcutSpec,
    GateSpec,
    IdentitySpec,
    NoShortcutSpec,
    ProjectionSpec,
    ScaledSpec,
    ShortcutPairSpec,
    ZeroPadSpec,
)
from .site import Site
from .stage import BlockEntrySpec, StageSpec
from .stem import STEMS, StemSpec
from .stems import (
    ChainStemSpec,
    Conv3x3StemSpec,
    Conv7x7StemSpec,
    DeepBaseStemSpec,
    PatchifyStemSpec,
)
from .stochastic_depth import StochasticDepthSpec
from .trace import Trace

__all__ = [
    "ACTIVATIONS",
    "BLOCKS",
    "HEADS",
    "OPERATIONS",
    "SHORTCUTS",
    "STEMS",
    "AttentionSpec",
    "AvgProjectionSpec",
    "BAMSpec",
    "BasicSpec",
    "BatchNormSpec",
    "BlockEntrySpec",
    "BlockPlan",
    "BlockSpec",
    "BottleneckSpec",
    "BuildError",
    "CBAMSpec",
    "Call",
    "ChainBlockSpec",
    "ChainHeadSpec",
    "ChainShortcutSpec",
    "ChainStemSpec",
    "Chains",
    "ChannelCount",
    "ChannelScaleSpec",
    "ClassifierSpec",
    "Conv1x1Spec",
    "Conv3x3StemSpec",
    "Conv7x7StemSpec",
    "ConvolutionSpec",
    "D2LSpec",
    "DeepBaseStemSpec",
    "DropoutShortcutSpec",
    "ECASpec",
    "Fault",
    "GateSpec",
    "GlobalContextSpec",
    "GroupNormSpec",
    "HeadSpec",
    "IdentitySpec",
    "InitSpec",
    "Layer",
    "Module",
    "NoNormSpec",
    "NoShortcutSpec",
    "NormSpec",
    "Operation",
    "PatchifyStemSpec",
    "PlainConvolutionSpec",
    "ProjectionSpec",
    "ResNetSpec",
    "ResforgeError",
    "ResolvedBlock",
    "ScaledSpec",
    "ScaledStandardizedSpec",
    "ShortcutPairSpec",
    "ShortcutSpec",
    "Site",
    "SpecError",
    "SqueezeExcitationSpec",
    "StageSpec",
    "StandardizedSpec",
    "StemSpec",
    "Steps",
    "StochasticDepthSpec",
    "StoreError",
    "Trace",
    "XSpec",
    "ZeroPadSpec",
    "call",
    "list_specs",
]
