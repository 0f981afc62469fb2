"""`infer_spec` of what only training shows, and of networks in wrappers."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from layout_cases import SMALL
from reference_torchvision import ReferenceResNet
from resforge.weights import infer_spec
from resforge.weights.certify import Comparison
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def test_dropout_is_reported() -> None:
    network = ReferenceResNet("basic", (1, 1), num_classes=5, width=8)
    network.avgpool = nn.Sequential(network.avgpool, nn.Dropout(0.25))
    _, certificate = infer_spec(network)
    assert certificate.assumed == ("dropout of 0.25 is left out",)


class Dropping(ReferenceResNet):
    """Dropout that no module shows."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer2(self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(x))))))
        return self.fc(F.dropout(torch.flatten(self.avgpool(x), 1), 0.2, self.training))


def test_dropout_that_is_a_function_is_reported_or_compared() -> None:
    torch.manual_seed(0)
    network = Dropping("basic", (1, 1), num_classes=5, width=8)
    spec, certificate = infer_spec(network)
    assert certificate.assumed == ("dropout of 0.2 is left out",)
    comparison, names = Comparison(network), {name: name for name in network.state_dict()}
    dropping = comparison.certify(spec.replace({"head.dropout": 0.2}), names)
    assert dropping is not None
    assert dropping.assumed == ()
    assert comparison.certify(spec.replace({"head.dropout": 0.3}), names) is None


@pytest.mark.parametrize(("rule", "mode"), [("linear", "row"), ("constant", "batch")])
def test_stochastic_depth_is_read_from_the_modules(rule: str, mode: str) -> None:
    said = {"rate": 0.25, "rule": rule, "mode": mode}
    spec = rf.ResNetSpec(**SMALL).replace({"stochastic_depth": said})
    found, certificate = infer_spec(rf.build(spec))
    assert found.digest == spec.digest
    assert certificate.assumed == ("stochastic depth is read from its modules, not compared",)


def test_uneven_stochastic_depth_is_reported() -> None:
    model: Any = rf.build(rf.ResNetSpec(**SMALL).replace({"stochastic_depth": 0.3}))
    model.layer1[0].drop_path.rate = 0.2
    found, certificate = infer_spec(model)
    assert found.stochastic_depth is None
    assert certificate.assumed == ("stochastic depth of 0.2, 0.2, 0.3 is left out",)


class Drawing(ReferenceResNet):
    """Draws in training whether the second stage is run; ``chance`` is that it is not."""

    def __init__(self, draw: Callable[[], float], chance: float) -> None:
        super().__init__("basic", (1, 2), num_classes=5, width=8)
        self.draw, self.chance = draw, chance

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer2[0](self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(x))))))
        if not self.training or self.draw() >= self.chance:
            x = self.layer2[1](x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


@pytest.mark.parametrize(
    "draw", [lambda: float(torch.rand(())), random.random, lambda: np.random.rand()]
)
@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_draws_in_code_of_its_own_are_told(draw: Callable[[], float], chance: float) -> None:
    """Whatever the draw of the comparison comes to, and where it draws."""
    with pytest.raises(rf.WeightsError, match="in training it draws random numbers in code"):
        infer_spec(Drawing(draw, chance))


def test_another_training_is_told() -> None:
    with pytest.raises(rf.WeightsError, match="in training it puts out something else"):
        infer_spec(Drawing(lambda: 0.0, 1.0))


@pytest.mark.parametrize("mode", ["batch", "row"])
def test_stochastic_depth_that_scales_in_evaluation(mode: str) -> None:
    spec = rf.load("stochastic_depth_resnet18").replace({"stochastic_depth.mode": mode})
    found, certificate = infer_spec(rf.build(spec))
    assert found.digest == spec.digest
    assert certificate.assumed == ("stochastic depth is read from its modules, not compared",)


def test_frozen_norms_are_reported() -> None:
    found, certificate = infer_spec(rf.freeze_norm(rf.build("digits_resnet8")))
    assert found.name == "digits_resnet8"
    assert certificate.assumed == ("norms are frozen",)


def test_wrappers_and_parts() -> None:
    model = rf.build("digits_resnet8")
    for wrapped in (
        nn.DataParallel(model),
        torch.compile(model, backend="eager"),
        AveragedModel(model),
    ):
        assert infer_spec(wrapped).spec.name == "digits_resnet8"
    holder = nn.ModuleDict({"module": nn.Linear(2, 2), "body": model})
    assert infer_spec(holder, strip="body.").spec.name == "digits_resnet8"
    with pytest.raises(rf.WeightsError, match=r"has no part named 'head\.'"):
        infer_spec(holder, strip="head.")
