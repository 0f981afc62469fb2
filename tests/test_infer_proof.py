"""`infer_spec` certifies what is the same network, and nothing that is nearly one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import resforge as rf
import torch
import torch.nn.functional as F
from layout_cases import SMALL
from reference_layouts import Cifar
from reference_torchvision import ReferenceResNet
from resforge.blocks import StandardizedConv2d
from resforge.planner.plan import lay_out
from resforge.weights import infer_spec
from resforge.weights.catalogued import Shown, catalogued, namings
from resforge.weights.specimen import Picture, Specimen
from torch import Tensor, nn


def test_the_catalogues_own_words() -> None:
    spec, certificate = infer_spec(rf.build("cifar_resnet20"))
    assert spec == rf.load("cifar_resnet20")
    assert str(certificate) == (
        "same outputs bit for bit, from random weights and pictures of 32x32, 29x37 and 16x16"
    )


class PaddedCifar(Cifar):
    """Zeros for the channels that come new, on either side, and a pool for 32x32 pictures."""

    def __init__(self) -> None:
        super().__init__((1, 1, 1))
        for stage in (self.layer2, self.layer3):
            stage[0].shortcut = _Padding()

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.avg_pool2d(self.layer3(self.layer2(self.layer1(x))), 8)
        return self.linear(x[..., 0, 0])


class _Padding(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        quarter = x.shape[1] // 2
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, quarter, quarter))


def test_what_is_functional_is_tried() -> None:
    spec, certificate = infer_spec(nn.DataParallel(PaddedCifar()))
    assert spec.shortcut.change.model_dump() == {
        "kind": "zero_pad",
        "pad": "both",
        "subsample": "pixel",
    }
    assert certificate.sizes == ((32, 32),)
    assert certificate.difference < 1e-6


def test_a_network_for_one_size_alone() -> None:
    class Cut(Cifar):
        def forward(self, x: Tensor) -> Tensor:
            x = self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))
            return self.linear(F.avg_pool2d(x[..., :16, :16], x.shape[-2:]).flatten(1))

    class Corner(Cifar):
        def forward(self, x: Tensor) -> Tensor:
            x = self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))
            return self.linear(x[..., :15, :16].mean((2, 3)))

    _, certificate = infer_spec(Cut())
    assert (certificate.sizes, certificate.unlike) == (((32, 32), (16, 16)), ())
    with pytest.raises(rf.WeightsError, match="none puts out the same"):
        infer_spec(Corner())


def test_a_network_for_small_pictures_alone() -> None:
    def refuse(_: nn.Module, x: Tensor) -> Tensor:
        assert max(x.shape[2:]) <= 40
        return x

    assert infer_spec(Bent(before=refuse)).certificate.sizes == ((32, 32), (29, 37), (16, 16))


def test_a_network_for_pictures_that_divide() -> None:
    def refuse(_: nn.Module, x: Tensor) -> Tensor:
        assert x.shape[2] % 128 == 0
        return x

    assert infer_spec(Bent(before=refuse)).certificate.sizes == ((256, 256),)


class Scaled(ReferenceResNet):
    """One factor more than the language has."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 1.001


def test_what_the_language_has_no_word_for() -> None:
    with pytest.raises(rf.WeightsError, match="specs with them none puts out the same"):
        infer_spec(Scaled("basic", (1, 1), num_classes=5, width=8))
    wrong_stem = ReferenceResNet("basic", (1, 1), width=8)
    wrong_stem.conv1 = nn.Conv2d(3, 8, 5, 2, 2, bias=False)
    with pytest.raises(rf.WeightsError, match=r"sides \[5\]; no stem of the language"):
        infer_spec(wrong_stem)
    with pytest.raises(rf.WeightsError, match=r"it holds encoder\.weight, a layer"):
        infer_spec(nn.ModuleDict({"encoder": nn.Linear(2, 2)}))
    with pytest.raises(rf.WeightsError):
        infer_spec({})
    with pytest.raises(rf.SpecError, match="takes a module or a state dict, not str"):
        infer_spec("resnet18")  # type: ignore[arg-type]


class Bent(ReferenceResNet):
    """A reference network that does something else as well."""

    def __init__(self, before: Any = None, after: Any = None) -> None:
        super().__init__("basic", (1, 1), num_classes=5, width=8)
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        if self.before is not None:
            x = self.before(self, x)
        x = super().forward(x)
        return x if self.after is None else self.after(self, x)


class SizeOfWeight(nn.BatchNorm2d):
    """A norm that multiplies by the size of its weight, whatever its sign."""

    def forward(self, x: Tensor) -> Tensor:
        given = (self.running_mean, self.running_var, self.weight.abs(), self.bias)
        return F.batch_norm(x, *given, self.training, self.momentum or 0.0, self.eps)


class ClampedWeight(nn.BatchNorm2d):
    """A norm whose weight is limited."""

    def forward(self, x: Tensor) -> Tensor:
        given = (self.running_mean, self.running_var, self.weight.clamp(-2, 2), self.bias)
        return F.batch_norm(x, *given, self.training, self.momentum or 0.0, self.eps)


class Limited(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x).clamp(max=30.0)


