"""Norms that are an activation too, learned scales, and factors of networks without norms."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
from resforge.blocks import EvoNormB0, EvoNormS0, FilterResponseNorm
from resforge.blocks.affine import Scale, Shift
from resforge.specs.resolve import blocks_of
from torch import Tensor, nn

EPS = 1e-2
SMALL: dict[str, Any] = {
    "resforge": 1,
    "stem": {"kind": "conv3x3", "width": 8},
    "stages": [{"depth": 2, "width": 8}, {"depth": 2, "width": 16, "stride": 2}],
    "head": {"num_classes": 3},
}


def random(module: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_()
    return module


def pictures() -> Tensor:
    return torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(1))


def each_channel(value: Tensor) -> Tensor:
    return value.detach().double().view(1, -1, 1, 1)


@pytest.mark.parametrize("activate", [True, False])
def test_evonorm_s0_is_its_formula(activate: bool) -> None:
    norm = EvoNormS0(4, groups=2, eps=EPS, activate=activate)
    random(norm)
    x = pictures()
    found = x.double().clone()
    for picture in found:
        for channels in (slice(0, 2), slice(2, 4)):
            deviation = (picture[channels].var(correction=0) + EPS).sqrt()
            if activate:
                gate = torch.sigmoid(picture[channels] * each_channel(norm.v)[0, channels])
                picture[channels] *= gate
            picture[channels] /= deviation
    wanted = each_channel(norm.weight) * found + each_channel(norm.bias)
    torch.testing.assert_close(norm(x).double(), wanted, rtol=1e-4, atol=1e-5)  # float32 sums


@pytest.mark.parametrize("activate", [True, False])
def test_filter_response_is_its_formula(activate: bool) -> None:
    norm = FilterResponseNorm(4, eps=EPS, activate=activate)
    random(norm)
    x = pictures()
    root = (x.double().square().mean((2, 3), keepdim=True) + EPS).sqrt()
    wanted = each_channel(norm.weight) * x / root + each_channel(norm.bias)
    if activate:
        wanted = torch.maximum(wanted, each_channel(norm.tau))
    torch.testing.assert_close(norm(x).double(), wanted, rtol=1e-4, atol=1e-5)  # float32 sums


def test_evonorm_b0_is_its_formula_and_keeps_a_running_variance() -> None:
    norm = EvoNormB0(4, eps=EPS, momentum=0.25)
    random(norm)
    x = pictures()

    def formula(variance: Tensor) -> Tensor:
        own = (x.double().var((2, 3), correction=0, keepdim=True) + EPS).sqrt()
        root = (each_channel(variance) + EPS).sqrt()
        found = x / torch.maximum(root, each_channel(norm.v) * x + own)
        return each_channel(norm.weight) * found + each_channel(norm.bias)

    for _ in range(2):
        wanted = formula(x.double().var((0, 2, 3), correction=0))
        torch.testing.assert_close(norm(x).double(), wanted, rtol=1e-4, atol=1e-5)
    batch = x.var((0, 2, 3))
    running = batch + 0.75**2 * (1 - batch)
    torch.testing.assert_close(norm.running_var, running)
    torch.testing.assert_close(norm.eval()(x).double(), formula(running), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["evonorm_b0", "evonorm_s0", "filter_response"])
def test_the_activation_after_such_a_norm_is_part_of_it(kind: str) -> None:
    norm = {"kind": kind, "groups": 4} if kind == "evonorm_s0" else kind
    plan = rf.plan({**SMALL, "norm": norm})
    own = {"filter_response": "tau"}.get(kind, "v")
    names = set(plan.parameters)
    assert f"layer1.0.bn1.{own}" in names
    assert f"layer1.0.bn2.{own}" not in names  # the sum stands between it and the activation
    model = rf.build({**SMALL, "norm": norm})
    kinds = [type(module).__name__ for module in model.get_submodule("layer1.0").children()]
    assert kinds.count("ReLU") == 1


def test_another_activation_stays_beside_the_norm() -> None:
    branch = [{"conv": 3, "stride": "block"}, "norm", {"act": "relu"}]
    plan = rf.plan({**SMALL, "norm": "filter_response", "block": {"branch": branch}})
    assert "layer1.0.branch.norm1.tau" not in plan.parameters


def test_groups_may_be_said_by_their_size() -> None:
    spec = rf.ResNetSpec(**{**SMALL, "norm": {"kind": "group", "size": 4}})
    groups = [layer.groups for layer in rf.plan(spec).layers if layer.kind == "group_norm"]
    assert set(groups) == {2, 4}
    model = rf.build(spec)
    norms = [module for module in model.modules() if isinstance(module, nn.GroupNorm)]
    assert all(norm.num_channels // norm.num_groups == 4 for norm in norms)
    one = {**SMALL, "stages": SMALL["stages"][:1]}
    by_size = rf.ResNetSpec(**one, norm={"kind": "group", "size": 2})
    assert by_size.digest == rf.ResNetSpec(**one, norm={"kind": "group", "groups": 4}).digest


@pytest.mark.parametrize(
    ("norm", "message"),
    [
        ({"kind": "group", "size": 3}, "groups of 3 do not divide 8 channels"),
        ({"kind": "evonorm_s0"}, "32 groups do not divide 8 channels"),
        ({"kind": "group", "groups": 4, "size": 2}, "'groups' and 'size' exclude each other"),
    ],
)
def test_groups_that_do_not_divide_are_refused(norm: dict[str, Any], message: str) -> None:
    with pytest.raises(rf.SpecError, match=message):
        rf.ResNetSpec(**{**SMALL, "norm": norm})


def test_one_factor_and_one_offset_serve_all_channels() -> None:
    branch = [
        {"conv": 3, "stride": "block"},
        {"shift": 0.5, "shared": True},
        "act",
        {"conv": 3},
        {"scale": 0, "shared": True},
    ]
    spec = rf.ResNetSpec(**{**SMALL, "norm": "none", "block": {"branch": branch}})
    plan, model = rf.plan(spec), rf.build(spec)
    assert plan.parameters["layer1.0.branch.scale1.weight"] == (1,)
    scale = model.get_submodule("layer1.0.branch.scale1")
    shift = model.get_submodule("layer1.0.branch.shift1")
    assert isinstance(scale, Scale)
    assert isinstance(shift, Shift)
    assert scale.weight.item() == 0
    assert shift.bias.item() == 0.5
    # A branch that starts at 0 is added to x (ReZero): the block starts as its shortcut.
    x = torch.randn(2, 8, 5, 5).relu()
    assert torch.equal(model.get_submodule("layer1.0")(x), x)


def test_the_expected_variance_counts_sums_since_the_shape_changed() -> None:
    block = {
        "preactivation": ["act", {"variance": 0.5}],
        "branch": [{"conv": 3, "stride": "block"}, {"multiply": 0.5}],
    }
    stages = [{"depth": 3, "width": 8}, {"depth": 3, "width": 16, "stride": 2}]
    spec = rf.ResNetSpec(**{**SMALL, "stages": stages, "norm": "none", "block": block})
    assert [b.site.sums for stage in blocks_of(spec) for b in stage] == [0, 1, 2, 3, 1, 2]
    factors = [
        module.op.factor
        for stage in rf.plan(spec).stages
        for each in stage
        for module in (*each.modules.entry, *each.modules.branch)
        if module.op.kind == "multiply" and "variance" in module.name
    ]
    assert factors == pytest.approx([(1 + n / 4) ** -0.5 for n in (0, 1, 2, 3, 1, 2)])
    assert all(b.site.sums == 0 for stage in blocks_of(rf.load("resnet50")) for b in stage)


POINTS: list[tuple[str, dict[str, Any]]] = [
    ("block", {"block": {"kind": "basic", "conv2": {"split_attention": 2, "least": 8}}}),
    ("block", {"block": {"kind": "basic", "conv2": {"selective_kernel": [3, 5], "divisor": 8}}}),
    ("head", {"head": [{"global_pool": "avg"}, {"conv": 1, "width": 8}, "norm", {"flatten": 1}]}),
    ("head", {"head": [{"flatten": 8}, {"linear": 8}, "norm", {"linear": 4}]}),
]


@pytest.mark.parametrize(("part", "fields"), POINTS)
@pytest.mark.parametrize("norm", [{"kind": "group", "groups": 8}, {"kind": "group", "size": 1}])
def test_a_norm_of_single_numbers_is_refused(
    part: str, fields: dict[str, Any], norm: dict[str, Any]
) -> None:
    """Each number less itself is 0, and PyTorch refuses one picture."""
    tree = {
        "resforge": 1,
        "stem": {"kind": "conv3x3", "width": 16},
        "stages": [{"depth": 1, "width": 16}],
        "head": {"num_classes": 4},
        **fields,
    }
    with pytest.raises(rf.SpecError, match="single numbers on 8 channels of one position"):
        rf.load({**tree, "norm": norm})
    spec = rf.load({**tree, "norm": {"kind": "group", "groups": 4}})
    assert spec.norm.kind == "group"
