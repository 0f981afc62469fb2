"""The ResNet of Dive into Deep Learning, chapter 8.6, written out plainly: what ours must equal.

Nothing here uses resforge. All convolutions are biased, the 1x1 shortcut has no norm, and the
first stage has no 1x1 shortcut at all.
"""

from __future__ import annotations

import re

import torch.nn.functional as F
from torch import Tensor, nn


class Residual(nn.Module):
    """relu(bn(3x3(relu(bn(3x3(x))))) + x), or + 1x1(x) with `use_1x1conv`."""

    def __init__(
        self, input_channels: int, num_channels: int, use_1x1conv: bool = False, strides: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            input_channels, num_channels, kernel_size=3, padding=1, stride=strides
        )
        self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1)
        self.conv3 = None
        if use_1x1conv:
            self.conv3 = nn.Conv2d(input_channels, num_channels, kernel_size=1, stride=strides)
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.bn2 = nn.BatchNorm2d(num_channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x if self.conv3 is None else self.conv3(x)
        return F.relu(y)


def resnet_block(
    input_channels: int, num_channels: int, num_residuals: int, first_block: bool = False
) -> nn.Sequential:
    """A stage: its first block halves the size and projects, except in the first stage."""
    blocks: list[nn.Module] = []
    for index in range(num_residuals):
        if index == 0 and not first_block:
            blocks.append(Residual(input_channels, num_channels, use_1x1conv=True, strides=2))
        else:
            blocks.append(Residual(num_channels, num_channels))
    return nn.Sequential(*blocks)


def reference_d2l_resnet18(in_channels: int = 1, num_classes: int = 10) -> nn.Sequential:
    """The book's ResNet-18: 11,178,378 parameters with one input channel and ten classes."""
    stem = nn.Sequential(
        nn.Conv2d(in_channels, 64, kernel_size=7, stride=2, padding=3),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
    )
    return nn.Sequential(
        stem,
        resnet_block(64, 64, 2, first_block=True),
        resnet_block(64, 128, 2),
        resnet_block(128, 256, 2),
        resnet_block(256, 512, 2),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(512, num_classes),
    )


def native_state_dict(reference: nn.Module) -> dict[str, Tensor]:
    """The state dict of a network or a block of the book, under torchvision's names."""
    return {native_name(name): value for name, value in reference.state_dict().items()}


def native_name(name: str) -> str:
    """Torchvision's name: "2.0.conv3.bias" becomes "layer2.0.downsample.0.bias"."""
    name = re.sub(r"^0\.0\.", "conv1.", name)
    name = re.sub(r"^0\.1\.", "bn1.", name)
    name = re.sub(r"^7\.", "fc.", name)
    name = re.sub(r"^([1-4])\.", r"layer\1.", name)
    return re.sub(r"\bconv3\.", "downsample.0.", name)
