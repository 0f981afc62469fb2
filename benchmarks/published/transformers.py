"""The residual networks of Hugging Face's transformers, as their published configurations are."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..reference import torchvision_models
from .peers import Families, Peer

PACKAGES = ("transformers",)
#: A published model: class of its configuration, what differs from that, name in the catalogue.
_MODELS: dict[str, tuple[str, dict[str, Any], str]] = {
    "microsoft/resnet-18": (
        "ResNet",
        {"layer_type": "basic", "depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512]},
        "resnet18",
    ),
    "microsoft/resnet-26": ("ResNet", {"depths": [2, 2, 2, 2]}, "resnet26"),
    "microsoft/resnet-34": (
        "ResNet",
        {"layer_type": "basic", "depths": [3, 4, 6, 3], "hidden_sizes": [64, 128, 256, 512]},
        "resnet34",
    ),
    "microsoft/resnet-50": ("ResNet", {"depths": [3, 4, 6, 3]}, "resnet50"),
    "microsoft/resnet-101": ("ResNet", {"depths": [3, 4, 23, 3]}, "resnet101"),
    "microsoft/resnet-152": ("ResNet", {"depths": [3, 8, 36, 3]}, "resnet152"),
    "facebook/regnet-x-040": (
        "RegNet",
        {
            "layer_type": "x",
            "depths": [2, 5, 14, 2],
            "hidden_sizes": [80, 240, 560, 1360],
            "groups_width": 40,
        },
        "regnetx_040",
    ),
    "facebook/regnet-y-040": (
        "RegNet",
        {
            "layer_type": "y",
            "depths": [2, 6, 12, 2],
            "hidden_sizes": [128, 192, 512, 1088],
            "groups_width": 64,
        },
        "regnety_040",
    ),
    "google/bit-50": ("Bit", {}, "resnetv2_50x1_bit"),
}


def _network(kind: str, options: dict[str, Any], _: Path) -> nn.Module:
    torchvision_models()  # whose import beside a CPU build of torch needs preparation
    transformers = import_module("transformers")
    config = getattr(transformers, f"{kind}Config")(num_labels=1000, **options)
    network: nn.Module = getattr(transformers, f"{kind}ForImageClassification")(config)
    return network


def _logits(network: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = network(x).logits
    return y


FAMILIES: Families = {
    "transformers": {
        name: Peer(partial(_network, kind, options), entry, call=_logits)
        for name, (kind, options, entry) in _MODELS.items()
    }
}
