"""The ResNets of the authors of CBAM and BAM."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path

from torch import nn

from .peers import Families, Peer, Repository, on_path

REPOSITORIES = {
    "attention-module": Repository(
        "https://github.com/Jongchan/attention-module", "459efad0e05ee7dde50c41ca10a3d0800bc3792a"
    )
}
_WHY = "weights of channels are those of linear layers there, which add in another order"


def _network(depth: int, attention: str, folder: Path) -> nn.Module:
    with on_path(folder / "attention-module"):
        # It reads a name that it never defines.
        import_module("MODELS.bam").gate_activation = None  # type: ignore[attr-defined]
        made = import_module("MODELS.model_resnet")
        network: nn.Module = made.ResidualNet("ImageNet", depth, 1000, attention)
    return network


FAMILIES: Families = {
    "CBAM and BAM": {
        f"resnet{depth}_{kind.lower()}": Peer(
            partial(_network, depth, kind), size=(224, 224), tolerance=1e-5, why=_WHY
        )
        for kind in ("CBAM", "BAM")
        for depth in (18, 34, 50, 101)
    }
}
