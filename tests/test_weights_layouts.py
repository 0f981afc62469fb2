"""Other projects' names: recognised, loaded with the same outputs, and written back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import reference_layouts as foreign
import resforge as rf
import torch
from hypothesis import given, settings
from reference_resnet_d import Basic, Bottleneck, ReferenceResNetD
from reference_torchvision import ReferenceResNet
from resforge.planner.plan import lay_out
from resforge.testing.strategies import specs
from resforge.weights import LAYOUTS
from torch import Tensor, nn

STAGES = [{"depth": 1, "width": 8}, {"depth": 2, "width": 16, "stride": 2}]
SMALL: dict[str, Any] = {
    "resforge": 1,
    "stem": {"kind": "conv7x7", "width": 8},
    "stages": STAGES,
    "head": {"kind": "classifier", "num_classes": 5},
}
DEEP: dict[str, Any] = {"kind": "deep_base", "widths": [32, 32, 64]}
MM: dict[str, Any] = {
    **SMALL,
    "block": "bottleneck",
    "stem": {"kind": "conv7x7", "width": 32},
    "stages": [{"depth": 1, "width": 16}, {"depth": 2, "width": 32, "stride": 2}],
}
MM_DEEP = {**MM, "stem": {"kind": "deep_base", "widths": [16, 16, 32]}}
TIMM: dict[str, Any] = {
    **SMALL,
    "stem": DEEP,
    "stages": [
        {"depth": 1, "width": 64},
        {"depth": 1, "width": 128, "stride": 2},
        {"depth": 1, "width": 256, "stride": 2},
        {"depth": 1, "width": 512, "stride": 2},
    ],
    "shortcut": "avg_projection",
}
D2L: dict[str, Any] = {
    **SMALL,
    "in_channels": 1,
    "stem": {"kind": "conv7x7", "width": 8, "bias": True},
    "block": "d2l",
    "stages": [
        {"depth": 2, "width": 8},
        {"depth": 2, "width": 16, "stride": 2},
        {"depth": 2, "width": 24, "stride": 2},
    ],
}
SE = {"kind": "bottleneck", "attention": "se"}

CASES: dict[str, tuple[str, Callable[[], nn.Module], dict[str, Any]]] = {
    "torchvision": (
        "torchvision",
        lambda: ReferenceResNet("basic", (1, 2), num_classes=5, width=8),
        SMALL,
    ),
    "deep_base": (
        "deep_base",
        lambda: ReferenceResNet("basic", (1, 2), num_classes=5, width=8, deep_base=True),
        {**SMALL, "stem": {"kind": "deep_base", "widths": [8, 8, 16]}},
    ),
    "timm deep": (
        "timm",
        lambda: ReferenceResNetD(
            Basic, (1, 1, 1, 1), stem_widths=(32, 32, 64), avg_down=True, num_classes=5
        ),
        TIMM,
    ),
    "timm se": (
        "timm",
        lambda: ReferenceResNetD(
            Bottleneck, (1, 1, 1, 1), stem_widths=(32, 32, 64), attention="se", num_classes=5
        ),
        {**TIMM, "block": SE, "shortcut": "projection"},
    ),
    "huggingface": (
        "huggingface",
        lambda: foreign.huggingface((1, 2), bottleneck=False),
        SMALL,
    ),
    "huggingface bottleneck": (
        "huggingface",
        lambda: foreign.huggingface((1, 2), bottleneck=True),
        {**SMALL, "block": "bottleneck"},
    ),
    "mmpretrain": ("mmpretrain", lambda: foreign.mmpretrain((1, 2)), MM),
    "mmpretrain v1c": ("mmpretrain", lambda: foreign.mmpretrain((1, 2), deep=True), MM_DEEP),
    "mmpretrain v1d": (
        "mmpretrain",
        lambda: foreign.mmpretrain((1, 2), deep=True, avg_down=True),
        {**MM_DEEP, "shortcut": "avg_projection"},
    ),
    "mmpretrain se": (
        "mmpretrain",
        lambda: foreign.mmpretrain((1, 2), se=True),
        {**MM, "block": SE},
    ),
    "d2l book": ("d2l", foreign.d2l_book, D2L),
    "d2l class": ("d2l", foreign.d2l_class, D2L),
    "d2l resnet18": (
        "d2l",
        foreign.d2l_resnet18,
        {**D2L, "stem": {"kind": "conv3x3", "width": 8, "bias": True}},
    ),
    "pytorch_cifar": (
        "pytorch_cifar",
        foreign.Cifar,
        {**SMALL, "stem": {"kind": "conv3x3", "width": 8}},
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    layout, make, tree = CASES[request.param]
    torch.manual_seed(0)
    reference = make().eval()
    for name, tensor in reference.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith("running_mean"):
            tensor.uniform_(-0.1, 0.1)
    torch.save(reference.state_dict(), tmp_path / "theirs.pth")
    return layout, reference, rf.ResNetSpec(**tree), tmp_path / "theirs.pth"


def test_same_outputs(case: Any) -> None:
    """Recognised from the names alone; with the weights, the same outputs, bitwise."""
    layout, reference, spec, file = case
    model = rf.build(spec, seed=1).eval()
    plan = rf.load_weights(model, file)
    assert plan.layout == layout
    assert plan.share == 1.0
    assert not plan.unused
    assert {tensor.action for tensor in plan.tensors} == {"copied"}
    x = torch.randn(2, spec.in_channels, 51, 64)
    with torch.no_grad():
        wanted = reference(x)
        assert torch.isfinite(wanted).all()
        assert torch.equal(model(x), wanted)


def test_there_and_back(case: Any) -> None:
    """Converted to resforge's names and back to theirs, each tensor as it was, in name and bits."""
    layout, reference, spec, file = case
    ours, again = file.with_name("ours.safetensors"), file.with_name("again.pth")
    rf.convert_weights(file, ours, spec=spec)
    rf.convert_weights(ours, again, to=layout)
    theirs, written = reference.state_dict(), torch.load(again, weights_only=True)
    if len(LAYOUTS[layout].forms) > 1 and set(theirs) != set(written):
        # Of several forms the first is written; it must be read as the same network.
        one, other = rf.build(spec, seed=1), rf.build(spec, seed=2)
        rf.load_weights(one, file)
        assert rf.load_weights(other, again).layout == layout
        theirs, written = one.state_dict(), other.state_dict()
    assert_same(written, theirs)


