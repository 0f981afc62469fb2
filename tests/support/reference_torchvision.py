"""A ResNet written out plainly, with torchvision's names and arithmetic: what ours must equal.

Nothing here uses resforge. `deep_base` is the stem of three 3x3 convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

EXPANSION = {"basic": 1, "bottleneck": 4}


class Basic(nn.Module):
    """relu(bn(3x3(relu(bn(3x3(x))))) + x)."""

    def __init__(self, inplanes: int, planes: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        y: Tensor = self.relu(out)
        return y


class Bottleneck(nn.Module):
    """relu(bn(1x1(relu(bn(3x3(relu(bn(1x1(x)))))))) + x), the stride on the 3x3."""

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int,
        shortcut: nn.Module | None,
        groups: int = 1,
        width_per_group: int = 64,
    ) -> None:
        super().__init__()
        width = int(planes * (width_per_group / 64.0)) * groups
        self.conv1 = nn.Conv2d(inplanes, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, planes * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * 4)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        y: Tensor = self.relu(out)
        return y


class ReferenceResNet(nn.Module):
    """torchvision's ResNet: a stem, four stages (or as many as `depths` has), a classifier."""

    def __init__(
        self,
        block: Literal["basic", "bottleneck"],
        depths: Sequence[int],
        *,
        num_classes: int = 1000,
        in_channels: int = 3,
        width: int = 64,
        groups: int = 1,
        width_per_group: int = 64,
        deep_base: bool = False,
        zero_init_residual: bool = False,
    ) -> None:
        super().__init__()
        self._block, self._groups, self._width_per_group = block, groups, width_per_group
        if deep_base:
            # Registered one by one, as forks of torchvision with this stem do.
            self.conv1 = nn.Conv2d(in_channels, width, 3, 2, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.conv3 = nn.Conv2d(width, width * 2, 3, 1, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(width * 2)
        else:
            self.conv1 = nn.Conv2d(in_channels, width, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
        self.deep_base = deep_base
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inplanes = width * 2 if deep_base else width
        self.stages = [f"layer{number}" for number in range(1, len(depths) + 1)]
        for number, depth in enumerate(depths):
            planes, stride = width * 2**number, 1 if number == 0 else 2
            self.add_module(self.stages[number], self._stage(inplanes, planes, depth, stride))
            inplanes = planes * EXPANSION[block]
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(inplanes, num_classes)
        self._initialise(zero_init_residual)

    def _stage(self, inplanes: int, planes: int, depth: int, stride: int) -> nn.Sequential:
        outplanes = planes * EXPANSION[self._block]
        blocks: list[nn.Module] = []
        for index in range(depth):
            first = index == 0
            shortcut = None
            if first and (stride != 1 or inplanes != outplanes):
                shortcut = nn.Sequential(
                    nn.Conv2d(inplanes, outplanes, 1, stride, bias=False),
                    nn.BatchNorm2d(outplanes),
                )
            step = stride if first else 1
            if self._block == "basic":
                blocks.append(Basic(inplanes, planes, step, shortcut))
            else:
                grouped = (self._groups, self._width_per_group)
                blocks.append(Bottleneck(inplanes, planes, step, shortcut, *grouped))
            inplanes = outplanes
        return nn.Sequential(*blocks)

    def _initialise(self, zero_init_residual: bool) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
        if zero_init_residual:
            for module in self.modules():
                if isinstance(module, Basic):
                    nn.init.zeros_(module.bn2.weight)
                elif isinstance(module, Bottleneck):
                    nn.init.zeros_(module.bn3.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        if self.deep_base:
            x = self.relu(self.bn2(self.conv2(x)))
            x = self.relu(self.bn3(self.conv3(x)))
        x = self.maxpool(x)
        for name in self.stages:
            x = getattr(self, name)(x)
        scores: Tensor = self.fc(self.avgpool(x).flatten(1))
        return scores
