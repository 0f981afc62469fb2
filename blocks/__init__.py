"""What a network is made of: `nn.Module`s with plain arguments, usable without any spec."""

from __future__ import annotations

from .basic import BasicBlock
from .bottleneck import Bottleneck
from .head import Classifier
from .layers import Activation, NoNorm, Norm, conv_norm, make_activation
from .network import ResNet
from .residual import Residual
from .residual_block import ResidualBlock, ShortcutArgument, fit_shortcut
from .shortcut import Identity, NoShortcut, Projection, Shortcut
from .stem import Conv3x3Stem, Conv7x7Stem, DeepStem
from .zero_pad import ZeroPad

__all__ = [
    "Activation",
    "BasicBlock",
    "Bottleneck",
    "Classifier",
    "Conv3x3Stem",
    "Conv7x7Stem",
    "DeepStem",
    "Identity",
    "NoNorm",
    "NoShortcut",
    "Norm",
    "Projection",
    "ResNet",
    "Residual",
    "ResidualBlock",
    "Shortcut",
    "ShortcutArgument",
    "ZeroPad",
    "conv_norm",
    "fit_shortcut",
    "make_activation",
]
