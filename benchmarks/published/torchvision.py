"""torchvision's networks for pictures."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from torch import nn

from ..reference import constructor, torchvision_models
from .peers import Families, Peer

PACKAGES = ("torchvision",)


def _network(name: str, _: Path) -> nn.Module:
    models = torchvision_models()
    if models is None:
        raise ImportError("torchvision cannot be imported: pip install torchvision==0.28.0")
    return constructor(models, name)()


def _same(*names: str) -> dict[str, Peer]:
    return {name: Peer(partial(_network, name)) for name in names}


def _video(name: str, _: Path) -> nn.Module:
    models = torchvision_models()
    if models is None:
        raise ImportError("torchvision cannot be imported: pip install torchvision==0.28.0")
    return constructor(models.video, name)()


FAMILIES: Families = {
    "torchvision resnet": _same(
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet101",
        "resnet152",
        "resnext50_32x4d",
        "resnext101_32x8d",
        "resnext101_64x4d",
        "wide_resnet50_2",
        "wide_resnet101_2",
    ),
    "torchvision regnet": _same(
        *(
            f"regnet_x_{size}"
            for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf")
        ),
        *(
            f"regnet_y_{size}"
            for size in ("400mf", "800mf", "1_6gf", "3_2gf", "8gf", "16gf", "32gf", "128gf")
        ),
    ),
    "torchvision video": {
        name: Peer(partial(_video, name), size=(8, 32, 32))
        for name in ("r3d_18", "mc3_18", "r2plus1d_18")
    },
}
