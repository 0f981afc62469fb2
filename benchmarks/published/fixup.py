"""The networks of hongyi-zhang/Fixup."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from torch import nn

from .peers import Families, Peer, Repository, module_of

REPOSITORIES = {
    "fixup": Repository(
        "https://github.com/hongyi-zhang/Fixup", "f3fa449fbb8906ccb7143cea822f8b964b3d9258"
    )
}
_CIFAR, _IMAGENET = (20, 32, 44, 56, 110, 1202), (18, 34, 50, 101, 152)


def _network(file: str, depth: int, folder: Path) -> nn.Module:
    module = module_of(folder / "fixup", file)
    network: nn.Module = getattr(module, f"fixup_resnet{depth}")()
    return network


def _peers(file: str, depths: tuple[int, ...], side: int) -> dict[str, Peer]:
    return {
        f"fixup_resnet{depth}": Peer(partial(_network, file, depth), size=(side, side))
        for depth in depths
    }


FAMILIES: Families = {
    "Fixup": _peers("cifar/models/fixup_resnet_cifar.py", _CIFAR, 32)
    | _peers("imagenet/models/fixup_resnet_imagenet.py", _IMAGENET, 64)
}
