"""Networks for signals as they were published: no stem, pools padded by zeros, blocks in a row."""

from __future__ import annotations

from pathlib import Path

import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from drawn import shaken
from resforge.blocks import SameMaxPool
from torch import Tensor, nn


def test_without_a_stem_the_first_stage_takes_the_signal() -> None:
    """The blocks of Wang et al. 2017, computed by hand; the second has no shortcut."""
    tree = {
        "dims": 1,
        "in_channels": 3,
        "stem": [],
        "stages": [{"depth": 2, "width": 8}],
        "block": {
            "branch": [{"conv": 8, "padding": "same"}, "norm", "act", {"conv": 3}, "norm"],
            "exit": [],
        },
        "shortcut": {"match": "none", "change": "projection"},
        "head": {"num_classes": 5},
    }
    spec = rf.ResNetSpec(resforge=1, **tree)
    model = shaken(rf.build(spec)).eval()
    x = y = torch.randn(2, 3, 21, generator=torch.Generator().manual_seed(0))
    for block, shortcut in zip(model.layer1, (True, False), strict=True):
        layers = block.branch
        # Windows of 8 need 7 zeros: 3 before and 4 after.
        branch = torch.relu(layers.norm1(F.conv1d(F.pad(y, (3, 4)), layers.conv1.weight)))
        branch = layers.norm2(F.conv1d(branch, layers.conv2.weight, padding=1))
        y = branch + block.downsample(y) if shortcut else branch
    assert torch.equal(model(x), model.fc(y.mean(-1)))
    assert rf.plan(spec, 21).stem == ()
    assert rf.loads(spec.to_yaml()) == spec


@pytest.mark.parametrize("length", [6, 7])
def test_zeros_beyond_the_end_may_be_the_largest(length: int) -> None:
    x = -torch.rand(1, 2, length, generator=torch.Generator().manual_seed(0)) - 1
    padded = F.pad(x, (0, length % 2))
    assert torch.equal(SameMaxPool(2, 2, dims=1, zeros=True)(x), F.max_pool1d(padded, 2))
    largest = SameMaxPool(2, 2, dims=1)(x)
    assert (largest < 0).all()


def _names(model: nn.Module, layout: str, spec: rf.ResNetSpec, folder: Path) -> dict[str, Tensor]:
    file = folder / f"{layout}.pth"
    rf.convert_weights(model.state_dict(), file, to=layout, spec=spec)
    names: dict[str, Tensor] = torch.load(file, weights_only=True)
    return names


def test_blocks_are_numbered_through_all_stages(tmp_path: Path) -> None:
    stages = [{"depth": 1, "width": 32}, {"depth": 2, "width": 32, "stride": 2}]
    spec = rf.load("ResNet1D_34").replace({"stem.layers[0].width": 32, "stages": stages})
    model = shaken(rf.build(spec)).eval()
    theirs = _names(model, "resnet1d", spec, tmp_path)
    assert torch.equal(theirs["basicblock_list.2.conv1.conv.weight"], model.layer2[1].conv1.weight)
    assert torch.equal(theirs["basicblock_list.1.bn1.weight"], model.layer2[0].bn0.weight)
    assert "basicblock_list.0.bn1.weight" not in theirs
    other = rf.build(spec, seed=1)
    assert rf.load_weights(other, theirs).layout == "resnet1d"
    assert all(torch.equal(a, other.state_dict()[name]) for name, a in model.state_dict().items())


def test_names_of_pytorch_timeseries(tmp_path: Path) -> None:
    spec = rf.load("ResNetBaseline")
    model = shaken(rf.build(spec)).eval()
    theirs = _names(model, "pytorch_timeseries", spec, tmp_path)
    last = model.layer2[1].branch.conv3.weight
    assert torch.equal(theirs["layers.2.layers.2.layers.0.weight"], last)
    other = rf.build(spec, seed=1)
    assert rf.load_weights(other, theirs).layout == "pytorch_timeseries"
    assert all(torch.equal(a, other.state_dict()[name]) for name, a in model.state_dict().items())
