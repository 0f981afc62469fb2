"""Small networks whose blocks have something else in place of a 3x3, under the names of timm.

Written out plainly, without resforge; names and their places were read off timm's own networks.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv(inside: int, outside: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False)


class ConvNorm(nn.Module):
    """A convolution and the norm that belongs to it."""

    def __init__(self, conv: nn.Module, width: int) -> None:
        super().__init__()
        self.conv, self.bn = conv, nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.conv(x))
        return y


class Scales(nn.Module):
    """A bottleneck of Res2Net: four scales, 16 channels in the first stage."""

    def __init__(self, inside: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        inner, self.part = 2 * width, width // 2
        self.conv1, self.bn1 = conv(inside, inner), nn.BatchNorm2d(inner)
        self.convs = nn.ModuleList(conv(self.part, self.part, 3, stride, 2) for _ in range(3))
        self.bns = nn.ModuleList(nn.BatchNorm2d(self.part) for _ in range(3))
        self.conv3, self.bn3 = conv(inner, 4 * width), nn.BatchNorm2d(4 * width)
        self.downsample, self.stride = downsample, stride

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        a, b, c, d = (y[:, n * self.part : (n + 1) * self.part] for n in range(4))
        run = [
            lambda part, n=n: F.relu(self.bns[n](self.convs[n](part)))  # type: ignore[misc]
            for n in range(3)
        ]
        if self.downsample is None:
            first = run[0](a)
            second = run[1](first + b)
            y = torch.cat([first, second, run[2](second + c), d], 1)
        else:
            d = F.avg_pool2d(d, 3, self.stride, 1)
            y = torch.cat([run[0](a), run[1](b), run[2](c), d], 1)
        return F.relu(
            self.bn3(self.conv3(y)) + (x if self.downsample is None else self.downsample(x))
        )


class Choice(nn.Module):
    """The weights of a selective kernel: one for each of two maps, at each channel."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc_reduce, self.bn = conv(width, hidden), nn.BatchNorm2d(hidden)
        self.fc_select = conv(hidden, 2 * width)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        mean = (one + other).mean((2, 3), keepdim=True)
        scores = self.fc_select(F.relu(self.bn(self.fc_reduce(mean))))
        first, second = scores.chunk(2, 1)
        weight = torch.stack([first, second]).softmax(0)
        return one * weight[0] + other * weight[1]


