"""What a network is made of: `nn.Module`s with plain arguments, usable without any spec."""

from __future__ import annotations

from .attention import ECA, GlobalContext, SqueezeExcitation
from .basic import BasicBlock
from .bottleneck import Bottleneck
from .channel_scale import ChannelScale
from .dropout import DropoutShortcut
from .frozen import FrozenBatchNorm2d, freeze_norm
from .gate import Gate
from .head import Classifier
from .layers import Activation, NoNorm, Norm, conv_norm, make_activation
from .network import ResNet
from .ordered_block import Attention, Order, OrderedBlock, ShortcutInput
from .projection import AvgProjection, Projection
from .residual import Residual
from .residual_block import ResidualBlock, ShortcutArgument, as_shortcut, fit_shortcut
from .same_avg_pool import SameAvgPool2d
from .scaled import Scaled
from .shortcut import Identity, NoShortcut, Shortcut, ShortcutPath
from .stem import Conv3x3Stem, Conv7x7Stem, DeepStem
from .stochastic_depth import StochasticDepth
from .wrapper import ShortcutWrapper
from .zero_pad import ZeroPad

__all__ = [
    "ECA",
    "Activation",
    "Attention",
    "AvgProjection",
    "BasicBlock",
    "Bottleneck",
    "ChannelScale",
    "Classifier",
    "Conv3x3Stem",
    "Conv7x7Stem",
    "DeepStem",
    "DropoutShortcut",
    "FrozenBatchNorm2d",
    "Gate",
    "GlobalContext",
    "Identity",
    "NoNorm",
    "NoShortcut",
    "Norm",
    "Order",
    "OrderedBlock",
    "Projection",
    "ResNet",
    "Residual",
    "ResidualBlock",
    "SameAvgPool2d",
    "Scaled",
    "Shortcut",
    "ShortcutArgument",
    "ShortcutInput",
    "ShortcutPath",
    "ShortcutWrapper",
    "SqueezeExcitation",
    "StochasticDepth",
    "ZeroPad",
    "as_shortcut",
    "conv_norm",
    "fit_shortcut",
    "freeze_norm",
    "make_activation",
]
