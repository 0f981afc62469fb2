"""The backbones of Tencent/MedicalNet."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from torch import nn

from .peers import Families, Peer, Repository, module_of

REPOSITORIES = {
    "medicalnet": Repository(
        "https://github.com/Tencent/MedicalNet", "20f76aaab5cac8056eaf50b79ed97c09dbfbd3bd"
    )
}


def _whole(depth: int, folder: Path) -> nn.Module:
    module = module_of(folder / "medicalnet", "models/resnet.py")
    sizes = {"sample_input_D": 16, "sample_input_H": 32, "sample_input_W": 32}
    network: nn.Module = getattr(module, f"resnet{depth}")(
        **sizes, num_seg_classes=2, shortcut_type="B", no_cuda=True
    )
    return network


def _network(depth: int, folder: Path) -> nn.Module:
    network = _whole(depth, folder)
    network.conv_seg = nn.Identity()  # the published weights are of the rest
    return network


def _head(folder: Path) -> nn.Module:
    network: nn.Module = _whole(10, folder).get_submodule("conv_seg")
    return network


FAMILIES: Families = {
    "MedicalNet, without the segmentation head": {
        f"resnet{depth}": Peer(partial(_network, depth), f"medicalnet_resnet{depth}", (16, 32, 32))
        for depth in (10, 18, 34, 50, 101, 152, 200)
    },
    "MedicalNet, the segmentation head": {
        "conv_seg": Peer(
            _head,
            why="it begins with a transposed convolution, which enlarges the map; no operation of "
            "the language does",
        )
    },
}
