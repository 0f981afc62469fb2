"""Where published networks come from. Nothing is imported from a peer before it is asked for."""

from __future__ import annotations

from . import (
    attention_module,
    cifar,
    clip,
    fixup,
    kenshohara,
    medicalnet,
    mmpretrain,
    monai,
    signals,
    timm,
    torchvision,
    transformers,
    weight_standardization,
)

#: Each has ``FAMILIES``, and ``PACKAGES`` or ``REPOSITORIES``: names of distributions, or of
#: folders, that it needs.
SOURCES = {
    "torchvision": torchvision,
    "timm": timm,
    "transformers": transformers,
    "mmpretrain": mmpretrain,
    "clip": clip,
    "kenshohara": kenshohara,
    "medicalnet": medicalnet,
    "monai": monai,
    "fixup": fixup,
    "weight_standardization": weight_standardization,
    "attention-module": attention_module,
    **cifar.SOURCES,
    "signals": signals,
}