class PooledFirst(ReferenceResNet):
    """relu(norm(pool(conv(x)))): the same as pooling last where no norm's weight is negative."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.maxpool(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def _with_norms(kind: type[nn.BatchNorm2d]) -> nn.Module:
    network = Bent()
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = kind
    return network


def _limited() -> nn.Module:
    spec = rf.ResNetSpec(**SMALL).replace({"norm": {"kind": "group", "groups": 4}})
    model = rf.build(spec)
    model.set_submodule("layer2.0.relu1", Limited())
    return model


def _noise(network: nn.Module, x: Tensor) -> Tensor:
    return x + 0.01 * torch.randn_like(x) if network.training else x


STRANGE: dict[str, Callable[[], nn.Module]] = {
    "clamp": lambda: Bent(after=lambda _, y: y.clamp(max=30.0)),
    "clamp behind group norms": _limited,
    "threshold": lambda: Bent(before=lambda _, x: F.hardshrink(x, 1e-3)),
    "factor": lambda: Bent(after=lambda _, y: y * 1.00005),
    "offset": lambda: Bent(after=lambda _, y: y + 1e-6),
    "noise": lambda: Bent(before=_noise),
    "size of the weight": lambda: _with_norms(SizeOfWeight),
    "pool before norm": lambda: PooledFirst("basic", (1, 1), num_classes=5, width=8),
    "flipped": lambda: Bent(before=lambda _, x: x.flip(-1)),
    "eps": lambda: Bent(before=lambda _, x: x / (1 + 1e-7)),
    "pictures in 0 to 1": lambda: Bent(before=lambda _, x: x / 255 if x.min() >= 0 else x),
    "single pictures": lambda: Bent(after=lambda _, y: y.squeeze()),
    "larger batches": lambda: Bent(after=lambda _, y: y * 2 if len(y) > 2 else y),
    "with gradients": lambda: Bent(after=lambda _, y: y * (1 + torch.is_grad_enabled())),
    "no gradient": lambda: Bent(before=lambda _, x: x + 0 * x.detach() - (x - x.detach())),
    "large weights": lambda: _with_norms(ClampedWeight),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_network_that_is_nearly_one_of_the_language_is_refused(name: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(rf.WeightsError, match=r"none puts out the same|but in training it"):
        infer_spec(STRANGE[name]())


def test_a_network_of_single_precision_alone() -> None:
    single = Bent(before=lambda _, x: x.float())
    assert infer_spec(single).certificate.kind == "bitwise"


def test_a_network_of_which_a_part_is_rounded() -> None:
    rounded = Bent(after=lambda _, y: y.float().to(y.dtype))
    assert infer_spec(rounded).certificate.assumed == ("compared in single precision only",)
    with pytest.raises(rf.WeightsError, match="none puts out the same"):
        infer_spec(Bent(after=lambda _, y: y.float().to(y.dtype) * 1.0001))
    with pytest.raises(rf.WeightsError, match="none puts out the same"):
        infer_spec(Bent(after=lambda _, y: y * 1.000001))


def test_a_network_with_a_part_of_torchscript() -> None:
    model = rf.build("digits_resnet8")
    with pytest.warns((DeprecationWarning, FutureWarning), match="torch.compile"):
        model.fc = torch.jit.script(model.fc)
    spec, certificate = infer_spec(model)
    assert (spec.name, certificate.kind) == ("digits_resnet8", "bitwise")


def test_entries_whose_head_has_no_classes_are_looked_at() -> None:
    entry = rf.load("resnet50_clip_gap")
    shown = Shown.of(lay_out(entry).state_dict, (3, 4, 6, 3))
    assert entry in catalogued(shown)


def test_weights_may_lack_sides_of_one() -> None:
    plan = lay_out(rf.load("gcresnext26ts"))
    ours = plan.state_dict
    shapes = {name: s[:1] if s[1:] == (1, 1) else s for name, s in ours.items()}
    assert shapes != ours
    assert {name: name for name in shapes} in [*namings(plan, shapes)]


def test_hundreds_of_layers_are_compared_with_numbers_of_ordinary_size() -> None:
    deep = nn.Sequential(*(nn.Conv2d(8, 8, 1, bias=False) for _ in range(300)))
    specimen, picture = Specimen.drawn(deep, torch.float32), Picture(8, (2, 2), torch.float32)
    found = specimen.output(picture)
    assert found is not None
    assert not found.isfinite().all()
    specimen.settle(picture)
    found = specimen.output(picture)
    assert found is not None
    assert 1e-9 < found.abs().max() <= 10
    weight = specimen.given["0.weight"].clone()
    specimen.settle(picture._replace(scales=(1e9,)))
    assert torch.equal(specimen.given["0.weight"], weight)


def test_what_does_not_shrink_with_its_weights_is_left() -> None:
    standardised = nn.Sequential(StandardizedConv2d(8, 8, 1), nn.BatchNorm2d(8))
    specimen, picture = (
        Specimen.drawn(standardised, torch.float32),
        Picture(8, (2, 2), torch.float32),
    )
    weight = specimen.given["0.weight"].clone()
    specimen.settle(picture._replace(scales=(1e9,)))
    assert torch.equal(specimen.given["0.weight"], weight)


def test_a_network_without_weights() -> None:
    with pytest.raises(rf.WeightsError, match="is on 'meta'"):
        infer_spec(rf.build("digits_resnet8", device="meta"))


def tied_weights(network: nn.Module) -> None:
    network.get_submodule("layer1.1.conv1").weight = network.get_submodule("layer1.0.conv1").weight


def tied_blocks(network: nn.Module) -> None:
    network.layer1[1] = network.layer1[0]  # type: ignore[operator, index]


@pytest.mark.parametrize("tie", [tied_weights, tied_blocks])
def test_a_tensor_of_several_names_is_refused(tie: Callable[[nn.Module], None]) -> None:
    """Its gradient is the sum of theirs."""
    network = rf.build("cifar_resnet20", seed=0)
    tie(network)
    message = r"layer1\.0\.conv1\.weight and layer1\.1\.conv1\.weight are one tensor"
    with pytest.raises(rf.WeightsError, match=message):
        infer_spec(network)