class Kernels(nn.Module):
    """A 3x3 and a dilated 3x3, each on a half of the channels, and the choice between them."""

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            ConvNorm(nn.Conv2d(inside // 2, width, 3, stride, near, near, bias=False), width)
            for near in (1, 2)
        )
        self.attn = Choice(width, 16)

    def forward(self, x: Tensor) -> Tensor:
        one, other = x.chunk(2, 1)
        y: Tensor = self.attn(F.relu(self.paths[0](one)), F.relu(self.paths[1](other)))
        return y


class Selective(nn.Module):
    """A basic block whose first convolution is a selective kernel."""

    def __init__(self, inside: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = Kernels(inside, width, stride)
        self.conv2 = ConvNorm(conv(width, width, 3), width)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(x))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Split(nn.Module):
    """Split attention: two maps in two groups."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv, self.bn0 = conv(width, 2 * width, 3, groups=4), nn.BatchNorm2d(2 * width)
        self.fc1, self.bn1 = nn.Conv2d(width, 32, 1, groups=2), nn.BatchNorm2d(32)
        self.fc2 = nn.Conv2d(32, 2 * width, 1, groups=2)

    def forward(self, x: Tensor) -> Tensor:
        first, second = F.relu(self.bn0(self.conv(x))).chunk(2, 1)
        mean = (first + second).mean((2, 3), keepdim=True)
        # In each group the scores of the first map stand before those of the second.
        one, two = self.fc2(F.relu(self.bn1(self.fc1(mean)))).chunk(2, 1)
        scores = torch.stack(
            [torch.cat([part.chunk(2, 1)[r] for part in (one, two)], 1) for r in (0, 1)]
        )
        weight = scores.softmax(0)
        return first * weight[0] + second * weight[1]


class SplitBottleneck(nn.Module):
    """A bottleneck of ResNeSt, which strides by an average pool before its 3x3."""

    def __init__(self, inside: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(inside, width), nn.BatchNorm2d(width)
        self.conv2, self.stride = Split(width), stride
        self.conv3, self.bn3 = conv(width, 4 * width), nn.BatchNorm2d(4 * width)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.avg_pool2d(y, 3, 2, 1) if self.stride > 1 else y
        y = self.bn3(self.conv3(self.conv2(y)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Blurred(nn.Module):
    """A basic block that strides by a blur after its first convolution."""

    def __init__(self, inside: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(inside, width, 3), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.downsample, self.stride = downsample, stride

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(blur(y) if self.stride > 1 else y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def blur(x: Tensor) -> Tensor:
    """Every second pixel of x, blurred by [1 2 1] / 4 on both axes, x reflected at its border."""
    line = torch.tensor([0.25, 0.5, 0.25])
    weight = (line[:, None] * line).repeat(x.shape[1], 1, 1, 1)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), weight, stride=2, groups=x.shape[1])


class Spatial(nn.Module):
    """A stem, a stage of one block and a stage of two, the mean of the map and a linear layer."""

    def __init__(
        self, block: Callable[..., nn.Module], expansion: int, deep: bool = False, width: int = 32
    ) -> None:
        super().__init__()
        if deep:
            half = width // 2
            self.conv1: nn.Module = nn.Sequential(
                *(conv(3, half, 3, 2), nn.BatchNorm2d(half), nn.ReLU()),
                *(conv(half, half, 3), nn.BatchNorm2d(half), nn.ReLU(), conv(half, width, 3)),
            )
        else:
            self.conv1 = conv(3, width, 7, 2)
        self.bn1, inside = nn.BatchNorm2d(width), width
        for stage, depth in enumerate((1, 2), start=1):
            blocks = []
            for number in range(depth):
                stride, down = (stage if number == 0 else 1), None
                if number == 0 and inside != (outside := expansion * width * stage):
                    pool: list[nn.Module] = []
                    if deep:
                        pool, stride_of = (
                            [nn.Identity() if stride == 1 else nn.AvgPool2d(2, ceil_mode=True)],
                            1,
                        )
                    else:
                        stride_of = stride
                    down = nn.Sequential(
                        *pool, conv(inside, outside, 1, stride_of), nn.BatchNorm2d(outside)
                    )
                blocks.append(block(inside, width * stage, stride, down))
                inside = expansion * width * stage
            self.add_module(f"layer{stage}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inside, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.get_submodule("layer2")(self.get_submodule("layer1")(x))
        y: Tensor = self.fc(x.mean((2, 3)))
        return y


class Averaged(nn.Module):
    """A bottleneck of CLIP, which strides by an average pool after its 3x3."""

    def __init__(self, inside: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(inside, width), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = conv(width, width, 3), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = conv(width, 4 * width), nn.BatchNorm2d(4 * width)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.downsample = None
        if stride > 1 or inside != 4 * width:
            self.downsample = nn.Sequential(conv(inside, 4 * width), nn.BatchNorm2d(4 * width))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.pool(F.relu(self.bn2(self.conv2(y))))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(self.pool(x))))


class Attending(nn.Module):
    """The mean of a map attends to its positions and itself: two heads, 8x8 positions."""

    def __init__(self, width: int, numbers: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.randn(65, width))
        self.k_proj, self.q_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.c_proj = nn.Linear(width, width), nn.Linear(width, numbers)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(2).permute(2, 0, 1)
        rows = torch.cat([rows.mean(0, keepdim=True), rows]) + self.positional_embedding[:, None]
        y, _ = F.multi_head_attention_forward(
            *(rows[:1], rows, rows, rows.shape[-1], 2, None),
            torch.cat([self.q_proj.bias, self.k_proj.bias, self.v_proj.bias]),
            *(None, None, False, 0.0, self.c_proj.weight, self.c_proj.bias),
            training=False,
            need_weights=False,
            use_separate_proj_weight=True,
            q_proj_weight=self.q_proj.weight,
            k_proj_weight=self.k_proj.weight,
            v_proj_weight=self.v_proj.weight,
        )
        return y[0]


class Clip(nn.Module):
    """A picture encoder of CLIP for 64 pixels."""

    def __init__(self) -> None:
        super().__init__()
        for number, (inside, outside) in enumerate(((3, 8), (8, 8), (8, 16)), start=1):
            step = 2 if number == 1 else 1
            self.add_module(f"conv{number}", conv(inside, outside, 3, step))
            self.add_module(f"bn{number}", nn.BatchNorm2d(outside))
        self.layer1 = nn.Sequential(Averaged(16, 16, 1))
        self.layer2 = nn.Sequential(Averaged(64, 32, 2), Averaged(128, 32, 1))
        self.attnpool = Attending(128, 6)

    def forward(self, x: Tensor) -> Tensor:
        for number in (1, 2, 3):
            conv, norm = self.get_submodule(f"conv{number}"), self.get_submodule(f"bn{number}")
            x = F.relu(norm(conv(x)))
        y: Tensor = self.attnpool(self.layer2(self.layer1(F.avg_pool2d(x, 2))))
        return y


CLIP: dict[str, object] = {
    "resforge": 1,
    "stem": {"kind": "deep_base", "widths": [8, 8, 16], "pool": {"pool": "avg"}},
    "stages": [{"depth": 1, "width": 16}, {"depth": 2, "width": 32, "stride": 2}],
    "block": {"kind": "bottleneck", "stride_by": {"pool": "avg"}},
    "shortcut": "avg_projection",
    "head": [{"attention_pool": 8, "heads": 2, "width": 6}],
}
STAGES = [{"depth": 1, "width": 32}, {"depth": 2, "width": 64, "stride": 2}]


def spec_of(block: dict[str, object], deep: bool = False) -> dict[str, object]:
    """The same network as a spec."""
    stem: dict[str, object] = {"kind": "conv7x7", "width": 32}
    if deep:
        stem = {"kind": "deep_base", "widths": [16, 16, 32]}
    return {
        "resforge": 1,
        "stem": stem,
        "stages": STAGES,
        "block": block,
        "shortcut": "avg_projection" if deep else "projection",
        "head": {"kind": "classifier", "num_classes": 5},
    }


SCALES = {
    "kind": "bottleneck",
    "groups": 2,
    "width_per_group": 64,
    "conv2": {"kind": "res2net", "scales": 4},
}
SELECTIVE = {
    "kind": "basic",
    "conv1": {"kind": "selective_kernel", "split_input": True, "divisor": 16},
}
SPLIT = {
    "kind": "bottleneck",
    "groups": 2,
    "width_per_group": 32,
    "stride_on": "conv1",
    "conv2": {"kind": "split_attention"},
    "stride_by": {"kind": "pool", "pool": "avg", "kernel": 3, "padding": 1},
}
BLURRED = {"kind": "basic", "stride_by": {"kind": "blur"}}

CASES: dict[str, tuple[str, Callable[[], nn.Module], dict[str, object]]] = {
    "timm_res2net": ("timm_res2net", lambda: Spatial(Scales, 4), spec_of(SCALES)),
    "timm_res2net deep": (
        "timm_res2net",
        lambda: Spatial(Scales, 4, deep=True),
        spec_of(SCALES, deep=True),
    ),
    "timm_sknet": ("timm_sknet", lambda: Spatial(Selective, 1), spec_of(SELECTIVE)),
    "timm_resnest": (
        "timm_resnest",
        lambda: Spatial(SplitBottleneck, 4, deep=True),
        spec_of(SPLIT, deep=True),
    ),
    "blurred": ("torchvision", lambda: Spatial(Blurred, 1), spec_of(BLURRED)),
}
"""The layout of its names, a network, and its spec."""
