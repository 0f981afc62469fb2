"""What timm's tools ask of a network, without timm."""

from __future__ import annotations

import re
from typing import Any

import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from resforge import blocks
from resforge.testing import strategies
from torch import nn

SMALL = strategies.specs(max_depth=2, max_width=4, input_size=16)


def _input(spec: rf.ResNetSpec) -> torch.Tensor:
    return torch.randn(2, spec.in_channels, 17, 16)


@settings(max_examples=30)
@given(SMALL)
def test_parts_of_the_forward_pass(spec: rf.ResNetSpec) -> None:
    model, x = rf.build(spec).eval(), _input(spec)
    last, maps = model.forward_intermediates(x, norm=True)
    assert torch.equal(last.nan_to_num(), model.forward_features(x).nan_to_num())
    wanted = rf.FeatureMaps(model, range(len(spec.stages) + 1))(x)
    for found, map_ in zip(maps, wanted, strict=True):
        assert torch.equal(found.nan_to_num(), map_.nan_to_num())
    assert torch.equal(model.forward_head(last).nan_to_num(), model(x).nan_to_num())
    described = [(info["num_chs"], info["module"]) for info in model.feature_info]
    assert [channels for channels, _ in described] == [m.shape[1] for m in maps]
    assert model.num_features == model.inplanes == last.shape[1]
    names = dict(model.named_modules())
    assert all(name in names for _, name in described)


def test_intermediates_as_timm_counts_them() -> None:
    model, x = rf.build("preact_resnet18").eval(), torch.randn(1, 3, 32, 32)
    last, every = model.forward_intermediates(x)
    assert len(every) == 5
    assert torch.equal(model.get_submodule("act")(model.get_submodule("norm")(every[-1])), last)
    for indices, wanted in (((-2,), [3]), (2, [3, 4]), ((0, 2), [0, 2]), ([4, 1], [1, 4])):
        maps = model.forward_intermediates(x, indices, intermediates_only=True)
        assert all(torch.equal(m, every[i]) for m, i in zip(maps, wanted, strict=True))
    early, maps = model.forward_intermediates(x, (0, 2), stop_early=True)
    assert torch.equal(early, maps[-1])
    assert torch.equal(model.forward_intermediates(x, (0,), stop_early=True)[0], every[0])
    assert torch.equal(model.forward_intermediates(x, (4,), stop_early=True)[0], last)


def test_the_map_of_a_stem_written_out() -> None:
    """A chain is one child, which is opened; its map is that of the word."""
    word = rf.load("resnet18")
    chain = word.replace(
        {"stem": [{"conv": 7, "width": 64, "stride": 2}, "norm", "act", {"pool": "max"}]}
    )
    assert chain.digest == word.digest
    x = torch.randn(1, 3, 64, 64)
    models = [rf.build(spec).eval() for spec in (word, chain)]
    values = models[0].state_dict().values()
    models[1].load_state_dict(dict(zip(models[1].state_dict(), values, strict=True)))
    assert [rf.plan(spec).stem_map.name for spec in (word, chain)] == ["relu", "stem.act1"]
    one, other = (rf.FeatureMaps(model, (0, 1))(x) for model in models)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert [tuple(m.shape) for m in one] == [(1, 64, 32, 32), (1, 64, 16, 16)]


@pytest.mark.parametrize(
    ("pool", "stride"),
    [
        ("none", 2),
        ({"pool": "avg"}, 2),
        ([{"pool": "max", "stride": 1}, "blur"], 2),
        ([{"conv": 3, "stride": 2}, "norm", "act"], 2),
    ],
)
def test_what_ends_a_stem_is_not_in_its_map(pool: Any, stride: int) -> None:
    spec = rf.load("resnet18").replace({"stem": {"kind": "conv7x7", "pool": pool}})
    found = rf.plan(spec, 64).stem_map
    assert (found.name, found.stride, found.size) == ("relu", stride, (32, 32))


def test_a_network_without_a_stem() -> None:
    """Its map 0 is the input."""
    spec = rf.load("cifar_resnet20").replace({"stem": []})
    x = torch.randn(1, 3, 16, 16)
    maps = rf.FeatureMaps(rf.build(spec).eval(), (0, 1))
    assert (maps.channels, maps.strides) == ((3, 16), (1, 1))
    assert torch.equal(maps(x)[0], x)
    assert rf.build(spec).group_matcher()["stem"] is None


