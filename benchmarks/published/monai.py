"""MONAI's ResNets and SENets, for volumes and for pictures."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path

from torch import nn

from .peers import Families, Peer

PACKAGES = ("monai",)


def _network(name: str, dims: int, _: Path) -> nn.Module:
    nets = import_module("monai.networks.nets")
    network: nn.Module = getattr(nets, name)(spatial_dims=dims)
    return network


def _peers(dims: int, suffix: str, size: tuple[int, ...]) -> dict[str, Peer]:
    return {
        f"resnet{depth}(spatial_dims={dims})": Peer(
            partial(_network, f"resnet{depth}", dims), f"resnet{depth}_monai{suffix}", size
        )
        for depth in (10, 18, 34, 50, 101, 152, 200)
    }


def _senet(name: str, dims: int, _: Path) -> nn.Module:
    nets = import_module("monai.networks.nets")
    network: nn.Module = getattr(nets, name)(spatial_dims=dims, in_channels=3)
    return network


def _senets(dims: int, suffix: str, size: tuple[int, ...]) -> dict[str, Peer]:
    why = "the linear layers of its attention are 1x1 convolutions here, of another order of sums"
    names = "SENet154 SEResNet50 SEResNet101 SEResNet152 SEResNext50 SEResNext101"
    return {
        f"{name}(spatial_dims={dims})": Peer(
            partial(_senet, name, dims), f"{name}{suffix}", size, 1e-6, why
        )
        for name in names.split()
    }


FAMILIES: Families = {
    "MONAI resnet, volumes": _peers(3, "", (16, 32, 32)),
    "MONAI resnet, pictures": _peers(2, "_2d", (64, 64)),
    "MONAI senet, volumes": _senets(3, "", (32, 32, 32)),
    "MONAI senet, pictures": _senets(2, "_2d", (64, 64)),
}
