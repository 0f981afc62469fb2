"""Signals, volumes and video: networks of 1 and 3 axes, and numbers by axis."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from resforge.blocks import freeze_norm
from resforge.builder import FeatureMaps
from resforge.export import fuse, to_code
from resforge.planner.plan import lay_out
from resforge.specs.axes import each, uniform
from resforge.testing import strategies
from torch import nn

SIZES = {1: (40,), 2: (12, 14), 3: (6, 10, 9)}
STRIDES = {1: [2], 2: [1, 2], 3: [1, 2, 2]}
SHORTCUTS: tuple[Any, ...] = (
    "projection",
    "zero_pad",
    {"kind": "zero_pad", "subsample": "avg_pool", "pad": "both"},
    "avg_projection",
    {"kind": "projection", "kernel": 3},
    "gate",
    {"kind": "channel_scale", "start": 0.5},
    {"kind": "scaled", "residual": 0.5},
)


BESIDE = ("parameter", "conv_along_channels")


def network(axes: int, **changes: Any) -> rf.ResNetSpec:
    """A small network of so many axes whose second stage strides by a list."""
    tree = {
        "resforge": 1,
        "dims": axes,
        "in_channels": 2,
        "stem": {"kind": "conv3x3", "width": 4},
        "stages": [{"depth": 1, "width": 4}, {"depth": 2, "width": 8, "stride": STRIDES[axes]}],
        "head": {"num_classes": 3},
    }
    return rf.ResNetSpec(**{**tree, **changes})


def check(spec: rf.ResNetSpec) -> None:
    """The plan's sizes are those of the maps, and every parameter gets a gradient."""
    size = SIZES[spec.dims]
    plan, model = rf.plan(spec, size), rf.build(spec)
    assert rf.spec_of(model) == spec
    assert rf.loads(spec.to_yaml()).digest == spec.digest
    x = torch.randn(2, spec.in_channels, *size)
    maps = model.features(x)
    assert [tuple(map_.shape[1:]) for map_ in maps] == [
        (feature.channels, *feature.size) for feature in plan.features
    ]
    outputs = {}
    hooks = [
        module.register_forward_hook(lambda m, _, y, name=name: outputs.update({name: y.shape}))
        for name, module in model.named_modules()
    ]
    model(x).square().sum().backward()
    for hook in hooks:
        hook.remove()
    for layer in plan.layers:
        if layer.name in outputs and layer.kind not in BESIDE:
            assert outputs[layer.name][2:] == (layer.out_size if layer.kind != "linear" else ())
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert {name: tuple(p.shape) for name, p in model.named_parameters()} == plan.parameters


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("shortcut", SHORTCUTS, ids=str)
def test_plan_equals_build(dims: int, shortcut: Any) -> None:
    check(network(dims, shortcut=shortcut))


