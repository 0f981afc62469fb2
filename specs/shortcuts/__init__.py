"""The kinds of shortcuts, one file for each."""

from __future__ import annotations

from ..shortcut import SHORTCUTS
from .avg_projection import AvgProjectionSpec
from .chain import ChainShortcutSpec
from .channel_scale import ChannelScaleSpec
from .conv1x1 import Conv1x1Spec
from .dropout import DropoutShortcutSpec
from .factorized import FactorizedSpec
from .gate import GateSpec
from .identity import IdentitySpec
from .none import NoShortcutSpec
from .pair import ShortcutPairSpec, ShortcutRule, shorten_shortcut
from .projection import ProjectionSpec
from .scaled import ScaledSpec
from .wrapper import WrapperSpec
from .zero_pad import ZeroPadSpec

SHORTCUTS.add(
    IdentitySpec,
    ProjectionSpec,
    AvgProjectionSpec,
    ZeroPadSpec,
    Conv1x1Spec,
    FactorizedSpec,
    ScaledSpec,
    GateSpec,
    DropoutShortcutSpec,
    ChannelScaleSpec,
    NoShortcutSpec,
    ChainShortcutSpec,
)

__all__ = [
    "AvgProjectionSpec",
    "ChainShortcutSpec",
    "ChannelScaleSpec",
    "Conv1x1Spec",
    "DropoutShortcutSpec",
    "FactorizedSpec",
    "GateSpec",
    "IdentitySpec",
    "NoShortcutSpec",
    "ProjectionSpec",
    "ScaledSpec",
    "ShortcutPairSpec",
    "ShortcutRule",
    "WrapperSpec",
    "ZeroPadSpec",
    "shorten_shortcut",
]
