"""Small residual networks whose layers stand under the names of other projects.

Written out plainly, without resforge; the names and their places were read off the projects' own
networks. One network serves all: the projects differ in names, not in what they compute.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Names:
    """The names of one project; stages, blocks and layers are counted from 1."""

    stem: tuple[str, str]
    """Of the convolution and the norm."""
    block: Callable[[int, int], str]
    """Of a block, by its stage and its number."""
    layer: Callable[[int], tuple[str, str]]
    """Of a convolution and its norm within a block."""
    shortcut: tuple[str, str]
    """Of the convolution and the norm within a block."""
    head: str
    norm: str = ""
    """Of the norm after the last stage, in pre-activated networks."""


def put(network: nn.Module, name: str, layer: nn.Module) -> None:
    """Make ``layer`` the submodule of that name, its parents on the way."""
    *parents, last = name.split(".")
    for parent in parents:
        if parent not in dict(network.named_children()):
            network.add_module(parent, nn.Module())
        network = network.get_submodule(parent)
    network.add_module(last, layer)


class Named(nn.Module):
    """A stem, stages of blocks, the mean of the map and a linear layer, under ``names``."""

    def __init__(
        self,
        names: Names,
        *,
        depths: Sequence[int] = (1, 2),
        width: int = 8,
        stem: tuple[int, int] = (7, 2),
        pool: bool = True,
        bottleneck: bool = False,
        groups: Sequence[int] = (1, 1),
        expansion: int = 4,
        classes: int = 5,
    ) -> None:
        super().__init__()
        self.names, self.pool = names, pool
        kernel, stride = stem
        put(self, names.stem[0], nn.Conv2d(3, width, kernel, stride, kernel // 2, bias=False))
        put(self, names.stem[1], nn.BatchNorm2d(width))
        self.blocks: list[str] = []
        inside = width
        for stage, depth in enumerate(depths, start=1):
            for number in range(1, depth + 1):
                inner, step = width * 2 ** (stage - 1), 2 if stage > 1 and number == 1 else 1
                outside = inner * expansion if bottleneck else inner
                shapes = [(inside, inner, 3, step, 1), (inner, outside, 3, 1, 1)]
                if bottleneck:
                    spread = (inner, inner, 3, step, groups[stage - 1])
                    shapes = [(inside, inner, 1, 1, 1), spread, (inner, outside, 1, 1, 1)]
                self._put_block(names.block(stage, number), shapes, inside, outside, step)
                inside = outside
        put(self, names.head, nn.Linear(inside, classes))

    def _put_block(
        self, block: str, shapes: list[tuple[int, ...]], inside: int, outside: int, step: int
    ) -> None:
        self.blocks.append(block)
        for number, (before, after, kernel, stride, groups) in enumerate(shapes, start=1):
            conv, norm = self.names.layer(number)
            pad = kernel // 2
            layer = nn.Conv2d(before, after, kernel, stride, pad, groups=groups, bias=False)
            put(self, f"{block}.{conv}", layer)
            put(self, f"{block}.{norm}", nn.BatchNorm2d(after))
        if step != 1 or inside != outside:
            conv, norm = self.names.shortcut
            put(self, f"{block}.{conv}", nn.Conv2d(inside, outside, 1, step, bias=False))
            put(self, f"{block}.{norm}", nn.BatchNorm2d(outside))

    def conv_norm(self, block: str, names: tuple[str, str], x: Tensor) -> Tensor:
        start = f"{block}." if block else ""
        y: Tensor = self.get_submodule(start + names[1])(self.get_submodule(start + names[0])(x))
        return y

    def has(self, name: str) -> bool:
        return name in dict(self.named_modules())

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv_norm("", self.names.stem, x))
        if self.pool:
            x = F.max_pool2d(x, 3, 2, 1)
        for block in self.blocks:
            x = self.run_block(block, x)
        y: Tensor = self.get_submodule(self.names.head)(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return y

    def run_block(self, block: str, x: Tensor) -> Tensor:
        y, number = x, 1
        while self.has(f"{block}.{self.names.layer(number)[0]}"):
            y = self.conv_norm(block, self.names.layer(number), F.relu(y) if number > 1 else y)
            number += 1
        projects = self.has(f"{block}.{self.names.shortcut[0]}")
        return F.relu(y + (self.conv_norm(block, self.names.shortcut, x) if projects else x))


class PreActivated(nn.Module):
    """Pre-activated basic blocks after a bare convolution of 8 channels.

    A block that changes the shape projects the activated map.
    """

    def __init__(self, names: Names, widths: Sequence[int] = (16, 32), classes: int = 5) -> None:
        super().__init__()
        self.names, inside = names, 8
        put(self, names.stem[0], nn.Conv2d(3, inside, 3, 1, 1, bias=False))
        self.blocks: list[str] = []
        for stage, width in enumerate(widths, start=1):
            for number in (1, 2):
                block, step = names.block(stage, number), 2 if stage > 1 and number == 1 else 1
                self.blocks.append(block)
                for layer, (before, stride) in enumerate(((inside, step), (width, 1)), start=1):
                    conv, norm = names.layer(layer)
                    put(self, f"{block}.{norm}", nn.BatchNorm2d(before))
                    put(self, f"{block}.{conv}", nn.Conv2d(before, width, 3, stride, 1, bias=False))
                if inside != width:
                    shortcut = nn.Conv2d(inside, width, 1, step, bias=False)
                    put(self, f"{block}.{names.shortcut[0]}", shortcut)
                inside = width
        put(self, names.norm, nn.BatchNorm2d(inside))
        put(self, names.head, nn.Linear(inside, classes))

    def forward(self, x: Tensor) -> Tensor:
        x = self.get_submodule(self.names.stem[0])(x)
        for block in self.blocks:
            x = self.run_block(block, x)
        x = F.relu(self.get_submodule(self.names.norm)(x))
        y: Tensor = self.get_submodule(self.names.head)(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return y

    def run_block(self, block: str, x: Tensor) -> Tensor:
        shortcut, y = f"{block}.{self.names.shortcut[0]}", x
        for number in (1, 2):
            conv, norm = self.names.layer(number)
            y = F.relu(self.get_submodule(f"{block}.{norm}")(y))
            if number == 1 and shortcut in dict(self.named_modules()):
                x = self.get_submodule(shortcut)(y)
            y = self.get_submodule(f"{block}.{conv}")(y)
        return y + x


TORCHVISION_REGNET = Names(
    ("stem.0", "stem.1"),
    lambda stage, block: f"trunk_output.block{stage}.block{stage}-{block - 1}",
    lambda layer: (f"f.{'.abc'[layer]}.0", f"f.{'.abc'[layer]}.1") if layer < 4 else ("", ""),
    ("proj.0", "proj.1"),
    "fc",
)
TIMM_REGNET = Names(
    ("stem.conv", "stem.bn"),
    lambda stage, block: f"s{stage}.b{block}",
    lambda layer: (f"conv{layer}.conv", f"conv{layer}.bn"),
    ("downsample.conv", "downsample.bn"),
    "head.fc",
)
PYCLS = Names(
    ("stem.conv", "stem.bn"),
    lambda stage, block: f"s{stage}.b{block}",
    lambda layer: (f"f.{'.abc'[layer]}", f"f.{'.abc'[layer]}_bn") if layer < 4 else ("", ""),
    ("proj", "bn"),
    "head.fc",
)
BYOBNET = Names(
    ("stem.conv", "stem.bn"),
    lambda stage, block: f"stages.{stage - 1}.{block - 1}",
    lambda layer: (
        f"conv{layer}_{'kxk' if layer == 2 else '1x1'}.conv",
        f"conv{layer}_{'kxk' if layer == 2 else '1x1'}.bn",
    ),
    ("shortcut.conv", "shortcut.bn"),
    "head.fc",
)
DETECTRON2 = Names(
    ("stem.conv1", "stem.conv1.norm"),
    lambda stage, block: f"res{stage + 1}.{block - 1}",
    lambda layer: (f"conv{layer}", f"conv{layer}.norm"),
    ("shortcut", "shortcut.norm"),
    "linear",
)
PYTORCHCV = Names(
    ("features.init_block.conv.conv", "features.init_block.conv.bn"),
    lambda stage, block: f"features.stage{stage}.unit{block}",
    lambda layer: (f"body.conv{layer}.conv", f"body.conv{layer}.bn"),
    ("identity_conv.conv", "identity_conv.bn"),
    "output",
)
PYTORCHCV_SMALL = Names(
    ("features.init_block.conv", "features.init_block.bn"),
    PYTORCHCV.block,
    PYTORCHCV.layer,
    PYTORCHCV.shortcut,
    "output",
)
PYTORCHCV_PREACTIVATED = Names(
    ("features.init_block", ""),
    PYTORCHCV.block,
    PYTORCHCV.layer,
    ("identity_conv", ""),
    "output",
    "features.post_activ.bn",
)
WEIAICUNZAI = Names(
    ("conv1.0", "conv1.1"),
    lambda stage, block: f"conv{stage + 1}_x.{block - 1}",
    lambda layer: (
        f"residual_function.{3 * (layer - 1)}",
        f"residual_function.{3 * (layer - 1) + 1}",
    ),
    ("shortcut.0", "shortcut.1"),
    "fc",
)
WIDE_RESNET = Names(
    ("conv1", ""),
    lambda stage, block: f"block{stage}.layer.{block - 1}",
    lambda layer: (f"conv{layer}", f"bn{layer}"),
    ("convShortcut", ""),
    "fc",
    "bn1",
)
MMPRETRAIN = Names(
    ("backbone.conv1", "backbone.bn1"),
    lambda stage, block: f"backbone.layer{stage}.{block - 1}",
    lambda layer: (f"conv{layer}", f"bn{layer}"),
    ("downsample.0", "downsample.1"),
    "head.fc",
)
