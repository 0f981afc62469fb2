"""The ResNets of "Bag of Tricks" (He et al. 2018, arXiv 1812.01187) written out plainly, under
the names of timm: what ours must equal.

Nothing here uses resforge. B has a 7x7 in its stem, C three 3x3 convolutions, D an average pool in
front of each 1x1 shortcut that strides besides. All take channel attention at the end of their
branches (SE: Hu et al. 2018, ECA: Wang et al. 2020), lose branches at random in training and can
keep a larger map by dilation. What timm does in a way of its own is so here too: the reduced widths
of `se8`, the chances of losing a branch, and the pool of a D that dilates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Attention = Literal["se", "se8", "eca"]


class SEModule(nn.Module):
    """x * sigmoid(fc2(relu(fc1(mean(x)))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        reduced = self.reduced(channels)
        self.fc1 = nn.Conv2d(channels, reduced, 1)
        self.relu = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(reduced, channels, 1)

    def reduced(self, channels: int) -> int:
        return channels // 16

    def forward(self, x: Tensor) -> Tensor:
        weights = self.fc2(self.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(weights)


class SE8Module(SEModule):
    """With reduced widths that are multiples of 8: never fewer, else the nearest."""

    def reduced(self, channels: int) -> int:
        return max(8, 8 * math.floor(channels / 16 / 8 + 0.5))


class EcaModule(nn.Module):
    """x * sigmoid(conv1d(mean(x))), over a few neighbouring channels: more for wider maps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        size = int(abs((math.log2(channels) + 1) / 2))
        size = max(3, size if size % 2 else size + 1)
        self.conv = nn.Conv1d(1, 1, size, padding=size // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.sigmoid(self.conv(x.mean((2, 3)).unsqueeze(1)))
        return x * weights.transpose(1, 2).unsqueeze(3)


ATTENTIONS: dict[Attention, type[nn.Module]] = {
    "se": SEModule,
    "se8": SE8Module,
    "eca": EcaModule,
}


class DropPath(nn.Module):
    """Each image of the batch is set to zero at `rate`, or else divided by what is left of 1."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        kept = torch.empty(len(x), 1, 1, 1, device=x.device).bernoulli_(1 - self.rate)
        return x * (kept / (1 - self.rate))


class MeanOfFour(nn.Module):
    """The mean of each pixel and its neighbours to the right, below, and both; 0 beyond the map."""

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(x, (0, 1, 0, 1)), 2, 1)


class Basic(nn.Module):
    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int,
        downsample: nn.Module | None,
        dilations: tuple[int, int],
        attention: Attention | None,
        drop_rate: float,
    ) -> None:
        super().__init__()
        first, rest = dilations
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, first, dilation=first, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, rest, dilation=rest, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.se = ATTENTIONS[attention](planes) if attention else nn.Identity()
        self.drop_path = DropPath(drop_rate)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.drop_path(self.se(self.bn2(self.conv2(out))))
        y: Tensor = self.relu(out + (x if self.downsample is None else self.downsample(x)))
        return y


class Bottleneck(nn.Module):
    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int,
        downsample: nn.Module | None,
        dilations: tuple[int, int],
        attention: Attention | None,
        drop_rate: float,
    ) -> None:
        super().__init__()
        first = dilations[0]
        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, first, dilation=first, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * 4)
        self.se = ATTENTIONS[attention](planes * 4) if attention else nn.Identity()
        self.drop_path = DropPath(drop_rate)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.drop_path(self.se(self.bn3(self.conv3(out))))
        y: Tensor = self.relu(out + (x if self.downsample is None else self.downsample(x)))
        return y


class ReferenceResNetD(nn.Module):
    """Four stages of `block`; `stem_widths` and `avg_down` make C and D of B.

    Where the map would become smaller than 1 / `output_stride` of the picture, a stage dilates
    instead of striding; its first block still looks as far as the stage before. Block l of L,
    from 0, loses its branch at l / (L - 1) of `drop_path_rate`.
    """

    def __init__(
        self,
        block: type[Basic | Bottleneck],
        depths: Sequence[int],
        *,
        stem_widths: tuple[int, int, int] | None = None,
        avg_down: bool = False,
        attention: Attention | None = None,
        output_stride: int = 32,
        drop_path_rate: float = 0.0,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        if stem_widths is None:
            self.conv1: nn.Module = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        else:
            one, two, three = stem_widths
            self.conv1 = nn.Sequential(
                nn.Conv2d(3, one, 3, 2, 1, bias=False),
                nn.BatchNorm2d(one),
                nn.ReLU(inplace=True),
                nn.Conv2d(one, two, 3, 1, 1, bias=False),
                nn.BatchNorm2d(two),
                nn.ReLU(inplace=True),
                nn.Conv2d(two, three, 3, 1, 1, bias=False),
            )
        inplanes = stem_widths[-1] if stem_widths else 64
        self.bn1 = nn.BatchNorm2d(inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        net_stride, dilation, stages, before = 4, 1, [], 0
        for number, depth in enumerate(depths):
            planes, stride = 64 * 2**number, 1 if number == 0 else 2
            outplanes = planes * block.expansion
            dilation_before = dilation
            if net_stride * stride > output_stride:
                dilation, stride = dilation * stride, 1
            net_stride *= stride
            blocks: list[nn.Module] = []
            for index in range(depth):
                downsample = None
                if stride != 1 or inplanes != outplanes:
                    downsample = _downsample(inplanes, outplanes, stride, dilation, avg_down)
                dilations = (dilation_before if index == 0 else dilation, dilation)
                rate = drop_path_rate * before / (sum(depths) - 1)
                blocks.append(
                    block(inplanes, planes, stride, downsample, dilations, attention, rate)
                )
                inplanes, stride, before = outplanes, 1, before + 1
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.fc = nn.Linear(inplanes, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        scores: Tensor = self.fc(x.mean((2, 3)))
        return scores


def _downsample(
    inplanes: int, outplanes: int, stride: int, dilation: int, avg_down: bool
) -> nn.Sequential:
    norm = nn.BatchNorm2d(outplanes)
    if not avg_down:
        return nn.Sequential(nn.Conv2d(inplanes, outplanes, 1, stride, bias=False), norm)
    pool: nn.Module = nn.Identity()
    if stride != 1:
        pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
    elif dilation != 1:
        pool = MeanOfFour()
    return nn.Sequential(pool, nn.Conv2d(inplanes, outplanes, 1, bias=False), norm)


def native_name(name: str, deep: bool) -> str:
    """Ours for a name of timm: "conv1.3.weight" is "conv2.weight" where the stem is `deep`."""
    stem = {"conv1.0": "conv1", "conv1.1": "bn1", "conv1.3": "conv2", "conv1.4": "bn2"}
    stem |= {"conv1.6": "conv3", "bn1": "bn3"}
    part = re.match(r"conv1\.\d|bn1", name)
    return stem[part[0]] + name[part.end() :] if deep and part else name


def native_state_dict(reference: nn.Module) -> dict[str, Tensor]:
    """The state dict of a :class:`ReferenceResNetD`, or of timm's, under our names."""
    state = reference.state_dict()
    deep = "conv1.0.weight" in state
    return {native_name(name, deep): value for name, value in state.items()}
