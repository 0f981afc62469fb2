"""(2+1)D convolutions, and the names of networks for video."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import torch
from torch import Tensor, nn

SIZE = (6, 20, 20)
CONVS = {"conv1": {"conv2plus1d": 3}, "conv2": {"conv2plus1d": 3}}


def inner(channels: int, width: int) -> int:
    """As many channels as give both convolutions the parameters of one of 3x3x3."""
    return channels * width * 27 // (channels * 9 + 3 * width)


def parted(channels: int, middle: int, width: int, stride: int = 1) -> list[nn.Module]:
    """A convolution of frames, norm, activation, and a convolution in time."""
    return [
        nn.Conv3d(channels, middle, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False),
        nn.BatchNorm3d(middle),
        nn.ReLU(),
        nn.Conv3d(middle, width, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False),
    ]


def stem(width: int, middle: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(3, middle, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
        nn.BatchNorm3d(middle),
        nn.ReLU(),
        nn.Conv3d(middle, width, (3, 1, 1), 1, (1, 0, 0), bias=False),
        nn.BatchNorm3d(width),
        nn.ReLU(),
    )


class Nested(nn.Module):
    """A block with torchvision's names: both convolutions have the inner width of the block."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        middle = inner(channels, width)
        first = nn.Sequential(*parted(channels, middle, width, stride))
        second = nn.Sequential(*parted(width, middle, width))
        self.conv1 = nn.Sequential(first, nn.BatchNorm3d(width), nn.ReLU())
        self.conv2 = nn.Sequential(second, nn.BatchNorm3d(width))
        self.downsample: nn.Module = nn.Identity()
        if stride > 1:
            conv = nn.Conv3d(channels, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm3d(width))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv2(self.conv1(x)) + self.downsample(x))


class Flat(nn.Module):
    """A block with kenshohara's names: each convolution has its own inner width."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        parts = (channels, stride), (width, 1)
        for number, (entering, step) in enumerate(parts, start=1):
            middle = inner(entering, width)
            spatial, norm, _, temporal = parted(entering, middle, width, step)
            self.add_module(f"conv{number}_s", spatial)
            self.add_module(f"bn{number}_s", norm)
            self.add_module(f"conv{number}_t", temporal)
            self.add_module(f"bn{number}_t", nn.BatchNorm3d(width))
        self.downsample: nn.Module = nn.Identity()
        if stride > 1:
            conv = nn.Conv3d(channels, width, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm3d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for number in (1, 2):
            y = torch.relu(self._part(y, number, "s"))
            y = self._part(y, number, "t")
            y = torch.relu(y if number == 1 else y + self.downsample(x))
        return y

    def _part(self, x: Tensor, number: int, axes: str) -> Tensor:
        conv = self.get_submodule(f"conv{number}_{axes}")
        y: Tensor = self.get_submodule(f"bn{number}_{axes}")(conv(x))
        return y


class Video(nn.Module):
    """A network of two stages of such blocks."""

    def __init__(self, block: Callable[[int, int, int], nn.Module], flat: bool) -> None:
        super().__init__()
        parts = stem(8, 5)
        if flat:
            self.conv1_s, self.bn1_s, _, self.conv1_t, self.bn1_t, _ = parts
        else:
            self.stem = parts
        self._stem = [parts]
        self.layer1 = nn.Sequential(block(8, 8, 1))
        self.layer2 = nn.Sequential(block(8, 12, 2), block(12, 12, 1))
        self.fc = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.layer2(self.layer1(self._stem[0](x)))
        y: Tensor = self.fc(nn.functional.adaptive_avg_pool3d(maps, 1).flatten(1))
        return y


def spec_of(convs: dict[str, Any]) -> rf.ResNetSpec:
    stem = [{"conv": [1, 7, 7], "width": 5, "stride": [1, 2, 2]}, "norm", "act"]
    return rf.ResNetSpec(
        resforge=1,
        dims=3,
        stem=[*stem, {"conv": [3, 1, 1], "width": 8}, "norm", "act"],
        stages=[{"depth": 1, "width": 8}, {"depth": 2, "width": 12, "stride": 2}],
        block={"kind": "basic", **convs},
        head={"num_classes": 5},
    )


def fill(model: nn.Module) -> None:
    """Random numbers of both signs; variances are positive."""
    torch.manual_seed(0)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.randn(tensor.shape) / max(1, tensor[0].numel()) ** 0.5)
    for name, tensor in model.named_buffers():
        if name.endswith("running_var"):
            tensor.abs_().add_(0.5)


BLOCK = {name: {**conv, "inner": "block"} for name, conv in CONVS.items()}
REFERENCES = {
    "torchvision_video": (lambda: Video(Nested, flat=False), spec_of(BLOCK)),
    "kenshohara": (lambda: Video(Flat, flat=True), spec_of(CONVS)),
}


@pytest.mark.parametrize("layout", REFERENCES)
def test_reference(layout: str, tmp_path: Path) -> None:
    made, spec = REFERENCES[layout]
    theirs = made().eval()
    fill(theirs)
    ours = rf.build(spec).eval()
    assert rf.load_weights(ours, theirs.state_dict()).layout == layout
    x = torch.randn(2, 3, *SIZE)
    with torch.no_grad():
        assert torch.equal(theirs(x), ours(x))
    rf.convert_weights(ours.state_dict(), tmp_path / "weights.pt", to=layout, spec=spec)
    written = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert written.keys() == theirs.state_dict().keys()


@pytest.mark.parametrize("name", ["r3d_18", "mc3_18", "r2plus1d_18", "r2p1d50", "preact_r3d18"])
def test_catalogue(name: str) -> None:
    spec = rf.load(name)
    assert len(spec.to_yaml().splitlines()) <= 20
    plan, model = rf.plan(spec, (16, 112, 112)), rf.build(spec, device="meta")
    assert sum(parameter.numel() for parameter in model.parameters()) == plan.params
    # torchvision's page: 33.4, 11.7 and 31.5 million parameters.
    counts = {"r3d_18": 33_371_472, "mc3_18": 11_695_440, "r2plus1d_18": 31_505_325}
    assert plan.params == counts.get(name, plan.params)


def test_parts_have_the_parameters_of_the_whole() -> None:
    stages = [{"depth": 1, "width": 64}, {"depth": 1, "width": 128, "stride": 2}]
    whole = rf.ResNetSpec(resforge=1, dims=3, stem="conv3x3", stages=stages)
    parts = whole.replace({"block": {"kind": "basic", **CONVS}})
    counts = [rf.plan(spec, 16).params for spec in (whole, parts)]
    assert counts[1] == pytest.approx(counts[0], rel=0.01)


def test_it_is_for_two_and_three_axes() -> None:
    tree: dict[str, Any] = {"resforge": 1, "stages": [{"depth": 1, "width": 8}]}
    tree["block"] = {"kind": "basic", "conv1": {"conv2plus1d": 3}}
    assert rf.build({**tree, "dims": 2})(torch.randn(1, 3, 32, 32)).shape == (1, 1000)
    with pytest.raises(rf.SpecError, match="conv2plus1d is defined for dims: 2 or 3") as caught:
        rf.ResNetSpec(**tree, dims=1)
    assert caught.value.faults[0].path == "block.conv1"
