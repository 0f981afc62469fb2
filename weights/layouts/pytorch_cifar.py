"""The names of CIFAR networks after kuangliu/pytorch-cifar.

They are torchvision's, except that the projection is ``shortcut`` and the head ``linear``.
Networks of these names without projections take every second pixel and pad zeros on both sides
(akamaster/pytorch_resnet_cifar10, resnet.py: ``LambdaLayer``).
"""

from __future__ import annotations

from typing import Any

from ...specs.network import ResNetSpec
from ..naming import Form, shallow

WORDS = "those of pytorch-cifar and its kin"

FORMS = (
    Form(
        (
            ("conv1", "conv1"),
            ("bn1", "bn1"),
            ("layer{s}.{b}.conv{n}", "layer{s}.{b}.conv{n}"),
            ("layer{s}.{b}.bn{n}", "layer{s}.{b}.bn{n}"),
            ("layer{s}.{b}.downsample.{n}", "layer{s}.{b}.shortcut.{n}"),
            ("fc", "linear"),
        ),
        shallow,
    ),
)


def implied(spec: ResNetSpec) -> ResNetSpec:
    """``spec`` with the zero-padding of this code."""
    tree = spec.model_dump(mode="json")
    _pad_both_sides(tree)
    return ResNetSpec(**tree)


def _pad_both_sides(tree: Any) -> None:
    if isinstance(tree, dict):
        if tree.get("kind") == "zero_pad":
            tree |= {"pad": "both", "subsample": "pixel"}
        for value in tree.values():
            _pad_both_sides(value)
    elif isinstance(tree, list):
        for value in tree:
            _pad_both_sides(value)
