"""What a network is: specs, their text, the catalogue, and the plan. Never imports torch."""

from ..errors import BuildError, Fault, ResforgeError, SpecError, StoreError
from .activation import ACTIVATIONS
from .attention import ECASpec, SqueezeExcitationSpec
from .block import BasicSpec, BlockSpec, BottleneckSpec, D2LSpec, XSpec
from .catalogue import list_specs
from .head import ClassifierSpec
from .init import InitSpec
from .network import ResNetSpec, ResolvedBlock
from .norm import BatchNormSpec, GroupNormSpec, NoNormSpec, NormSpec
from .plan import BlockPlan, Feature, Plan, plan
from .shortcut import (
    AvgProjectionSpec,
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
from .stage import BlockEntrySpec, StageSpec
from .stem import Conv3x3StemSpec, Conv7x7StemSpec, DeepBaseStemSpec
from .stochastic_depth import StochasticDepthSpec
from .trace import Layer, Trace

__all__ = [
    "ACTIVATIONS",
    "AvgProjectionSpec",
    "BasicSpec",
    "BatchNormSpec",
    "BlockEntrySpec",
    "BlockPlan",
    "BlockSpec",
    "BottleneckSpec",
    "BuildError",
    "ClassifierSpec",
    "Conv1x1Spec",
    "Conv3x3StemSpec",
    "Conv7x7StemSpec",
    "D2LSpec",
    "DeepBaseStemSpec",
    "DropoutShortcutSpec",
    "ECASpec",
    "Fault",
    "Feature",
    "GateSpec",
    "GroupNormSpec",
    "IdentitySpec",
    "InitSpec",
    "Layer",
    "NoNormSpec",
    "NoShortcutSpec",
    "NormSpec",
    "Plan",
    "ProjectionSpec",
    "ResNetSpec",
    "ResforgeError",
    "ResolvedBlock",
    "ScaledSpec",
    "ShortcutPairSpec",
    "SpecError",
    "SqueezeExcitationSpec",
    "StageSpec",
    "StochasticDepthSpec",
    "StoreError",
    "Trace",
    "XSpec",
    "ZeroPadSpec",
    "list_specs",
    "plan",
]
