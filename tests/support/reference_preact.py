"""Pre-activation ResNets as people write them by hand: what ours must equal.

Nothing here uses resforge. He et al. 2016, Identity Mappings (arXiv 1603.05027), Figure 4e: norm
and activation before each convolution; a block that changes the shape shares the first of them
with its shortcut, a bare 1x1 convolution, as in the authors' resnet-1k-layers. The network's first
activation comes right after its first convolution, its last one after the last sum (the paper's
appendix).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn


class PreActBlock(nn.Module):
    """3x3(relu(bn(3x3(relu(bn(x)))))) + x; the first block of a network has no `bn1`."""

    expansion = 1

    def __init__(
        self, in_planes: int, planes: int, stride: int, first: bool, shortcut: nn.Module | None
    ) -> None:
        super().__init__()
        self.bn1 = None if first else nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        out = x if self.bn1 is None else F.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(out)
        out = self.conv1(out)
        out = self.conv2(F.relu(self.bn2(out)))
        y: Tensor = out + shortcut
        return y


class PreActBottleneck(nn.Module):
    """1x1, 3x3, 1x1; `stride_on` says which of the first two strides."""

    expansion = 4

    def __init__(
        self,
        in_planes: int,
        planes: int,
        stride: int,
        first: bool,
        shortcut: nn.Module | None,
        stride_on: Literal["conv1", "conv2"] = "conv2",
    ) -> None:
        super().__init__()
        stride1, stride2 = (stride, 1) if stride_on == "conv1" else (1, stride)
        self.bn1 = None if first else nn.BatchNorm2d(in_planes)
        self.conv1 = nn.Conv2d(in_planes, planes, 1, stride1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride2, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * 4, 1, bias=False)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        out = x if self.bn1 is None else F.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(out)
        out = self.conv1(out)
        out = self.conv2(F.relu(self.bn2(out)))
        out = self.conv3(F.relu(self.bn3(out)))
        y: Tensor = out + shortcut
        return y


class ZeroPad(nn.Module):
    """Option A: every second pixel, then channels of zeros."""

    def __init__(self, in_planes: int, planes: int, stride: int) -> None:
        super().__init__()
        self.extra, self.stride = planes - in_planes, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra))


class ReferencePreActResNet(nn.Module):
    """An ImageNet network of four stages from 64 channels, or a CIFAR one of three from 16."""

    def __init__(
        self,
        block: Literal["basic", "bottleneck"],
        depths: Sequence[int],
        *,
        stride_on: Literal["conv1", "conv2"] = "conv2",
        option: Literal["A", "B"] = "B",
    ) -> None:
        super().__init__()
        cifar = len(depths) == 3
        width, num_classes = (16, 10) if cifar else (64, 1000)
        self.conv1 = nn.Conv2d(3, width, *((3, 1, 1) if cifar else (7, 2, 3)), bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.pool = nn.Identity() if cifar else nn.MaxPool2d(3, 2, 1)
        self.layers = nn.ModuleList()
        in_planes = width
        for number, depth in enumerate(depths):
            layer = nn.Sequential()
            for index in range(depth):
                planes, stride = width * 2**number, 2 if number and index == 0 else 1
                out_planes = planes * (1 if block == "basic" else 4)
                shortcut: nn.Module | None = None
                if option == "A" and in_planes != out_planes:
                    shortcut = ZeroPad(in_planes, out_planes, stride)
                elif in_planes != out_planes:
                    conv = nn.Conv2d(in_planes, out_planes, 1, stride, bias=False)
                    shortcut = nn.Sequential(conv)
                first = number == index == 0
                layer.append(
                    PreActBlock(in_planes, planes, stride, first, shortcut)
                    if block == "basic"
                    else PreActBottleneck(in_planes, planes, stride, first, shortcut, stride_on)
                )
                in_planes = out_planes
            self.layers.append(layer)
        self.bn = nn.BatchNorm2d(in_planes)
        self.linear = nn.Linear(in_planes, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        for layer in self.layers:
            x = layer(x)
        x = F.relu(self.bn(x))
        scores: Tensor = self.linear(x.mean((2, 3)))
        return scores


def native_name(name: str) -> str:
    """Ours for a name above, where a norm has the number of the convolution before it.

    "layers.0.1.bn1.weight" is "layer1.1.bn0.weight".
    """
    name = re.sub(r"^layers\.(\d)\.", lambda m: f"layer{int(m[1]) + 1}.", name)
    if name.startswith("layer"):
        name = re.sub(r"\bbn(\d)", lambda m: f"bn{int(m[1]) - 1}", name)
    name = name.replace(".shortcut.", ".downsample.")
    return re.sub(r"^bn\.", "norm.", re.sub(r"^linear\.", "fc.", name))


def native_state_dict(reference: nn.Module) -> dict[str, Tensor]:
    """The state dict of a :class:`ReferencePreActResNet` under our names."""
    return {native_name(name): value for name, value in reference.state_dict().items()}
