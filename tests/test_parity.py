"""Same names, same weights, same outputs as the implementations people write by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import reference_preact
import reference_resnet_d
import resforge as rf
import torch
from reference_d2l import native_state_dict, reference_d2l_resnet18
from reference_preact import ReferencePreActResNet
from reference_resnet_d import Basic, Bottleneck, ReferenceResNetD
from reference_torchvision import ReferenceResNet
from torch import Tensor, nn

DEPTHS = {"18": (2, 2, 2, 2), "34": (3, 4, 6, 3), "50": (3, 4, 6, 3), "101": (3, 4, 23, 3)}
PUBLISHED: dict[str, dict[str, Any]] = {
    "resnet18": {"block": "basic", "depths": DEPTHS["18"]},
    "resnet34": {"block": "basic", "depths": DEPTHS["34"]},
    "resnet50": {"block": "bottleneck", "depths": DEPTHS["50"]},
    "resnet50_deep": {"block": "bottleneck", "depths": DEPTHS["50"], "deep_base": True},
    "resnext50_32x4d": {
        "block": "bottleneck",
        "depths": DEPTHS["50"],
        "groups": 32,
        "width_per_group": 4,
    },
    "wide_resnet50_2": {"block": "bottleneck", "depths": DEPTHS["50"], "width_per_group": 128},
}
"""Catalogue names and the arguments of the reference that make the same network."""

C, T = {"stem_widths": (32, 32, 64)}, {"stem_widths": (24, 32, 64)}
OF_TIMM: dict[str, tuple[type[Basic | Bottleneck], str, dict[str, Any]]] = {
    "resnet18d": (Basic, "18", {**C, "avg_down": True}),
    "resnet50c": (Bottleneck, "50", C),
    "resnet50d": (Bottleneck, "50", {**C, "avg_down": True}),
    "resnet50t": (Bottleneck, "50", {**T, "avg_down": True}),
    "seresnet18": (Basic, "18", {"attention": "se"}),
    "seresnet18_timm": (Basic, "18", {"attention": "se8"}),
    "seresnet34_timm": (Basic, "34", {"attention": "se8"}),
    "seresnet50": (Bottleneck, "50", {"attention": "se8"}),
    "ecaresnet50": (Bottleneck, "50", {"attention": "eca"}),
    "ecaresnet50d": (Bottleneck, "50", {**C, "avg_down": True, "attention": "eca"}),
}
DILATED: dict[int, dict[str, Any]] = {
    16: {"stages[3].stride": 1, "stages[3].dilation": 2},
    8: {
        "stages[2].stride": 1,
        "stages[2].dilation": 2,
        "stages[3].stride": 1,
        "stages[3].dilation": 4,
    },
}
"""Smallest share of the picture's side that a map keeps, and what keeps it."""
PRE_ACTIVATED: dict[str, dict[str, Any]] = {
    "preact_resnet18": {"block": "basic", "depths": DEPTHS["18"]},
    "preact_resnet50": {"block": "bottleneck", "depths": DEPTHS["50"]},
    "cifar_preact_resnet110": {"block": "basic", "depths": (18, 18, 18), "option": "A"},
    "cifar_preact_resnet164": {
        "block": "bottleneck",
        "depths": (18, 18, 18),
        "stride_on": "conv1",
    },
}

Native = Callable[[nn.Module], dict[str, Tensor]]
"""Gives the state dict of a reference under our names."""
Trained = tuple[nn.Module, Native, rf.ResNetSpec]
"""A reference, its native state dict, and the spec that means the same network."""


def disturb(module: nn.Module) -> None:
    """Moves norms and their running statistics from their neutral start."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in module.state_dict().items():
        if tensor.ndim == 1:
            drawn = torch.rand(tensor.shape, generator=generator)
            if name.endswith("weight"):  # of both signs, as in trained networks
                tensor.copy_((drawn + 0.5) * (1 - 2 * torch.bernoulli(drawn, generator=generator)))
            else:
                tensor.copy_(drawn + 0.5 if "var" in name else 0.1 * drawn - 0.05)


def same_outputs(model: nn.Module, reference: nn.Module, native: Native) -> None:
    """Same names and shapes in the same order; with the same weights the same outputs, bitwise."""
    disturb(reference)
    state = native(reference)
    shapes = [[(k, v.shape) for k, v in s.items()] for s in (state, model.state_dict())]
    assert shapes[0] == shapes[1]
    model.load_state_dict(state, strict=True)
    # Odd sides: where a stride leaves half a window over, the two must agree what becomes of it.
    x = torch.randn(2, 3, 75, 90, device=next(reference.parameters()).device)
    with torch.no_grad():
        wanted = reference.eval()(x)
        assert torch.isfinite(wanted).all()
        assert torch.equal(model.eval()(x), wanted)


@pytest.mark.parametrize("name", PUBLISHED)
def test_torchvision_style(name: str, device: torch.device) -> None:
    reference = ReferenceResNet(**PUBLISHED[name]).to(device)
    same_outputs(rf.build(name, device=device), reference, nn.Module.state_dict)


@pytest.mark.parametrize("name", OF_TIMM)
def test_timm_style(name: str, device: torch.device) -> None:
    block, depth, parts = OF_TIMM[name]
    reference = ReferenceResNetD(block, DEPTHS[depth], **parts).to(device)
    same_outputs(rf.build(name, device=device), reference, reference_resnet_d.native_state_dict)


@pytest.mark.parametrize("output_stride", DILATED)
@pytest.mark.parametrize(("name", "block"), [("resnet18", Basic), ("resnet50", Bottleneck)])
def test_dilation(
    name: str, block: type[Basic | Bottleneck], output_stride: int, device: torch.device
) -> None:
    """In place of strides, as torchvision's `replace_stride_with_dilation` has it."""
    reference = ReferenceResNetD(block, DEPTHS[name[6:]], output_stride=output_stride).to(device)
    model = rf.build(rf.load(name).replace(DILATED[output_stride]), device=device)
    same_outputs(model, reference, reference_resnet_d.native_state_dict)


