"""A block kind of your own: the inverted residual of MobileNetV2, known to files from here on.

Sandler et al. 2018 (arXiv 1801.04381), Figure 3b: 1x1 to more channels, 3x3 on each channel
alone, 1x1 back, and no activation after the last.

    python examples/custom_block.py
"""

from typing import Literal

import resforge as rf
import torch
from pydantic import Field
from resforge.blocks import ResidualBlock, conv_norm, fit_shortcut, make_activation
from resforge.specs import BlockPlan, BlockSpec, NormSpec, Trace
from torch import Tensor, nn


class InvertedSpec(BlockSpec):
    """The words a file can use, and the layers they stand for."""

    kind: Literal["inverted"] = "inverted"
    factor: int = Field(default=6, ge=1, le=64)

    def lay(self, trace: Trace, width: int, stride: int, norm: NormSpec) -> None:
        inner, bias = trace.channels * self.factor, self.bias(norm)
        trace.conv("conv1", inner, bias=bias)
        trace.norm("bn1", norm)
        trace.conv("conv2", inner, 3, stride, groups=inner, bias=bias)
        trace.norm("bn2", norm)
        trace.conv("conv3", width, bias=bias)
        trace.norm("bn3", norm)


class Inverted(ResidualBlock):
    """y = F(x) + S(x), F = 1x1 up, 3x3 depthwise, 1x1 down."""

    def __init__(self, in_channels, out_channels, inner, stride, shortcut, norm, activation):
        super().__init__()
        self.conv1, self.bn1 = conv_norm(in_channels, inner, 1, norm=norm)
        self.relu1 = make_activation(activation)
        self.conv2, self.bn2 = conv_norm(inner, inner, 3, stride=stride, groups=inner, norm=norm)
        self.relu2 = make_activation(activation)
        self.conv3, self.bn3 = conv_norm(inner, out_channels, 1, norm=norm)
        self.downsample = fit_shortcut(shortcut, in_channels, out_channels, stride)
        self.relu = nn.Identity()

    def transform(self, x: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(x)))
        x = self.relu2(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))


def make_inverted(block: BlockPlan, *, shortcut, norm, activation) -> nn.Module:
    inner = block.layer("conv1").out_channels
    sizes = (block.in_channels, block.out_channels, inner, block.stride)
    return Inverted(*sizes, shortcut, norm, activation)


rf.register(InvertedSpec, make_inverted)

spec = rf.loads("""
resforge: 1
name: small_inverted
stem: {kind: conv3x3, width: 16}
stages:
  - {depth: 2, width: 24, stride: 2}
  - {depth: 3, width: 32, stride: 2, block: {kind: inverted, factor: 4}}
block: inverted
shortcut: {match: identity, change: none}
activation: relu6
head: {num_classes: 10}
""")
plan = rf.plan(spec, input_size=32)
model = rf.build(spec)
assert plan.params == sum(parameter.numel() for parameter in model.parameters())
print(f"{plan.params:,} parameters, {plan.macs:,} MACs")
print(model(torch.randn(2, 3, 32, 32)).shape)
