"""The names that `infer_spec` has paired carry weights from a module to its spec, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from layout_cases import CASES
from reference_layouts import Cifar, CifarBlock
from reference_resnet_d import Basic, ReferenceResNetD, SEModule
from resforge.planner.plan import lay_out
from resforge.weights import Certificate, infer_spec
from resforge.weights.certify import Comparison
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def trained(network: nn.Module) -> nn.Module:
    """``network`` with weights that differ from each other, in evaluation."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif tensor.is_floating_point():
            tensor.add_(0.1 * torch.randn(tensor.shape, generator=generator))
        else:
            tensor.fill_(7)
    return network.eval()


def there_and_back(network: nn.Module, certificate: Certificate, ours: nn.Module) -> None:
    """Assert that ``ours`` takes the weights of ``network``, and gives the same bits back."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    ours.load_state_dict(certificate.names.to_ours(network.state_dict()))
    for name, tensor in network.state_dict().items():
        if name in certificate.names.values():
            tensor.zero_()
    back = certificate.names.to_theirs(ours.state_dict())
    network.load_state_dict(back, strict=len(back) == len(before))
    now = network.state_dict()
    assert all(torch.equal(now[name], tensor) for name, tensor in before.items())


class Padded(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, x.shape[1]))


def padded_at_the_end() -> nn.Module:
    """Names whose usual code pads on both sides."""
    network = Cifar()
    network.layer2[0].shortcut = Padded()
    return network


def other_eps() -> nn.Module:
    network = Cifar()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3
    return network


class Renamed(nn.Module):
    """CIFAR's ResNet-20 under names of its own, with a 1x1 convolution at the end."""

    def __init__(self) -> None:
        super().__init__()
        usual = Cifar((3, 3, 3), width=16)
        self.stem_conv, self.stem_norm = usual.conv1, usual.bn1
        self.s1, self.s2, self.s3 = usual.layer1, usual.layer2, usual.layer3
        for stage in (self.s2, self.s3):
            stage[0].shortcut = Padded()
        self.out = nn.Conv2d(64, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.s3(self.s2(self.s1(F.relu(self.stem_norm(self.stem_conv(x))))))
        return self.out(F.adaptive_avg_pool2d(x, 1)).flatten(1)


class Gate(nn.Sequential):
    """Squeeze-and-excitation, whose layers are 1 and 3."""

    def __init__(self, module: SEModule) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(1), module.fc1, nn.ReLU(), module.fc2, nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * super().forward(x)


def excited() -> nn.Module:
    network = ReferenceResNetD(Basic, (1, 1, 1, 1), attention="se8", num_classes=5)
    for module in [*network.modules()]:
        if isinstance(module, Basic):
            module.se = Gate(module.se)
    return network


@pytest.mark.parametrize("make", [padded_at_the_end, other_eps, Renamed, excited])
def test_weights_of_ones_own_module(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    network = trained(make())
    spec, certificate = infer_spec(network)
    ours = rf.build(spec).eval()
    there_and_back(network, certificate, ours)
    pictures = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours(pictures), network(pictures))  # the certificate says how close


@pytest.mark.parametrize("name", CASES)
def test_weights_under_the_names_of_each_layout(name: str) -> None:
    network = trained(CASES[name][1]())
    spec, certificate = infer_spec(network)
    assert list(certificate.names) == list(rf.build(spec, device="meta").state_dict())
    there_and_back(network, certificate, rf.build(spec))


@pytest.mark.parametrize(
    "wrapped",
    [
        nn.DataParallel,
        AveragedModel,
        lambda model: torch.compile(model, backend="eager"),
        lambda model: nn.ModuleDict({"other": nn.Linear(2, 2), "body": model}),
    ],
    ids=["parallel", "averaged", "compiled", "part"],
)
def test_names_are_those_of_the_module_that_is_given(wrapped: Any) -> None:
    network = wrapped(trained(padded_at_the_end()))
    strip = "body." if isinstance(network, nn.ModuleDict) else ""
    spec, certificate = infer_spec(network, strip=strip)
    there_and_back(network, certificate, rf.build(spec))


def test_a_state_dict_of_another_network() -> None:
    network = Cifar()
    spec, certificate = infer_spec(network)
    names, ours = certificate.names, rf.build(spec)
    assert names["fc.weight"] == "linear.weight"
    with pytest.raises(rf.WeightsError, match=r"not of the module: lacks 2 tensors: linear"):
        names.to_ours({k: v for k, v in network.state_dict().items() if "linear" not in k})
    with pytest.raises(rf.WeightsError, match=r"not of the network of the spec: lacks \d+ tensors"):
        names.to_theirs(network.state_dict())
    wider = {**ours.state_dict(), "fc.bias": torch.zeros(7)}
    with pytest.raises(rf.WeightsError, match=r"fc\.bias is 7, not 5"):
        names.to_theirs(wider)
    with pytest.raises(rf.SpecError, match="takes a state dict, not Cifar"):
        names.to_ours(network)  # type: ignore[arg-type]
    # Checkpoints of torch before 0.4.1 have no counters.
    old = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    ours.load_state_dict(names.to_ours(old))


class Twice(nn.Module):
    """One block that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = nn.Sequential(CifarBlock(8, 8, 1))
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer1(self.layer1(F.relu(self.bn1(self.conv1(x)))))
        return self.fc(x.mean((2, 3)))


def test_a_tensor_stands_for_one() -> None:
    """The network of the spec would be trained as another one."""
    stages = [{"depth": 2, "width": 8, "stride": 1}]
    tree: dict[str, Any] = {"stem": {"kind": "conv3x3", "width": 8}, "stages": stages}
    spec = rf.ResNetSpec(resforge=1, **tree, head={"kind": "classifier", "num_classes": 5})
    names = {name: name.replace("layer1.1.", "layer1.0.") for name in lay_out(spec).state_dict}
    assert Comparison(Twice()).certify(spec, names) is None


def test_names_of_a_state_dict_are_not_paired() -> None:
    """Its function is assumed: `load_weights` says so, or refuses it."""
    state = padded_at_the_end().state_dict()
    names = infer_spec(state).certificate.names
    assert not names
    with pytest.raises(rf.WeightsError, match="compared no module"):
        names.to_ours(state)
