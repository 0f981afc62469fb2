"""`infer_spec` of networks under the names of each layout, as modules and as state dicts."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from layout_cases import CASES
from reference_resnet_d import Basic, Bottleneck, ReferenceResNetD
from resforge.blocks import SameAvgPool2d
from resforge.weights import infer_spec
from torch import Tensor, nn

#: What their blocks stride by has no tensors, so that a state dict does not show it.
NOT_SHOWN = ("timm_resnest", "blurred")


@pytest.mark.parametrize("name", CASES)
def test_a_module(name: str) -> None:
    _, make, tree = CASES[name]
    torch.manual_seed(0)
    network = make().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    spec, certificate = infer_spec(network)
    assert spec.digest == rf.ResNetSpec(**tree).digest
    assert certificate.kind == "bitwise"
    assert not certificate.unlike
    assert all(module.training for module in network.modules())
    assert all(torch.equal(before[key], now) for key, now in network.state_dict().items())


@pytest.mark.parametrize("name", [name for name in CASES if name not in NOT_SHOWN])
def test_a_state_dict(name: str) -> None:
    _, make, tree = CASES[name]
    spec, certificate = infer_spec(make().state_dict())
    assert spec.digest == rf.ResNetSpec(**tree).digest
    assert certificate.kind == "names"
    assert any(text.startswith("strides 1x2") for text in certificate.assumed)


def test_attention_as_timm_rounds_it() -> None:
    network = ReferenceResNetD(Basic, (2, 2, 2, 2), attention="se8")
    assert infer_spec(network).spec == rf.load("seresnet18_timm")
    assert infer_spec(network.state_dict()).spec.name == "seresnet18_timm"


class FixupBlock(nn.Module):
    """Convolutions between offsets that belong to no layer."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        for name in ("bias1a", "bias1b", "bias2a", "bias2b"):
            setattr(self, name, nn.Parameter(torch.zeros(1)))
        self.scale = nn.Parameter(torch.ones(1))
        self.stride = 1 if channels == width else 2
        self.conv1 = nn.Conv2d(channels, width, 3, self.stride, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        shifted = x + self.bias1a
        y = F.relu(self.conv1(shifted) + self.bias1b)
        y = self.conv2(y + self.bias2a) * self.scale + self.bias2b
        if self.stride == 2:
            x = F.pad(shifted[:, :, ::2, ::2], (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
        return F.relu(y + x)


class Fixup(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bias1, self.bias2 = (nn.Parameter(torch.zeros(1)) for _ in range(2))
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.layer1 = nn.Sequential(FixupBlock(16, 16), FixupBlock(16, 16))
        self.layer2 = nn.Sequential(FixupBlock(16, 32))
        self.layer3 = nn.Sequential(FixupBlock(32, 64))
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x) + self.bias1)
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)) + self.bias2)


def test_numbers_beside_layers_have_names_of_their_own() -> None:
    spec, _ = infer_spec(Fixup())
    fixup = rf.load("fixup_resnet20")
    depths = {f"stages[{number}].depth": depth for number, depth in enumerate((2, 1, 1))}
    assert spec.digest == fixup.replace({**depths, "init": spec.init}).digest


def test_half_a_state_dict() -> None:
    state = rf.build("resnet18").state_dict()
    del state["layer3.1.conv2.weight"]
    with pytest.raises(rf.WeightsError, match=r"layer3\.1 has convolutions of sides \[3\]"):
        infer_spec(state)
    state = rf.build("resnet18").state_dict()
    del state["layer3.1.bn1.bias"]
    with pytest.raises(rf.WeightsError, match=r"it lacks layer3\.1\.bn1\.bias"):
        infer_spec(state)


@pytest.mark.parametrize(("block", "output_stride"), [(Basic, 16), (Bottleneck, 8)])
def test_the_pool_of_a_dilated_shortcut(
    block: type[Basic | Bottleneck], output_stride: int
) -> None:
    """timm's: bottlenecks show the dilation of their stage in their second block alone."""
    parts: dict[str, Any] = {"avg_down": True, "num_classes": 5, "output_stride": output_stride}
    spec, certificate = infer_spec(ReferenceResNetD(block, (1, 1, 2, 2), **parts))
    assert not certificate.assumed
    pooled = [
        name for name, module in rf.build(spec).named_modules() if isinstance(module, SameAvgPool2d)
    ]
    dilated = ["layer3.0.downsample.0", "layer4.0.downsample.0"]
    assert pooled == dilated[2 - len(pooled) :]
    assert len(pooled) == 16 // output_stride


def test_an_average_pool_that_is_not_the_languages() -> None:
    network = ReferenceResNetD(Basic, (1, 1, 1, 1), avg_down=True, num_classes=5)
    network.layer2[0].downsample[0] = nn.AvgPool2d(3, 2, 1)
    with pytest.raises(rf.WeightsError, match="none puts out the same"):
        infer_spec(network)
