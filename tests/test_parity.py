"""Same names, same weights, same outputs as the implementations people write by hand."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
from reference_d2l import native_state_dict, reference_d2l_resnet18
from reference_torchvision import ReferenceResNet
from torch import nn

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


def disturb(module: nn.Module) -> None:
    """Moves norms and their running statistics from their neutral start."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in module.state_dict().items():
        if tensor.ndim == 1:
            positive = name.endswith(("weight", "running_var"))
            drawn = torch.rand(tensor.shape, generator=generator)
            tensor.copy_(drawn + 0.5 if positive else 0.1 * drawn - 0.05)


@pytest.mark.parametrize("name", PUBLISHED)
def test_torchvision_style(name: str, device: torch.device) -> None:
    reference = ReferenceResNet(**PUBLISHED[name]).to(device)
    model = rf.build(name, device=device)
    disturb(reference)
    shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in (reference, model)]
    assert shapes[0] == shapes[1]
    assert list(shapes[0]) == list(shapes[1])
    model.load_state_dict(reference.state_dict(), strict=True)
    x = torch.randn(2, 3, 64, 64, device=device)
    with torch.no_grad():
        wanted = reference.eval()(x)
        assert torch.isfinite(wanted).all()
        assert torch.equal(model.eval()(x), wanted)


def test_training_steps_stay_together(device: torch.device) -> None:
    """Gradients and running statistics too: three steps of SGD, bitwise."""
    reference = ReferenceResNet("basic", (1, 1), num_classes=5, width=8).to(device)
    spec = rf.load("resnet18").replace(
        {
            "stem.width": 8,
            "stages": [{"depth": 1, "width": 8}, {"depth": 1, "width": 16, "stride": 2}],
            "head.num_classes": 5,
        }
    )
    model = rf.build(spec, device=device)
    model.load_state_dict(reference.state_dict())
    x, y = torch.randn(8, 3, 32, 32, device=device), torch.arange(8, device=device) % 5
    for network in (reference, model):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x), y).backward()
            optimizer.step()
    for name, tensor in reference.state_dict().items():
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
