"""Backbones: the maps of the stages asked for, and norms that stay as they are."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
import torch.distributed
from conversions import QUICK, compile_graph, trace
from hypothesis import given, settings
from hypothesis import strategies as st
from resforge.blocks import FrozenBatchNorm2d
from resforge.testing import strategies
from torch import nn

SMALL = strategies.specs(max_depth=2, max_width=4, input_size=16)


@given(SMALL, st.data())
def test_maps_channels_and_strides(spec: rf.ResNetSpec, data: st.DataObject) -> None:
    count = len(spec.stages) + 1
    indices = sorted(data.draw(st.sets(st.sampled_from(range(count)), min_size=1)))
    below = data.draw(st.sampled_from((0, count)))
    model = rf.build(spec).eval()
    backbone = rf.FeatureMaps(model, [index - below for index in indices])
    x = torch.randn(2, spec.in_channels, 33, 30)
    # Copies: a later part of the network must not write over a map that is handed out.
    stem: list[torch.Tensor] = []
    module = rf.plan(spec).stem_map.name
    if module:
        model.get_submodule(module).register_forward_hook(lambda *a: stem.append(a[2].clone()))
    every = model.features(x)
    every = [*(stem or [x]), *every]
    maps = backbone(x)
    plan = rf.plan(spec, (33, 30))
    features = (plan.stem_map, *plan.features)
    for index, found in zip(indices, maps, strict=True):
        assert torch.equal(found.nan_to_num(), every[index].nan_to_num())
    planned = [features[index] for index in indices]
    assert [tuple(m.shape[1:]) for m in maps] == [(f.channels, *f.size) for f in planned]
    assert list(backbone.channels) == [f.channels for f in planned]
    assert list(backbone.strides) == [f.stride for f in planned]
    assert backbone.state_dict().keys() <= model.state_dict().keys()
    if not [*backbone.parameters()]:  # the input of a network whose stem is empty
        return
    sum(m.sum() for m in backbone.train()(x)).backward()
    assert all(parameter.grad is not None for parameter in backbone.parameters())


# torch.jit.trace warns of any network that answers with a list.
@pytest.mark.parametrize("convert", [c for c in QUICK if c is not trace], ids=lambda c: c.__name__)
def test_backbones_are_converted(convert: Any) -> None:
    changes = {"stages": [{"depth": 1, "width": 8, "stride": 2}] * 3}
    spec = rf.load("preact_resnet18").replace(changes)
    backbone = rf.freeze_norm(rf.FeatureMaps(rf.build(spec), (2, 3))).eval()
    x = torch.randn(2, 3, 33, 34)
    with torch.no_grad():
        maps = convert(backbone, (x,))(x)
        for found, wanted in zip(maps, backbone(x), strict=True):
            assert torch.equal(found, wanted)


@pytest.mark.slow
def test_backbones_are_compiled() -> None:
    test_backbones_are_converted(compile_graph)


@pytest.mark.parametrize("indices", [(), (0, 0), (1, 5), (2, 1), (1, 1), (-6,), (-1, 1)])
def test_indices_that_are_no_stages(indices: tuple[int, ...]) -> None:
    with pytest.raises(rf.SpecError, match=r"are not maps of this network") as caught:
        rf.FeatureMaps(rf.build("resnet18", device="meta"), indices)
    assert caught.value.help == "choose from 0 (the stem), 1, 2, 3, 4"


@pytest.mark.parametrize(("given", "name"), [(2, "int"), ("ab", "str"), ((1, 2.0), "float")])
def test_indices_that_are_no_numbers(given: Any, name: str) -> None:
    message = f"takes a sequence of whole numbers as out_indices, not {name}"
    with pytest.raises(rf.SpecError, match=message) as caught:
        rf.FeatureMaps(rf.build("cifar_resnet20"), given)
    assert "write (1, 2), or (2,) for one map" in str(caught.value)


@settings(max_examples=15)
@given(SMALL)
def test_frozen_norms_stay(spec: rf.ResNetSpec) -> None:
    model = rf.build(spec)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    x = torch.randn(3, spec.in_channels, 17, 16)
    with torch.no_grad():
        wanted = model.eval()(x)
    assert rf.freeze_norm(model) is model
    assert list(model.state_dict()) == list(before)
    model.train()(x).sum().backward()
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
            assert isinstance(module, FrozenBatchNorm2d | nn.GroupNorm), name
            assert not any(parameter.requires_grad for parameter in module.parameters())
    after = model.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    with torch.no_grad():
        assert torch.equal(model.eval()(x).nan_to_num(), wanted.nan_to_num())


def test_a_frozen_network_is_fused_and_moved_like_any_other() -> None:
    model = rf.freeze_norm(rf.build("digits_resnet8"))
    x = torch.randn(2, 1, 8, 8)
    wanted = model.eval()(x)
    torch.testing.assert_close(rf.fuse(model)(x), wanted, rtol=1e-4, atol=1e-5)
    assert model.double().bn1.running_mean.dtype == torch.float64


def test_backbones_are_trained_in_parallel(tmp_path: Any) -> None:
    """DistributedDataParallel refuses a parameter without a gradient: there is none."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1
    )
    try:
        backbone = rf.freeze_norm(rf.FeatureMaps(rf.build("digits_resnet8"), (1, 2)))
        parallel = nn.parallel.DistributedDataParallel(backbone)
        for _ in range(2):
            sum(m.sum() for m in parallel(torch.randn(2, 1, 8, 8))).backward()
        assert rf.spec_of(parallel) == rf.load("digits_resnet8")
    finally:
        torch.distributed.destroy_process_group()
