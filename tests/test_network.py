"""The whole network: torchvision's names and outputs, and ordinary in every other way."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import resforge as rf
import torch
from conversions import each_conversion
from reference_d2l import native_state_dict, reference_d2l_resnet18
from reference_torchvision import EXPANSION, ReferenceResNet
from resforge import blocks
from resforge.blocks import (
    BasicBlock,
    Bottleneck,
    Classifier,
    Conv3x3Stem,
    Conv7x7Stem,
    DeepStem,
    NoNorm,
    Projection,
    Residual,
    ResNet,
    ZeroPad,
)
from torch import Tensor, nn

Kind = Literal["basic", "bottleneck"]


def draw_images(size: int = 40, channels: int = 3) -> Tensor:
    return torch.randn(2, channels, size, size, generator=torch.Generator().manual_seed(0))


def make_network(
    kind: Kind,
    depths: Sequence[int],
    *,
    width: int = 8,
    groups: int = 1,
    width_per_group: int = 64,
    deep_base: bool = False,
) -> ResNet:
    """The network of `ReferenceResNet`, from our blocks alone."""
    channels = 2 * width if deep_base else width
    stem = DeepStem(3, (width, width, 2 * width)) if deep_base else Conv7x7Stem(3, width)
    stages = []
    for number, depth in enumerate(depths):
        base = width * 2**number
        out_channels = base * EXPANSION[kind]
        stage: list[nn.Module] = []
        for index in range(depth):
            stride = 2 if index == 0 and number > 0 else 1
            same = channels == out_channels and stride == 1
            shortcut = None if same else Projection(channels, out_channels, stride)
            arguments: dict[str, Any] = {} if shortcut is None else {"shortcut": shortcut}
            if kind == "basic":
                stage.append(BasicBlock(channels, out_channels, stride=stride, **arguments))
            else:
                inner = int(base * width_per_group / 64) * groups
                arguments |= {"width": inner, "groups": groups, "stride": stride}
                stage.append(Bottleneck(channels, out_channels, **arguments))
            channels = out_channels
        stages.append(nn.Sequential(*stage))
    return ResNet(stem, stages, Classifier(channels, 10))


def make_small(head: nn.Sequential | None = None) -> ResNet:
    """Three stages, one of each kind of shortcut."""
    return ResNet(
        DeepStem(3, (4, 4, 8)),
        [
            nn.Sequential(BasicBlock(8, 8), BasicBlock(8, 8, shortcut=None)),
            nn.Sequential(BasicBlock(8, 16, stride=2, shortcut=ZeroPad(8, 16, 2, "both"))),
            nn.Sequential(Bottleneck(16, 32, stride=2, shortcut=Projection(16, 32, 2))),
        ],
        head,
    )


VARIANTS: dict[str, tuple[Kind, tuple[int, ...], dict[str, Any]]] = {
    "resnet18": ("basic", (2, 2, 2, 2), {}),
    "resnet50": ("bottleneck", (3, 4, 6, 3), {}),
    "resnext": ("bottleneck", (1, 2, 1, 1), {"groups": 4, "width_per_group": 16}),
    "wide": ("bottleneck", (1, 2, 1, 1), {"width_per_group": 128}),
    "deep_base basic": ("basic", (1, 2, 1), {"deep_base": True}),
    "deep_base bottleneck": ("bottleneck", (2, 1, 1, 1), {"deep_base": True}),
    "five stages": ("basic", (1, 1, 1, 1, 1), {}),
}


@pytest.mark.parametrize("zero_init_residual", [False, True])
@pytest.mark.parametrize("name", list(VARIANTS))
def test_parity_with_torchvision(name: str, zero_init_residual: bool, device: torch.device) -> None:
    kind, depths, options = VARIANTS[name]
    ours = make_network(kind, depths, **options).to(device)
    reference = ReferenceResNet(
        kind, depths, width=8, num_classes=10, zero_init_residual=zero_init_residual, **options
    ).to(device)
    theirs = reference.state_dict()
    # Names in the same order, so that the states of optimizers fit too.
    assert [(key, value.shape) for key, value in ours.state_dict().items()] == [
        (key, value.shape) for key, value in theirs.items()
    ]
    ours.load_state_dict(theirs)
    x = draw_images().to(device)
    for train in (True, False):  # training moves the running statistics that eval then uses
        ours.train(train)
        reference.train(train)
        assert torch.equal(ours(x), reference(x))


def make_d2l() -> ResNet:
    def stage(in_channels: int, out_channels: int, first: bool = False) -> nn.Sequential:
        second = Residual(out_channels, out_channels)
        if first:
            return nn.Sequential(Residual(in_channels, out_channels), second)
        sizes = (in_channels, out_channels)
        shortcut = Projection(*sizes, 2, norm=NoNorm)
        return nn.Sequential(Residual(*sizes, stride=2, shortcut=shortcut), second)

    stages = [stage(64, 64, first=True), stage(64, 128), stage(128, 256), stage(256, 512)]
    return ResNet(Conv7x7Stem(1, bias=True), stages, Classifier(512, 10))


def test_parity_with_d2l(device: torch.device) -> None:
    ours, reference = make_d2l().to(device), reference_d2l_resnet18().to(device)
    assert sum(parameter.numel() for parameter in ours.parameters()) == 11_178_378
    ours.load_state_dict(native_state_dict(reference))
    x = draw_images(channels=1).to(device)
    for train in (True, False):
        ours.train(train)
        reference.train(train)
        assert torch.equal(ours(x), reference(x))


def test_names() -> None:
    model = make_small(Classifier(32, 10, dropout=0.1))
    stem = ["conv1", "bn1", "relu1", "conv2", "bn2", "relu2", "conv3", "bn3", "relu3", "maxpool"]
    rest = ["layer1", "layer2", "layer3", "avgpool", "dropout", "fc"]
    assert [name for name, _ in model.named_children()] == stem + rest


def test_features_are_the_stages_maps() -> None:
    model = make_small(Classifier(32, 10)).eval()
    x = draw_images()
    maps = model.features(x)
    assert [tuple(each.shape) for each in maps] == [(2, 8, 10, 10), (2, 16, 5, 5), (2, 32, 3, 3)]
    assert torch.equal(maps[0], model[:11](x))
    assert torch.equal(maps[1], model[11](maps[0]))
    assert torch.equal(maps[2], model.forward_features(x))
    assert torch.equal(model(x), model.fc(model[-2](maps[2]).flatten(1)))


def test_features_do_not_run_the_head() -> None:
    model = make_small(Classifier(32, 10))
    model[-2].register_forward_hook(lambda *_: pytest.fail("the head ran"))
    assert len(model.features(draw_images())) == 3


def test_without_a_head_the_last_map_is_the_answer() -> None:
    model = make_small().eval()
    x = draw_images()
    assert torch.equal(model(x), model.forward_features(x))
    assert torch.equal(model(x), model.features(x)[-1])


def test_slices_are_plain() -> None:
    model = make_small(Classifier(32, 10)).eval()
    assert type(model[:4]) is nn.Sequential
    assert [name for name, _ in model[-3:-1].named_children()] == ["layer3", "avgpool"]
    assert model[-1] is model.fc
    x = draw_images()
    assert torch.equal(model.fc(model[5:-1](model[:5](x)).flatten(1)), model(x))


def test_children_in_a_row_give_the_maps_that_torchvisions_give() -> None:
    """The usual way to a feature map: ``nn.Sequential(*list(model.children())[:-2])``."""
    ours = rf.build("resnet18", seed=0).eval()
    theirs = ReferenceResNet("basic", (2, 2, 2, 2)).eval()
    theirs.load_state_dict(ours.state_dict())
    names = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"]
    assert [name for name, _ in ours.named_children()] == [*names, "avgpool", "fc"]
    x = torch.randn(2, 3, 64, 64)
    for end, shape in ((-2, (2, 512, 2, 2)), (-1, (2, 512, 1, 1))):
        maps, wanted = (nn.Sequential(*list(m.children())[:end])(x) for m in (ours, theirs))
        assert torch.equal(maps, wanted)
        assert maps.shape == shape
    pooled = nn.Sequential(*list(ours.children())[:-1])(x)
    assert torch.equal(ours.fc(pooled.flatten(1)), ours(x))


@pytest.mark.parametrize(
    ("spec", "stem", "closing"),
    [
        ("preact_resnet50", ["conv1", "bn1", "relu", "maxpool"], ["norm", "act"]),
        ("cifar_resnet20", ["conv1", "bn1", "relu"], []),
        (
            "resnet50_deep",
            ["conv1", "bn1", "relu1", "conv2", "bn2", "relu2", "conv3", "bn3", "relu3", "maxpool"],
            [],
        ),
    ],
)
def test_order_of_children(spec: str, stem: list[str], closing: list[str]) -> None:
    model = rf.build(spec, device="meta")
    stages = [f"layer{number}" for number in range(1, len(rf.load(spec).stages) + 1)]
    names = [name for name, _ in model.named_children()]
    assert names == [*stem, *stages, *closing, "avgpool", "fc"]
    assert not [each for each in model.modules() if isinstance(each, nn.Flatten)]


def test_what_replaces_the_last_layer_takes_a_vector() -> None:
    model = make_small(Classifier(32, 10)).eval()
    x = draw_images()
    pooled = model.avgpool(model.forward_features(x)).flatten(1)
    model.fc = nn.Identity()
    assert torch.equal(model(x), pooled)
    model.avgpool = nn.Identity()
    assert torch.equal(model(x), model.forward_features(x).flatten(1))


def test_a_head_that_ends_in_a_vector_keeps_its_last_child() -> None:
    head = nn.Sequential(OrderedDict(avgpool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten()))
    model = make_small(head)
    assert model.head_names == ["avgpool", "flatten"]
    assert model(draw_images()).shape == (2, 32)


def test_the_last_layer_can_be_exchanged() -> None:
    model = make_small(Classifier(32, 10))
    model.fc = nn.Linear(32, 3)
    assert model(draw_images()).shape == (2, 3)


def test_gradients_reach_every_parameter(device: torch.device) -> None:
    model = make_small(Classifier(32, 10)).to(device)
    model(draw_images().to(device)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_autocast(autocast_device: torch.device) -> None:
    model = make_small(Classifier(32, 10)).to(autocast_device)
    with torch.autocast(autocast_device.type, torch.bfloat16):
        out = model(draw_images().to(autocast_device))
    assert out.dtype == torch.bfloat16
    out.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == torch.float32 for p in model.parameters())


@each_conversion
@pytest.mark.parametrize("spec", [None, SimpleNamespace(name="net")], ids=["bare", "with spec"])
def test_conversions(convert: Any, spec: Any, device: torch.device) -> None:
    model = make_small(Classifier(32, 10)).to(device).eval()
    model.spec = spec
    x = draw_images().to(device)
    expected = model(x)
    converted = convert(model, (x,))
    for _ in range(3):  # TorchScript changes its graph after the first calls
        assert torch.equal(converted(x), expected)
    if isinstance(converted, ResNet):
        assert converted.spec == spec
        assert torch.equal(converted.features(x)[-1], model.features(x)[-1])


@pytest.mark.slow
def test_compiled(compiling_device: torch.device) -> None:
    model = make_small(Classifier(32, 10)).to(compiling_device, torch.float64)
    x = draw_images().to(compiling_device, torch.float64)
    results = []
    for network in (model, torch.compile(model, fullgraph=True)):
        model.zero_grad()
        out = network(x)
        out.square().sum().backward()
        results.append([out, *(parameter.grad for parameter in model.parameters())])
    # The generated kernels add in another order than eager's: float64 leaves only a fault to see.
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-9)
    model.float().eval()
    with torch.no_grad():
        out = torch.compile(model, fullgraph=True)(x.float())
        torch.testing.assert_close(out, model(x.float()), rtol=1e-5, atol=1e-5)


def test_function_transforms() -> None:
    model = make_small(Classifier(32, 10)).double().eval()
    parameters: dict[str, Tensor] = dict(model.named_parameters())

    def loss(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        out: Tensor = torch.func.functional_call(model, parameters, (x[None],))
        return out.square().sum()

    x = draw_images().double()
    per_image = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(parameters, x)
    model(x).square().sum().backward()
    for name, parameter in parameters.items():
        # Two images' gradients are added in another order than in one batch.
        torch.testing.assert_close(per_image[name].sum(0), parameter.grad, rtol=1e-9, atol=1e-12)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="at least one stage"):
        ResNet(Conv3x3Stem(3), [], None)
    stage = nn.Sequential(BasicBlock(16, 16))
    head = nn.Sequential()
    head.add_module("layer1", nn.Flatten())
    with pytest.raises(ValueError, match="two children of the network are named 'layer1'"):
        ResNet(Conv3x3Stem(3), [stage], head)


def test_the_facade_exports_what_it_says() -> None:
    assert len(set(blocks.__all__)) == len(blocks.__all__)
    assert all(hasattr(blocks, name) for name in blocks.__all__)
