"""The residual networks of mmpretrain's model zoo, one configuration for each network."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path

from torch import nn

from ..reference import torchvision_models
from .peers import Families, Peer

PACKAGES = ("mmpretrain", "mmcv-lite", "mmengine", "torchvision")
#: A model of the zoo, and the catalogue's name for its network.
_MODELS = {
    "resnet18_8xb32_in1k": "resnet18",
    "resnet34_8xb32_in1k": "resnet34",
    "resnet50_8xb32_in1k": "resnet50",
    "resnet101_8xb32_in1k": "resnet101",
    "resnet152_8xb32_in1k": "resnet152",
    "resnetv1c50_8xb32_in1k": "resnet50c",
    "resnetv1c101_8xb32_in1k": "resnet101c",
    "resnetv1c152_8xb32_in1k": "resnet152c",
    "resnetv1d50_8xb32_in1k": "resnet50d",
    "resnetv1d101_8xb32_in1k": "resnet101d",
    "resnetv1d152_8xb32_in1k": "resnet152d",
    "resnext50-32x4d_8xb32_in1k": "resnext50_32x4d",
    "resnext101-32x4d_8xb32_in1k": "resnext101_32x4d",
    "resnext101-32x8d_8xb32_in1k": "resnext101_32x8d",
    "resnext152-32x4d_8xb32_in1k": "resnext152_32x4d",
    "seresnet50_8xb32_in1k": "seresnet50",
    "seresnet101_8xb32_in1k": "seresnet101",
    "wide-resnet50_3rdparty_8xb32_in1k": "wide_resnet50_2",
    "wide-resnet101_3rdparty_8xb32_in1k": "wide_resnet101_2",
    "regnetx-400mf_8xb128_in1k": "regnetx_400mf",
    "regnetx-800mf_8xb128_in1k": "regnetx_800mf",
    "regnetx-1.6gf_8xb128_in1k": "regnetx_1_6gf",
    "regnetx-3.2gf_8xb64_in1k": "regnetx_3_2gf",
    "regnetx-4.0gf_8xb64_in1k": "regnetx_4_0gf",
    "regnetx-6.4gf_8xb64_in1k": "regnetx_6_4gf",
    "regnetx-8.0gf_8xb64_in1k": "regnetx_8_0gf",
    "regnetx-12gf_8xb64_in1k": "regnetx_12gf",
    "res2net50-w14-s8_3rdparty_8xb32_in1k": "res2net50_14w_8s",
    "res2net50-w26-s8_3rdparty_8xb32_in1k": "res2net50_26w_8s",
    "res2net101-w26-s4_3rdparty_8xb32_in1k": "res2net101_26w_4s",
    "resnet18_8xb16_cifar10": "ResNet18_kuangliu",
    "resnet34_8xb16_cifar10": "ResNet34_kuangliu",
    "resnet50_8xb16_cifar10": "ResNet50_kuangliu",
    "resnet101_8xb16_cifar10": "ResNet101_kuangliu",
    "resnet152_8xb16_cifar10": "ResNet152_kuangliu",
}


def _network(name: str, _: Path) -> nn.Module:
    torchvision_models()  # whose import beside a CPU build of torch needs preparation
    network: nn.Module = import_module("mmpretrain").get_model(name, pretrained=False)
    return network


FAMILIES: Families = {
    "mmpretrain": {name: Peer(partial(_network, name), entry) for name, entry in _MODELS.items()}
}