@pytest.mark.parametrize("dims", [1, 3])
@pytest.mark.parametrize("attention", [{"se": 2}, "eca", {"gc": 2}], ids=str)
def test_attention(dims: int, attention: Any) -> None:
    check(network(dims, block={"kind": "bottleneck", "attention": attention}))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_operations_by_axis(dims: int) -> None:
    kernel, dilation = [3, 5, 1][:dims], [2, 1, 3][:dims]
    stem = [
        {"conv": kernel, "width": 4, "dilation": dilation},
        "norm",
        "act",
        "scale",
        {"pool": "max", "kernel": kernel, "stride": STRIDES[dims]},
        {"pool": "avg", "kernel": [2] * dims, "stride": 1, "padding": "same"},
        {"pool": "avg", "stride": STRIDES[dims]},
    ]
    spec = network(dims, stem=stem, stages=[{"depth": 1, "width": 4}])
    check(spec)
    layer = rf.plan(spec, SIZES[dims]).stem[0]
    usual = tuple(k // 2 * d for k, d in zip(kernel, dilation, strict=True))
    assert each(layer.padding, dims) == usual
    assert layer.out_size == SIZES[dims]


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_receptive_field_is_what_a_gradient_reaches(dims: int) -> None:
    stem = [{"conv": [3, 1, 5][:dims], "width": 2, "stride": STRIDES[dims]}]
    spec = network(dims, stem=stem, norm="none", activation="none", head=None)
    field = each(rf.plan(spec).receptive_field, dims)
    size = tuple(2 * side + 4 for side in field)
    model = rf.build(spec)
    for parameter in model.parameters():
        nn.init.ones_(parameter)
    x = torch.zeros(1, 2, *size, requires_grad=True)
    y = model(x)
    y[(0, 0, *(side // 2 for side in y.shape[2:]))].backward()
    assert x.grad is not None
    reached = x.grad[0, 0].nonzero()
    spans = (reached.max(0).values - reached.min(0).values + 1).tolist()
    assert tuple(spans) == field


@pytest.mark.parametrize(
    "shortcut", ["avg_projection", {"kind": "zero_pad", "subsample": "avg_pool"}], ids=str
)
def test_an_average_pool_of_volumes_takes_none_narrower_than_its_window(shortcut: Any) -> None:
    """PyTorch's refuses them, and takes such signals and pictures."""
    stages = [{"depth": 1, "width": 4}, {"depth": 1, "width": 8, "stride": 2}]
    spec = network(3, stages=stages, shortcut=shortcut)
    with pytest.raises(rf.SpecError, match="pool of 2x2x2 takes no volume of 1x2x2 positions"):
        rf.plan(spec, (1, 2, 2))
    with pytest.raises(RuntimeError, match="smaller than kernel size"):
        rf.build(spec)(torch.zeros(2, 2, 1, 2, 2))
    picture = network(2, stages=stages, shortcut=shortcut)
    assert rf.build(picture)(torch.zeros(2, 2, 1, 1)).shape == (2, 3)


@given(
    strategies.specs(
        dims=(1, 3), max_stages=2, max_depth=2, max_width=4, max_stride=2, input_size=9
    )
)
@settings(max_examples=20)
def test_any_network(spec: rf.ResNetSpec) -> None:
    """Sizes of maps as planned; the exported code gives the same bits; text reads back."""
    size = {1: (37,), 2: (21, 18), 3: (9, 14, 13)}[spec.dims]
    plan, model = lay_out(spec, size), rf.build(spec).eval()
    assert rf.loads(spec.to_yaml()).digest == spec.digest
    x = torch.randn(2, spec.in_channels, *size)
    with torch.no_grad():
        shapes = [tuple(map_.shape[1:]) for map_ in model.features(x)]
        assert shapes == [(feature.channels, *feature.size) for feature in plan.features]
        code: dict[str, Any] = {}
        exec(to_code(spec), code)
        theirs = code["ResNet"]().eval()
        theirs.load_state_dict(model.state_dict())
        assert torch.equal(theirs(x), model(x))
    assert plan.to_svg().startswith("<svg")


@pytest.mark.parametrize("dims", [1, 3])
def test_inferred(dims: int) -> None:
    spec = network(dims, stages=[{"depth": 1, "width": 4}, {"depth": 1, "width": 8, "stride": 2}])
    model = rf.build(spec)
    model.spec = None
    assert rf.infer_spec(model).spec.digest == spec.digest


@pytest.mark.parametrize("dims", [1, 3])
def test_norms_are_folded_and_frozen_and_synchronised(dims: int) -> None:
    spec = network(dims)
    model = rf.build(spec).eval()
    x = torch.randn(2, 2, *SIZES[dims])
    torch.testing.assert_close(fuse(model)(x), model(x), rtol=1e-4, atol=1e-5)
    assert rf.spec_of(freeze_norm(rf.build(spec))) == spec
    assert rf.spec_of(nn.SyncBatchNorm.convert_sync_batchnorm(rf.build(spec))) == spec


@pytest.mark.parametrize("dims", [1, 3])
def test_feature_maps(dims: int) -> None:
    maps = FeatureMaps(rf.build(network(dims)), out_indices=(1, 2))
    assert maps.strides == (1, uniform(tuple(STRIDES[dims])))
    shapes = [tuple(map_.shape) for map_ in maps(torch.randn(1, 2, *SIZES[dims]))]
    assert [len(shape) for shape in shapes] == [dims + 2] * 2


def test_video_counts() -> None:
    # torchvision's r3d_18 at 16x112x112: its page gives 33,371,472 parameters, 40.7 GFLOPS.
    stem = [{"conv": [3, 7, 7], "width": 64, "stride": [1, 2, 2]}, "norm", "act"]
    stages = [{"depth": 2, "width": 64 << i, "stride": 2 if i else 1} for i in range(4)]
    spec = rf.ResNetSpec(resforge=1, dims=3, stem=stem, stages=stages, head={"num_classes": 400})
    plan = rf.plan(spec, (16, 112, 112))
    assert (plan.params, plan.macs) == (33_371_472, 40_696_553_472)
    assert plan.features[-1].size == (2, 7, 7)
    assert plan.features[-1].stride == (8, 16, 16)


def test_equal_numbers_are_one() -> None:
    one = network(3, stages=[{"depth": 1, "width": 8, "stride": 2}])
    listed = network(3, stages=[{"depth": 1, "width": 8, "stride": [2, 2, 2]}])
    assert one.digest == listed.digest
    digests = {network(dims, stages=[{"depth": 1, "width": 8}]).digest for dims in (1, 2, 3)}
    assert len(digests) == 3


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "dims": ({"dims": 4}, "dims", "4 is not one of 1, 2, 3"),
    "short": (
        {"stem": [{"conv": [3, 3], "width": 4}]},
        "stem[0].kernel",
        "[3, 3] has 2 numbers, the network (dims: 3) 3 axes",
    ),
    "long": (
        {"stages": [{"depth": 1, "width": 4, "stride": [1] * 4}]},
        "stages[0].stride",
        "at most 3",
    ),
    "item": (
        {"stages": [{"depth": 1, "width": 4, "stride": [1, 0, 1]}]},
        "stages[0].stride[1]",
        "0 is",
    ),
    "path": (
        {"shortcut": {"path": [{"conv": 1, "stride": [2]}]}},
        "shortcut.path[0].stride",
        "[2] has 1 numbers",
    ),
    "strides": (
        {"shortcut": {"match": "identity", "change": {"path": [{"conv": 1, "stride": 2}]}}},
        "shortcut.change",
        "strides by 2, its block by [1, 2, 2]",
    ),
    "same": (
        {"stem": [{"pool": "avg", "kernel": [1, 2, 1], "padding": "same", "stride": [1, 2, 2]}]},
        "stem[0].kernel",
        "'same' windows of 1x2x1 at stride 1x2x2 leave pixels out",
    ),
    "half": (
        {"stem": [{"pool": "max", "kernel": [1, 3, 3], "padding": [1, 1, 0]}]},
        "stem[0].padding",
        "a padding of [1, 1, 0] is more than half of the window",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case: str) -> None:
    changes, path, message = BAD[case]
    with pytest.raises(rf.SpecError) as caught:
        network(3, **changes)
    fault = caught.value.faults[0]
    assert fault.path == path
    assert message in fault.message
    assert fault.help


@pytest.mark.parametrize("size", [(8, 8), (8,), (8, 8, 0), "8", 0])
def test_bad_sizes(size: Any) -> None:
    with pytest.raises(rf.SpecError, match=r"give one side or \(depth, height, width\)"):
        rf.plan(network(3), size)
