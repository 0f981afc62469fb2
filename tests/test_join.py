"""What a spec says arrives in the module: every kind of norm and activation, field by field."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
from resforge.specs import ACTIVATIONS
from torch import nn

CLASSES = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "hardswish": nn.Hardswish,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "none": nn.Identity,
    "celu": nn.CELU,
    "prelu": nn.PReLU,
    "hardsigmoid": nn.Hardsigmoid,
    "hardtanh": nn.Hardtanh,
    "sigmoid": nn.Sigmoid,
}


def built(change: dict[str, Any]) -> nn.Module:
    return rf.build(rf.load("digits_resnet8").replace(change), device="meta")


def test_every_activation_has_its_module() -> None:
    assert tuple(CLASSES) == ACTIVATIONS


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name: str) -> None:
    model = built({"activation": name})
    for place in ("relu", "layer1.0.relu1", "layer3.0.relu"):
        assert type(model.get_submodule(place)) is CLASSES[name]


def norms(model: nn.Module, kind: type[nn.Module]) -> list[Any]:
    return [module for module in model.modules() if isinstance(module, kind)]


def test_batch_norm() -> None:
    model = built({"norm": {"kind": "batch", "eps": 1e-3, "momentum": 0.01}})
    found = norms(model, nn.BatchNorm2d)
    assert {(norm.eps, norm.momentum) for norm in found} == {(1e-3, 0.01)}
    assert len(found) == 7


def test_group_norm() -> None:
    model = built({"norm": {"kind": "group", "groups": 4, "eps": 1e-3}})
    found = norms(model, nn.GroupNorm)
    assert {(norm.eps, norm.num_groups) for norm in found} == {(1e-3, 4)}
    assert len(found) == 7


def test_no_norm() -> None:
    model = built({"norm": "none"})
    assert not norms(model, nn.BatchNorm2d)
    assert all(conv.bias is not None for conv in norms(model, nn.Conv2d))


def test_dropout() -> None:
    assert built({"head.dropout": 0.25}).dropout.p == 0.25
    assert not hasattr(built({}), "dropout")


@pytest.mark.parametrize("pad", ["end", "both"])
def test_pad(pad: str) -> None:
    model = built({"shortcut": {"kind": "zero_pad", "pad": pad}})
    assert model.layer2[0].downsample.pad == pad


def test_pool_and_bias_of_the_stem() -> None:
    spec = rf.load("resnet18")
    plain = rf.build(spec.replace({"stem.pool": "none", "stem.bias": True}), device="meta")
    assert plain.conv1.bias is not None
    assert not hasattr(plain, "maxpool")
    assert isinstance(rf.build(spec, device="meta").maxpool, nn.MaxPool2d)
