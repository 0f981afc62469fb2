"""`infer_spec` of networks of the catalogue: as they are, with other numbers, under any names."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
from resforge.planner.catalogue import networks
from resforge.planner.plan import lay_out
from resforge.weights import infer_spec
from resforge.weights.catalogued import Shown, catalogued, namings
from resforge.weights.observed import depths_of
from torch import Tensor, nn


def shown(spec: rf.ResNetSpec) -> Shown:
    shapes = lay_out(spec).state_dict
    return Shown.of(shapes, depths_of(shapes))


def test_every_entry_is_a_candidate_of_its_own_tensors() -> None:
    for name in networks()[::11]:
        spec = rf.load(name).replace({"stochastic_depth": None})
        found = [each for each in catalogued(shown(spec)) if each.name]
        assert spec in found, name
        assert all(shown(each).params == shown(spec).params for each in found)


CHANGES: dict[str, dict[str, Any]] = {
    "classes": {"head.num_classes": 7},
    "channels": {"in_channels": 1},
    "no head": {"head": None},
    "depths": {"stages[0].depth": 1, "stages[3].depth": 5},
    "all": {"in_channels": 4, "head.num_classes": 10, "stages[1].depth": 3},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["resnet18", "resnet50d", "seresnet34"])
def test_an_entry_with_other_numbers(name: str, change: str) -> None:
    spec = rf.load(name).replace({**CHANGES[change], "name": ""})
    assert spec.digest in {each.digest for each in catalogued(shown(spec))}


def test_other_numbers_are_proved() -> None:
    changes = {"head.num_classes": 7, "in_channels": 1, "stages[2].depth": 2}
    spec = rf.load("cifar_resnet20").replace(changes)
    found, certificate = infer_spec(rf.build(spec))
    assert (found.digest, found.name, certificate.kind) == (spec.digest, "", "bitwise")


@pytest.mark.parametrize("name", ["res2net50_26w_4s", "skresnet18", "resnetaa34d"])
def test_parts_of_an_entry_in_other_widths(name: str) -> None:
    stages = [{"depth": 1, "width": 64}, {"depth": 2, "width": 64, "stride": 2}]
    spec = rf.load(name).replace({"stages": stages, "head.num_classes": 3, "name": ""})
    found, certificate = infer_spec(rf.build(spec))
    assert (found.digest, certificate.kind) == (spec.digest, "bitwise")


class Strange(nn.Module):
    """A network whose layers are numbered in the order of its state dict."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.hidden = [network]
        for number, module in enumerate(m for m in network.modules() if not [*m.children()]):
            self.add_module(f"{'abc'[number % 3]}{number}", module)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.hidden[0](x)
        return y


class Convolution(nn.Module):
    """A last layer that is a 1x1 convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(64, 10, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x[..., None, None]).flatten(1)
        return y


def test_names_of_no_layout() -> None:
    torch.manual_seed(0)
    found, certificate = infer_spec(Strange(rf.build("cifar_resnet20")))
    assert (found.name, certificate.kind) == ("cifar_resnet20", "bitwise")
    network: Any = rf.build("cifar_resnet20")
    network.fc = Convolution()
    found, certificate = infer_spec(Strange(network))
    assert found.name == "cifar_resnet20"
    assert certificate.difference < 1e-6


class Doubled(Strange):
    """What no spec says."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def test_the_order_of_tensors_alone_certifies_nothing() -> None:
    with pytest.raises(rf.WeightsError, match="no spec for this network"):
        infer_spec(Doubled(rf.build("cifar_resnet20")))


def test_namings_need_every_tensor() -> None:
    plan = lay_out(rf.load("cifar_resnet20"))
    shapes = dict(plan.state_dict)
    assert next(namings(plan, shapes)) == {name: name for name in shapes}
    shapes["more"] = (3,)
    assert not [*namings(plan, shapes)]
