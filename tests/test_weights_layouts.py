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
from resforge.weights.layouts import recognise
from resforge.weights.naming import deep
from resforge.weights.template import Template
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


def test_numbers_of_a_name() -> None:
    template = Template("block{s}.unit{b+1:02}.{3n-3}.4x")
    assert template.write({"s": 1, "b": 8, "n": 2}) == "block1.unit09.3.4x"
    assert template.write({"s": 1, "b": 9, "n": 0}) is None
    assert template.read("block1.unit10.3.4x") == {"s": 1, "b": 9, "n": 2}
    wrong = ("block1.unit9.3.4x", "block01.unit09.3.4x", "block1.unit09.4.4x", "block1.unit09.3.5x")
    for name in (*wrong, "block0.unit09.3.4x", "block1.unit123456.3.4x", f"block{'1' * 9999}.x"):
        assert template.read(name) is None
    assert Template("{s}.{s}").read("1.2") is None
    with pytest.raises(ValueError, match="two numbers"):
        Template("conv1{n}")


@given(specs())
@settings(max_examples=20)
def test_every_network_has_native_names(spec: rf.ResNetSpec) -> None:
    """Torchvision's; what torchvision does not hold, no rule touches."""
    plan = lay_out(spec, (64, 64))
    layout = "deep_base" if deep(plan) else "torchvision"
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


def test_a_convolution_in_place_of_the_pool_makes_no_stem_of_several() -> None:
    pool = [{"conv": 3, "stride": 2}, "norm", "act"]
    spec = rf.load("resnet18").replace({"stem.pool": pool})
    plan = lay_out(spec)
    assert LAYOUTS["torchvision"].forms[0].suits(plan)
    assert not any(form.suits(plan) for form in LAYOUTS["deep_base"].forms)


def test_a_form_for_one_kind_of_block_is_not_for_a_network_of_several() -> None:
    """pytorch-cifar100's wide network numbers two convolutions, and their norms, in a row."""
    wide = rf.load("wideresnet")
    forms = [form for form in LAYOUTS["weiaicunzai"].forms if form.made_for.__name__ == "_is_wide"]
    assert [form.suits(lay_out(wide)) for form in forms] == [True]
    mixed = wide.replace({"stages[1].block": {"kind": "bottleneck", "order": "full_pre"}})
    assert [form.suits(lay_out(mixed)) for form in forms] == [False]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_are_recognised(layout: str) -> None:
    """As those of the form that wrote them, or of one that has the same names for the network."""
    plans = {spec.digest: lay_out(spec, (1, 1)) for spec in _networks()}
    for plan in plans.values():
        for form in LAYOUTS[layout].forms:
            table = form.table(plan.state_dict, plan)
            names = [name for name in table.values() if name is not None]
            if form.suits(plan) and len(names) == len(table):
                assert recognise(names).form.table(plan.state_dict, plan) == table


def _networks() -> list[rf.ResNetSpec]:
    trees = [tree for _, _, tree in CASES.values()]
    named = ("resnet50", "resnet50d", "seresnet18", "wide_resnet50_2", "preact_resnet50")
    return [*(rf.ResNetSpec(**tree) for tree in trees), *map(rf.load, named)]


def test_a_layer_without_a_name_is_named(tmp_path: Path) -> None:
    model = rf.build(rf.load("seresnet18"))
    rf.save_weights(model, tmp_path / "se.safetensors")
    with pytest.raises(rf.WeightsError, match=r"huggingface has no name for layer1\.0\.se\.fc1"):
        rf.convert_weights(tmp_path / "se.safetensors", tmp_path / "x.pth", to="huggingface")
    assert not (tmp_path / "x.pth").exists()
