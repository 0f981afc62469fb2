"""Other projects' names: recognised, loaded with the same outputs, and written back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from layout_cases import CASES
from resforge.planner.plan import lay_out
from resforge.testing.strategies import specs
from resforge.weights import LAYOUTS
from torch import Tensor


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
