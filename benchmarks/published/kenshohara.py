"""The networks for video of kenshohara/3D-ResNets-PyTorch."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from .peers import Families, Peer, Repository, on_path

REPOSITORIES = {
    "kenshohara": Repository(
        "https://github.com/kenshohara/3D-ResNets-PyTorch",
        "540a0ea1abaee379fa3651d4d5afbd2d667a1f49",
    )
}
_SIZE = (16, 32, 32)
_DEPTHS = (10, 18, 34, 50, 101, 152, 200)


def _network(module: str, depth: int, folder: Path, **options: Any) -> nn.Module:
    with on_path(folder / "kenshohara"):
        # The folder ``models`` is a package: its modules import each other.
        package = import_module(f"models.{module}")
        for name, block in vars(package).copy().items():
            if name.startswith(("PreActivation", "ResNeXtB")):
                setattr(package, name, _renamed(block))
        network: nn.Module = package.generate_model(depth, **options)
    return network


def _renamed(block: type[nn.Module]) -> type[nn.Module]:
    """The block with the keyword by which the network calls it, which the published one lacks."""

    class Renamed(block):  # type: ignore[misc, valid-type]
        def __init__(self, in_planes: int, *args: Any, **options: Any) -> None:
            super().__init__(in_planes, *args, **options)

    return Renamed


def _resnext(depth: int, folder: Path) -> nn.Module:
    # The constructor takes the number of classes for the factor of all widths.
    network = _network("resnext", depth, folder, n_classes=1)
    network.fc = nn.Linear(2048, 400)
    return network


def _peers(module: str, name: str) -> dict[str, Peer]:
    return {
        f"{module}({depth})": Peer(partial(_network, module, depth), f"{name}{depth}", _SIZE)
        for depth in _DEPTHS
    }


FAMILIES: Families = {
    "3D ResNets for video": {
        **_peers("resnet", "r3d"),
        **_peers("resnet2p1d", "r2p1d"),
        **_peers("pre_act_resnet", "preact_r3d"),
        **{
            f"resnext({depth})": Peer(partial(_resnext, depth), f"resnext3d{depth}", _SIZE)
            for depth in _DEPTHS[3:]
        },
        **{
            f"wide_resnet({depth}, k=2)": Peer(
                partial(_network, "wide_resnet", depth, k=2), f"wide_r3d{depth}", _SIZE
            )
            for depth in _DEPTHS[3:]
        },
    }
}
