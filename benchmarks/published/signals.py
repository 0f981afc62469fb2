"""Residual networks for signals and time series."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from .peers import Families, Peer, Repository, module_of, on_path

REPOSITORIES = {
    "resnet1d": Repository(
        "https://github.com/hsd1503/resnet1d", "9cccb9f08fde65087272472d0572c2dbe16a8119"
    ),
    "pytorch-timeseries": Repository(
        "https://github.com/okrasolar/pytorch-timeseries",
        "88f65ad7d2bfdf5bea5c5e3aa1eab90c46b1856b",
    ),
}
_NET1D = {
    "ratio": 1.0,
    "filter_list": [64, 160, 160, 400, 400, 1024, 1024],
    "m_blocks_list": [2, 2, 2, 3, 3, 4, 4],
}


class _Anything(ModuleType):
    """A module that training needs and the network does not."""

    def __getattr__(self, name: str) -> Any:
        return None


def _of_hsd1503(file: str, name: str, folder: Path, **options: Any) -> nn.Module:
    missing = ("tqdm", "matplotlib", "sklearn.metrics")
    stubs = {each: _Anything(each) for each in missing}
    module = module_of(folder / "resnet1d", file, **stubs)
    usual = {"in_channels": 1, "kernel_size": 16, "stride": 2, "n_classes": 4, "use_do": False}
    network: nn.Module = getattr(module, name)(**usual, **options)
    return network


def _resnet(blocks: int, gap: int, folder: Path) -> nn.Module:
    shape = {"n_block": blocks, "downsample_gap": gap, "increasefilter_gap": 2 * gap}
    network = _of_hsd1503("resnet1d.py", "ResNet1D", folder, base_filters=128, groups=32, **shape)
    network.get_submodule("basicblock_list.0").bn1 = nn.Identity()  # which it does not use
    return network


def _net1d(folder: Path) -> nn.Module:
    network = _of_hsd1503("net1d.py", "Net1D", folder, base_filters=64, groups_width=16, **_NET1D)
    network.get_submodule("stage_list.0.block_list.0").bn1 = nn.Identity()  # which it does not use
    return network


def _baseline(folder: Path) -> nn.Module:
    with on_path(folder / "pytorch-timeseries"):
        package = import_module("src.models.resnet_baseline")
    network: nn.Module = package.ResNetBaseline(in_channels=1, num_pred_classes=10)
    return network


_SIZE = (1000,)  # odd maps among those of its strides
_LONG = (
    "it takes 21 lines: seven stages, attention, a shortcut of two operations, and no norm at the "
    "end"
)
FAMILIES: Families = {
    "signals and time series": {
        "ResNet1D(n_block=16)": Peer(partial(_resnet, 16, 2), "ResNet1D_34", _SIZE),
        "Net1D": Peer(_net1d, size=_SIZE, why=_LONG),
        "ResNetBaseline": Peer(_baseline, size=_SIZE),
    }
}