def assert_same(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert set(a) == set(b)
    for name in a:
        assert torch.equal(a[name], b[name]), name


@given(specs())
@settings(max_examples=20)
def test_every_network_has_native_names(spec: rf.ResNetSpec) -> None:
    """Torchvision's; what torchvision does not hold, no rule touches."""
    plan = lay_out(spec, (64, 64))
    layout = "deep_base" if spec.stem.kind == "deep_base" else "torchvision"
    form = LAYOUTS[layout].forms[0]
    assert form.suits(plan)
    for name, theirs in form.table(plan.state_dict, plan).items():
        assert theirs == name or (theirs is None and form.native(name) is None)


@given(specs())
@settings(max_examples=20)
def test_forms_read_what_they_write(spec: rf.ResNetSpec) -> None:
    plan = lay_out(spec, (64, 64))
    for layout in LAYOUTS.values():
        for form in layout.forms:
            if form.moved is None and form.suits(plan):
                for ours, theirs in form.table(plan.state_dict, plan).items():
                    # d2l's conv3 is the shortcut's, whatever a bottleneck would have it be.
                    if theirs is not None and "conv3" not in ours:
                        assert form.native(theirs) == ours


def test_a_layer_without_a_name_is_named(tmp_path: Path) -> None:
    model = rf.build(rf.load("seresnet18"))
    rf.save_weights(model, tmp_path / "se.safetensors")
    with pytest.raises(rf.WeightsError, match=r"huggingface has no name for layer1\.0\.se\.fc1"):
        rf.convert_weights(tmp_path / "se.safetensors", tmp_path / "x.pth", to="huggingface")
    assert not (tmp_path / "x.pth").exists()