def test_another_classifier() -> None:
    model = rf.build("resnet18d", dtype=torch.float64).eval()
    x = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    assert model.get_classifier() is model.fc
    assert model.get_classifier(name_only=True) == "fc"
    pooled = model.forward_head(model.forward_features(x), pre_logits=True)
    assert pooled.shape == (2, 512)
    model.reset_classifier(5)
    assert (model.num_classes, model.fc.weight.dtype) == (5, torch.float64)
    assert model(x).shape == (2, 5)
    assert rf.spec_of(model) == rf.load("resnet18d").replace({"head.num_classes": 5})
    model.reset_classifier(0)
    assert (model.num_classes, model.num_features, model.head_hidden_size) == (0, 512, 512)
    assert torch.equal(model(x), pooled)
    spec = rf.spec_of(model)
    assert spec == rf.load("resnet18d").replace({"head.num_classes": 0})
    again = rf.build(spec, dtype=torch.float64).eval()
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(x), pooled)
    model.reset_classifier(7, "avg")
    assert model(x).shape == (2, 7)


@pytest.mark.parametrize(
    "head",
    [
        {"num_classes": 10, "dropout": 0.5},
        ["global_pool", {"dropout": 0.1}, {"linear": 10}],
        ["global_pool", {"linear": 20}, "act", {"linear": 10}],
        [{"flatten": 8}, {"linear": 10}],
    ],
)
def test_every_head_without_its_classes(head: Any) -> None:
    spec = rf.load("cifar_resnet20").replace({"head": head})
    model, x = rf.build(spec).eval(), torch.randn(2, 3, 32, 32)
    model.reset_classifier(0)
    pooled = rf.spec_of(model)
    assert rf.plan(pooled).output_shape == (model.head_hidden_size,)
    again = rf.build(pooled).eval()
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(x), model(x))
    model.relu = nn.SiLU()
    with pytest.raises(rf.ResforgeError, match="relu is SiLU, not ReLU"):
        rf.spec_of(model)


def test_pooled_features_by_spec() -> None:
    """The word is its chain, and any size of picture is taken."""
    spec = rf.load("resnet18").replace({"head.num_classes": 0})
    assert rf.plan(spec).output_shape == (512,)
    assert spec.natural_input_size == 224
    chain = spec.replace({"head": [{"global_pool": "avg"}, {"flatten": 1}]})
    assert (chain.digest, chain.natural_input_size) == (spec.digest, 224)
    assert rf.loads(spec.to_yaml()) == spec
    assert rf.build(spec).num_features == 512


def test_what_cannot_be_reset() -> None:
    model = rf.build("resnet18", device="meta")
    with pytest.raises(ValueError, match="global_pool='max': the pool stays as it is"):
        model.reset_classifier(5, "max")
    with pytest.raises(ValueError, match="num_classes=-1 must be at least 0"):
        model.reset_classifier(-1)
    with pytest.raises(ValueError, match=r"output_fmt='NHWC' is not supported"):
        model.forward_intermediates(torch.zeros(1), output_fmt="NHWC")
    with pytest.raises(ValueError, match=r"5 is no map; choose from 0 \(the stem\) to 4"):
        model.forward_intermediates(torch.zeros(1), (5,))
    headless = rf.build(rf.load("resnet18").replace({"head": None}), device="meta")
    assert (headless.num_classes, headless.get_classifier(name_only=True)) == (0, "")
    assert isinstance(headless.get_classifier(), nn.Identity)
    with pytest.raises(ValueError, match="no linear layer to replace"):
        headless.reset_classifier(5)
    bare = blocks.ResNet(blocks.Conv3x3Stem(3), [nn.Sequential(blocks.BasicBlock(16, 16))], None)
    with pytest.raises(ValueError, match="made without feature_info"):
        bare.forward_intermediates(torch.zeros(1, 3, 8, 8))


@settings(max_examples=30)
@given(SMALL)
def test_every_parameter_is_in_one_group(spec: rf.ResNetSpec) -> None:
    model = rf.build(spec, device="meta")
    for coarse in (True, False):
        found = model.group_matcher(coarse)
        stem, blocks_ = found["stem"], [pattern for pattern, _ in found["blocks"]]
        for name, _ in model.named_parameters():
            hits = [p for p in [stem, *blocks_] if p and re.match(p, name)]
            in_head = name.split(".")[0] in model.head_names
            assert len(hits) == (0 if in_head else 1), (name, hits)
