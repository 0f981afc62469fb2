"""What a network is made of: `nn.Module`s with plain arguments, usable without any spec."""

from __future__ import annotations

from .affine import ChannelShift, Multiply, Scale, Shift
from .attention import ECA, GlobalContext, SqueezeExcitation
from .attention_pool import AttentionPool2d
from .bam import BAM
from .basic import BasicBlock
from .bilinear import BilinearAttention
from .blur_pool import BlurPool2d
from .bottleneck import Bottleneck
from .cbam import CBAM
from .channel_scale import ChannelScale
from .dropout import DropoutShortcut
from .evonorm import EvoNormB0, EvoNormS0
from .freezing import freeze
from .frozen import FrozenBatchNorm1d, FrozenBatchNorm2d, FrozenBatchNorm3d, freeze_norm
from .gate import Gate
from .global_pool import AvgMaxPool, CatAvgMaxPool
from .head import Classifier
from .layers import Activation, NoNorm, Norm, conv_norm, make_activation
from .network import ResNet
from .ordered_block import Attention, Order, OrderedBlock, ShortcutInput
from .parallel import Parallel
from .projection import AvgProjection, Projection
from .res2net import Res2Net
from .residual import Residual
from .residual_block import ResidualBlock, ShortcutArgument, as_shortcut, fit_shortcut
from .response_norm import FilterResponseNorm
from .same_conv import (
    SameConv1d,
    SameConv2d,
    SameConv3d,
    SameScaledStandardizedConv2d,
    SameStandardizedConv2d,
)
from .same_padding import same_padding
from .same_pool import SameAvgPool, SameAvgPool2d, SameMaxPool
from .scaled import Scaled
from .selective_kernel import SelectiveKernel
from .shortcut import Identity, NoShortcut, Shortcut, ShortcutPath
from .split_attention import SplitAttention
from .standardized import ScaledStandardizedConv2d, StandardizedConv2d
from .stem import Conv3x3Stem, Conv7x7Stem, DeepStem
from .stochastic_depth import StochasticDepth
from .translate import Translate
from .wrapper import ShortcutWrapper
from .zero_pad import ZeroPad

__all__ = [
    "BAM",
    "CBAM",
    "ECA",
    "Activation",
    "Attention",
    "AttentionPool2d",
    "AvgMaxPool",
    "AvgProjection",
    "BasicBlock",
    "BilinearAttention",
    "BlurPool2d",
    "Bottleneck",
    "CatAvgMaxPool",
    "ChannelScale",
    "ChannelShift",
    "Classifier",
    "Conv3x3Stem",
    "Conv7x7Stem",
    "DeepStem",
    "DropoutShortcut",
    "EvoNormB0",
    "EvoNormS0",
    "FilterResponseNorm",
    "FrozenBatchNorm1d",
    "FrozenBatchNorm2d",
    "FrozenBatchNorm3d",
    "Gate",
    "GlobalContext",
    "Identity",
    "Multiply",
    "NoNorm",
    "NoShortcut",
    "Norm",
    "Order",
    "OrderedBlock",
    "Parallel",
    "Projection",
    "Res2Net",
    "ResNet",
    "Residual",
    "ResidualBlock",
    "SameAvgPool",
    "SameAvgPool2d",
    "SameConv1d",
    "SameConv2d",
    "SameConv3d",
    "SameMaxPool",
    "SameScaledStandardizedConv2d",
    "SameStandardizedConv2d",
    "Scale",
    "Scaled",
    "ScaledStandardizedConv2d",
    "SelectiveKernel",
    "Shift",
    "Shortcut",
    "ShortcutArgument",
    "ShortcutInput",
    "ShortcutPath",
    "ShortcutWrapper",
    "SplitAttention",
    "SqueezeExcitation",
    "StandardizedConv2d",
    "StochasticDepth",
    "Translate",
    "ZeroPad",
    "as_shortcut",
    "conv_norm",
    "fit_shortcut",
    "freeze",
    "freeze_norm",
    "make_activation",
    "same_padding",
]
