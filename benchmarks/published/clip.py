"""The ResNets among CLIP's picture encoders."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from torch import nn

from .peers import Families, Peer, Repository, module_of

REPOSITORIES = {
    "CLIP": Repository("https://github.com/openai/CLIP", "d05afc436d78f1c48dc0dbf8e5980a9d471f35f6")
}
#: Depths, width, side of the pictures, and numbers put out (Radford et al. 2021, Table 19).
_MODELS = {
    "RN50": ((3, 4, 6, 3), 64, 224, 1024),
    "RN101": ((3, 4, 23, 3), 64, 224, 512),
    "RN50x4": ((4, 6, 10, 6), 80, 288, 640),
    "RN50x16": ((6, 8, 18, 8), 96, 384, 768),
    "RN50x64": ((3, 15, 36, 10), 128, 448, 1024),
}


def _network(name: str, sources: Path) -> nn.Module:
    depths, width, size, numbers = _MODELS[name]
    module = module_of(sources / "CLIP", "clip/model.py")
    network: nn.Module = module.ModifiedResNet(
        depths, numbers, width * 32 // 64, input_resolution=size, width=width
    )
    return network


FAMILIES: Families = {
    "clip": {
        name: Peer(partial(_network, name), size=(size, size))
        for name, (_, _, size, _) in _MODELS.items()
    }
}