@pytest.mark.parametrize("output_stride", DILATED)
@pytest.mark.parametrize(("name", "block"), [("resnet18d", Basic), ("resnet50d", Bottleneck)])
def test_dilation_as_timm_has_it(
    name: str, block: type[Basic | Bottleneck], output_stride: int, device: torch.device
) -> None:
    """A shortcut that would have averaged at a stride averages at each pixel."""
    parts = OF_TIMM["resnet50d"][2]
    reference = ReferenceResNetD(block, DEPTHS[name[6:8]], output_stride=output_stride, **parts)
    dilated = {**DILATED[output_stride], "shortcut.change.pool_dilated": True}
    model = rf.build(rf.load(name).replace(dilated), device=device)
    same_outputs(model, reference.to(device), reference_resnet_d.native_state_dict)


@pytest.mark.parametrize("name", PRE_ACTIVATED)
def test_pre_activation(name: str, device: torch.device) -> None:
    reference = ReferencePreActResNet(**PRE_ACTIVATED[name]).to(device)
    same_outputs(rf.build(name, device=device), reference, reference_preact.native_state_dict)


def trained_torchvision() -> Trained:
    spec = rf.load("resnet18").replace(
        {
            "stem.width": 8,
            "stages": [{"depth": 1, "width": 8}, {"depth": 1, "width": 16, "stride": 2}],
            "head.num_classes": 5,
        }
    )
    return ReferenceResNet("basic", (1, 1), num_classes=5, width=8), nn.Module.state_dict, spec


def trained_timm() -> Trained:
    spec = rf.load("ecaresnet50d").replace({"stages[*].depth": 1, "head.num_classes": 5})
    parts = OF_TIMM["ecaresnet50d"][2]
    reference = ReferenceResNetD(Bottleneck, (1, 1, 1, 1), num_classes=5, **parts)
    return reference, reference_resnet_d.native_state_dict, spec


def trained_with_drops() -> Trained:
    """Branches are lost as in timm, drawn from the same random state."""
    drops = {"rate": 0.5, "rule": "linear_from_zero", "mode": "row"}
    spec = rf.load("resnet18").replace({"stochastic_depth": drops, "head.num_classes": 5})
    reference = ReferenceResNetD(Basic, DEPTHS["18"], drop_path_rate=0.5, num_classes=5)
    return reference, reference_resnet_d.native_state_dict, spec


def trained_pre_activated() -> Trained:
    spec = rf.load("cifar_preact_resnet164").replace({"stages[*].depth": 2})
    reference = ReferencePreActResNet("bottleneck", (2, 2, 2), stride_on="conv1")
    return reference, reference_preact.native_state_dict, spec


@pytest.mark.parametrize(
    "make", [trained_torchvision, trained_timm, trained_with_drops, trained_pre_activated]
)
def test_training_steps_stay_together(make: Callable[[], Trained], device: torch.device) -> None:
    """Gradients and running statistics too: three steps of SGD, bitwise."""
    reference, native, spec = make()
    reference.to(device)
    model = rf.build(spec, device=device)
    model.load_state_dict(native(reference))
    x, y = torch.randn(8, 3, 32, 32, device=device), torch.arange(8, device=device) % 5
    for network in (reference, model):
        torch.manual_seed(0)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x), y).backward()
            optimizer.step()
    for name, tensor in native(reference).items():
        assert torch.equal(model.state_dict()[name], tensor), name


def test_d2l_style(device: torch.device) -> None:
    reference = reference_d2l_resnet18(in_channels=1, num_classes=10).to(device)
    disturb(reference)
    model = rf.build("resnet18_d2l", device=device)
    model.load_state_dict(native_state_dict(reference), strict=True)
    x = torch.randn(2, 1, 64, 64, device=device)
    with torch.no_grad():
        wanted = reference.eval()(x)
        assert torch.isfinite(wanted).all()
        assert torch.equal(model.eval()(x), wanted)


def test_torch_scheme_is_pytorchs_own_distribution() -> None:
    """d2l.ai initialises nothing itself: each tensor has the bounds PyTorch's layers give it."""
    reference = native_state_dict(reference_d2l_resnet18(in_channels=1, num_classes=10))
    built = rf.build("resnet18_d2l").state_dict()
    for name, tensor in reference.items():
        if tensor.numel() > 1000:
            # Both are uniform draws of over a thousand: their ranges agree to a percent.
            torch.testing.assert_close(built[name].max(), tensor.max(), rtol=0.01, atol=0)
            torch.testing.assert_close(built[name].min(), tensor.min(), rtol=0.01, atol=0)
