"""What a network is: specs, their text, the catalogue, and the plan. Never imports torch."""

from .activation import ACTIVATIONS
from .block import BasicSpec, BlockSpec, BottleneckSpec, D2LSpec
from .catalogue import list_specs
from .diff import Change, diff
from .errors import BuildError, Fault, ResforgeError, SpecError, StoreError
from .head import ClassifierSpec
from .init import InitSpec
from .load import load, loads
from .network import ResNetSpec, ResolvedBlock
from .norm import BatchNormSpec, GroupNormSpec, NoNormSpec, NormSpec
from .plan import BlockPlan, Feature, Plan, plan
from .shortcut import (
    IdentitySpec,
    NoShortcutSpec,
    ProjectionSpec,
    ShortcutPairSpec,
    ZeroPadSpec,
)
from .stage import BlockEntrySpec, StageSpec
from .stem import Conv3x3StemSpec, Conv7x7StemSpec, DeepBaseStemSpec
from .trace import Layer, Trace

__all__ = [
    "ACTIVATIONS",
    "BasicSpec",
    "BatchNormSpec",
    "BlockEntrySpec",
    "BlockPlan",
    "BlockSpec",
    "BottleneckSpec",
    "BuildError",
    "Change",
    "ClassifierSpec",
    "Conv3x3StemSpec",
    "Conv7x7StemSpec",
    "D2LSpec",
    "DeepBaseStemSpec",
    "Fault",
    "Feature",
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
    "ShortcutPairSpec",
    "SpecError",
    "StageSpec",
    "StoreError",
    "Trace",
    "ZeroPadSpec",
    "diff",
    "list_specs",
    "load",
    "loads",
    "plan",
]
