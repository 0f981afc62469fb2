"""The networks of joe-siyuan-qiao/WeightStandardization for ImageNet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from .peers import Families, Peer, Repository, on_path

REPOSITORIES = {
    "weight_standardization": Repository(
        "https://github.com/joe-siyuan-qiao/pytorch-classification",
        "e6355f829e85ac05a71b8889f4fff77b9ab95d0b",
    )
}


def _network(module: str, make: Callable[[ModuleType], Any], folder: Path) -> nn.Module:
    with on_path(folder / "weight_standardization"):
        network: nn.Module = make(import_module(f"models.imagenet.{module}"))
    return network


def _resnext(depth: int) -> Peer:
    # They pool squares of 7x7, so that they take pictures of one size.
    make = partial(_network, "resnext", lambda m: getattr(m, f"l_resnext{depth}")(4, 32))
    why = "the mean of the last map is that of a 7x7 pool there, added up in another order"
    return Peer(make, size=(224, 224), tolerance=1e-6, why=why)


FAMILIES: Families = {
    "weight standardisation": {
        "l_resnet50": Peer(partial(_network, "resnet", lambda m: m.l_resnet50())),
        "l_resnet101": Peer(partial(_network, "resnet", lambda m: m.l_resnet101())),
        "l_resnext50": _resnext(50),
        "l_resnext101": _resnext(101),
    }
}
