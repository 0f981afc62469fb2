"""Small residual networks under the names that other projects give their layers.

Written out plainly, without resforge; the names were read off the projects' own networks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from reference_d2l import resnet_block
from torch import Tensor, nn


def sequence(**modules: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(modules))


class HuggingFaceLayer(nn.Module):
    """relu(layer(x) + shortcut(x)), basic or bottleneck."""

    def __init__(self, inplanes: int, outplanes: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        shapes = [(inplanes, outplanes, 3, stride), (outplanes, outplanes, 3, 1)]
        if bottleneck:
            inner = outplanes // 4
            shapes = [(inplanes, inner, 1, 1), (inner, inner, 3, stride), (inner, outplanes, 1, 1)]
        convs = []
        for number, (inside, outside, kernel, step) in enumerate(shapes, start=1):
            parts = {
                "convolution": nn.Conv2d(inside, outside, kernel, step, kernel // 2, bias=False),
                "normalization": nn.BatchNorm2d(outside),
            }
            if number < len(shapes):
                parts["activation"] = nn.ReLU()
            convs.append(sequence(**parts))
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inplanes != outplanes:
            self.shortcut = sequence(
                convolution=nn.Conv2d(inplanes, outplanes, 1, stride, bias=False),
                normalization=nn.BatchNorm2d(outplanes),
            )
        self.layer = nn.Sequential(*convs)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        y += self.shortcut(x)
        return F.relu(y)


def huggingface(
    depths: Sequence[int], *, bottleneck: bool, width: int = 8, num_classes: int = 5
) -> nn.Sequential:
    """As ``ResNetForImageClassification``: embedder, encoder and a classifier."""
    inplanes, stages = width, []
    for number, depth in enumerate(depths):
        outplanes = width * 2**number * (4 if bottleneck else 1)
        layers = []
        for index in range(depth):
            stride = 2 if number and index == 0 else 1
            layers.append(HuggingFaceLayer(inplanes, outplanes, stride, bottleneck))
            inplanes = outplanes
        stages.append(sequence(layers=nn.Sequential(*layers)))
    embedder = sequence(
        convolution=nn.Conv2d(3, width, 7, 2, 3, bias=False),
        normalization=nn.BatchNorm2d(width),
        activation=nn.ReLU(),
    )
    return sequence(
        resnet=sequence(
            embedder=sequence(embedder=embedder, pooler=nn.MaxPool2d(3, 2, 1)),
            encoder=sequence(stages=nn.Sequential(*stages)),
            pooler=nn.AdaptiveAvgPool2d(1),
        ),
        classifier=nn.Sequential(nn.Flatten(), nn.Linear(inplanes, num_classes)),
    )


class MMBottleneck(nn.Module):
    """relu(se(bn(1x1(relu(bn(3x3(relu(bn(1x1(x)))))))))+ downsample(x))."""

    def __init__(self, inplanes: int, planes: int, stride: int, avg_down: bool, se: bool) -> None:
        super().__init__()
        outplanes = 4 * planes
        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, outplanes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outplanes)
        self.downsample: nn.Module | None = None
        if stride != 1 or inplanes != outplanes:
            layers: list[nn.Module] = []
            step = stride
            if avg_down and stride != 1:
                layers.append(nn.AvgPool2d(stride, stride, 0, True, False))
                step = 1
            layers += [nn.Conv2d(inplanes, outplanes, 1, step, bias=False)]
            self.downsample = nn.Sequential(*layers, nn.BatchNorm2d(outplanes))
        self.se_layer: nn.Module | None = None
        if se:
            self.se_layer = sequence(
                global_avgpool=nn.AdaptiveAvgPool2d(1),
                conv1=sequence(conv=nn.Conv2d(outplanes, outplanes // 16, 1), activate=nn.ReLU()),
                conv2=sequence(
                    conv=nn.Conv2d(outplanes // 16, outplanes, 1), activate=nn.Sigmoid()
                ),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        if self.se_layer is not None:
            y = y * self.se_layer(y)
        y += x if self.downsample is None else self.downsample(x)
        return F.relu(y)


def mmpretrain(
    depths: Sequence[int], *, deep: bool = False, avg_down: bool = False, se: bool = False
) -> nn.Sequential:
    """As an ``ImageClassifier`` of mmpretrain: ``backbone``, ``neck``, ``head.fc``."""
    parts: dict[str, nn.Module] = {}
    if deep:
        convs = []
        for inside, outside, stride in ((3, 16, 2), (16, 16, 1), (16, 32, 1)):
            conv = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
            convs.append(sequence(conv=conv, bn=nn.BatchNorm2d(outside), activate=nn.ReLU()))
        parts["stem"] = nn.Sequential(*convs)
    else:
        parts["conv1"] = nn.Conv2d(3, 32, 7, 2, 3, bias=False)
        parts["bn1"] = nn.BatchNorm2d(32)
        parts["relu"] = nn.ReLU()
    parts["maxpool"] = nn.MaxPool2d(3, 2, 1)
    inplanes = 32
    for number, depth in enumerate(depths):
        planes, blocks = 16 * 2**number, []
        for index in range(depth):
            stride = 2 if number and index == 0 else 1
            blocks.append(MMBottleneck(inplanes, planes, stride, avg_down, se))
            inplanes = 4 * planes
        parts[f"layer{number + 1}"] = nn.Sequential(*blocks)
    return sequence(
        backbone=sequence(**parts),
        neck=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        head=sequence(fc=nn.Linear(inplanes, 5)),
    )


def _d2l_stages(widths: Sequence[int]) -> list[nn.Sequential]:
    stages = [resnet_block(widths[0], widths[0], 2, first_block=True)]
    return stages + [resnet_block(a, b, 2) for a, b in pairwise(widths)]


def d2l_book(widths: Sequence[int] = (8, 16, 24), num_classes: int = 5) -> nn.Sequential:
    """The ``nn.Sequential`` of the older English edition and of the second Chinese one."""
    stem = nn.Sequential(
        nn.Conv2d(1, widths[0], 7, 2, 3),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    )
    head = [nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(widths[-1], num_classes)]
    return nn.Sequential(stem, *_d2l_stages(widths), *head)


def d2l_class(widths: Sequence[int] = (8, 16, 24), num_classes: int = 5) -> nn.Sequential:
    """The class of the English edition 1.0, whose network is ``net``."""
    plain = d2l_book(widths, num_classes)
    net = nn.Sequential(plain[0])
    for number, stage in enumerate(plain[1 : 1 + len(widths)], start=2):
        net.add_module(f"b{number}", stage)
    net.add_module("last", nn.Sequential(*plain[1 + len(widths) :]))
    return sequence(net=net)


def d2l_resnet18(widths: Sequence[int] = (8, 16, 24), num_classes: int = 5) -> nn.Sequential:
    """The function of the book's later chapters: a stem of one 3x3, and no pool."""
    net = nn.Sequential(nn.Conv2d(1, widths[0], 3, 1, 1), nn.BatchNorm2d(widths[0]), nn.ReLU())
    for number, stage in enumerate(_d2l_stages(widths), start=1):
        net.add_module(f"resnet_block{number}", stage)
    net.add_module("global_avg_pool", nn.AdaptiveAvgPool2d((1, 1)))
    net.add_module("fc", nn.Sequential(nn.Flatten(), nn.Linear(widths[-1], num_classes)))
    return net


class CifarBlock(nn.Module):
    """relu(bn(3x3(relu(bn(3x3(x))))) + shortcut(x))."""

    def __init__(self, inplanes: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or inplanes != planes:
            conv = nn.Conv2d(inplanes, planes, 1, stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(planes))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        y += self.shortcut(x)
        return F.relu(y)


class Cifar(nn.Module):
    """As many write it by hand for 32x32 pictures: ``shortcut``, ``linear``, functional relus."""

    def __init__(self, depths: Sequence[int] = (1, 2), width: int = 8) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inplanes = width
        for number, depth in enumerate(depths):
            planes, blocks = width * 2**number, []
            for index in range(depth):
                blocks.append(CifarBlock(inplanes, planes, 2 if number and index == 0 else 1))
                inplanes = planes
            self.add_module(f"layer{number + 1}", nn.Sequential(*blocks))
        self.stages = len(depths)
        self.linear = nn.Linear(inplanes, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        for number in range(self.stages):
            x = getattr(self, f"layer{number + 1}")(x)
        y: Tensor = self.linear(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return y
