"""Stages whose blocks differ in their numbers, and what stands before them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
import resforge as rf
import torch
from drawn import shaken
from hypothesis import given
from hypothesis import strategies as st
from resforge.drawing.table import rows
from resforge.specs.expand import expand
from torch import Tensor, nn

WIDEN = {"widen": "linear", "depth": 3}


def spec_of(*stages: dict[str, Any], **fields: Any) -> rf.ResNetSpec:
    tree = {"stem": {"kind": "conv3x3", "width": 8}, "head": {"num_classes": 5}, **fields}
    return rf.ResNetSpec(resforge=1, stages=list(stages), **tree)


def widths(spec: rf.ResNetSpec) -> list[int]:
    return [block.site.width for stage in rf.plan(spec).stages for block in stage]


# Widths that grow block by block.


def additive(start: int, alpha: int, blocks: int) -> list[int]:
    """The widths of PyramidNet by the rule of its authors: a rate is added block by block."""
    rate, width, found = alpha / (blocks * 1.0), start, []
    for _ in range(blocks):
        width = width + rate
        found.append(round(width))
    return found


PYRAMIDS = (
    (48, (18, 18, 18)),
    (84, (18, 18, 18)),
    (270, (18, 18, 18)),
    (200, (30, 30, 30)),
    (240, (22, 22, 22)),
    (300, (3, 24, 36, 3)),
    (27, (2, 2, 5)),
)


@pytest.mark.parametrize(("alpha", "depths"), PYRAMIDS)
def test_the_widths_of_pyramid_nets(alpha: int, depths: tuple[int, ...]) -> None:
    stages: list[dict[str, Any]] = [{"depth": depth, "widen": "linear"} for depth in depths]
    stages[-1]["width"] = 8 + alpha
    assert widths(spec_of(*stages)) == additive(8, alpha, sum(depths))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5), st.integers(1, 5))
def test_a_width_within_a_growth_divides_it(one: int, two: int, first: int, second: int) -> None:
    stages = [{"depth": first, "width": one}, {"depth": second, "width": two}]
    spec = spec_of(*({**stage, "widen": "linear"} for stage in stages))
    assert widths(spec) == additive(8, one - 8, first) + additive(one, two - one, second)


def test_a_growing_stage_is_that_of_its_blocks() -> None:
    spec = spec_of(WIDEN, {**WIDEN, "width": 22, "stride": 2})
    sizes = iter(widths(spec))
    stages: list[dict[str, Any]] = [{"width": 8, "stride": stride} for stride in (1, 2)]
    for stage in stages:
        stage["blocks"] = [{"width": next(sizes)} for _ in range(3)]
    assert spec_of(*stages).digest == spec.digest
    assert rf.loads(spec.to_yaml()) == spec
    assert "{depth: 3, widen: linear, stride: 1}" in spec.to_yaml()


# Blocks with numbers of their own.


def test_multi_grid_dilates_block_by_block() -> None:
    grid = {"width": 8, "blocks": [{"dilation": n} for n in (2, 4, 8)]}
    spec = spec_of({"depth": 1, "width": 8}, grid, block={"kind": "bottleneck", "expansion": 1})
    blocks = rf.plan(spec).stages[1]
    assert [block.layer("conv2").dilation for block in blocks] == [2, 4, 8]
    basic = rf.plan(spec.replace({"block": "basic"})).stages[1]
    spreads = [[block.layer(name).dilation for name in ("conv1", "conv2")] for block in basic]
    assert spreads == [[2, 2], [4, 4], [8, 8]]
    first = rf.plan(spec.replace({"stages[1].first_dilation": 1, "block": "basic"})).stages[1][0]
    assert (first.layer("conv1").dilation, first.layer("conv2").dilation) == (1, 2)


@pytest.mark.parametrize(
    "op", [{"conv": 1, "dilation": 2}, {"kind": "conv2plus1d", "kernel": [3, 1]}], ids=str
)
def test_a_window_of_one_pixel_is_not_dilated(op: Any) -> None:
    """PyTorch's module would have a dilation that nothing shows."""
    branch = {"branch": [{"conv": 3, "stride": "block"}, op]}
    spec = spec_of({"width": 8, "depth": 2, "dilation": 2, "block": branch})
    convs = [layer for layer in rf.plan(spec).layers if layer.kind == "conv"]
    assert {layer.dilation for layer in convs if layer.kernel == 1} == {1}
    assert rf.build(spec, device="meta") is not None


def test_a_module_with_numbers_by_block_is_inferred() -> None:
    grid = {"width": 8, "blocks": [{"dilation": 2}, {"dilation": 4, "width": 12}, {}]}
    spec = spec_of({**WIDEN, "width": 11}, grid)
    assert rf.infer_spec(rf.build(spec)).spec.digest == spec.digest


def test_scaling_reaches_the_widths_of_blocks() -> None:
    from resforge.planner.scale import widths_of

    spec = spec_of({"width": 8, "blocks": [{"width": 12}, {}]}, {**WIDEN, "width": 16})
    knob = widths_of(spec)
    assert knob.written == (8, 8, 12, 16)


# What stands before a stage.

BEFORE = [{"conv": 3}, "norm", "act", {"pool": "max", "kernel": 2, "padding": 0}]


def reference() -> nn.Module:
    """One residual block between convolutions that pool, by hand."""

    class Block(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)

        def forward(self, x: Tensor) -> Tensor:
            inner = torch.relu(self.bn1(self.conv1(x)))
            return torch.relu(self.bn2(self.conv2(inner)) + x)

    def widen(inputs: int, outputs: int) -> nn.Module:
        conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        parts = {"conv1": conv, "norm1": nn.BatchNorm2d(outputs), "act1": nn.ReLU()}
        return nn.Sequential(OrderedDict({**parts, "pool1": nn.MaxPool2d(2)}))

    stem = {"conv1": nn.Conv2d(3, 8, 3, padding=1, bias=False), "bn1": nn.BatchNorm2d(8)}
    body = {"layer1": nn.Sequential(Block(8)), "before2": widen(8, 12)}
    end = {"layer2": nn.Sequential(Block(12)), "pool": nn.AdaptiveAvgPool2d(1)}
    head = {"flat": nn.Flatten(), "fc": nn.Linear(12, 5)}
    return nn.Sequential(OrderedDict({**stem, "relu": nn.ReLU(), **body, **end, **head}))


def test_a_chain_between_stages() -> None:
    spec = spec_of({"depth": 1, "width": 8}, {"depth": 1, "width": 12, "before": BEFORE})
    model, theirs = rf.build(spec), shaken(reference()).eval()
    assert [name for name, _ in model.named_children()][3:6] == ["layer1", "before2", "layer2"]
    model.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 17, 16, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model.eval()(x), theirs(x))
    maps, plan = model.features(x), rf.plan(spec, (17, 16))
    assert [tuple(each.shape[1:]) for each in maps] == [
        (feature.channels, *feature.size) for feature in plan.features
    ]
    assert all(map(torch.equal, rf.FeatureMaps(model, (1, 2))(x), maps))
    assert plan.params == sum(layer.params for layer in plan.layers)
    assert [row.name for row in rows(plan)] == [
        "stem",
        "layer1",
        "before2",
        "layer2",
        "head",
    ]


def test_a_chain_between_stages_has_its_names_and_strides() -> None:
    chain = [{"conv": 3, "stride": 2, "width": 16}, "act", {"conv": 1, "width": "x1/2"}]
    spec = spec_of({"depth": 1, "width": 8, "stride": 2, "before": chain})
    plan = rf.plan(spec, 32)
    assert plan.state_dict["before1.conv1.weight"] == (16, 8, 3, 3)
    assert plan.state_dict["before1.conv2.weight"] == (4, 16, 1, 1)
    assert plan.features[0].size == (8, 8)
    assert spec.natural_input_size == 32
    assert (
        spec.replace({"stages[0].before[0].stride": 16, "stages[0].stride": 4}).natural_input_size
        == 128
    )
    assert expand(spec).digest == spec.digest
    assert spec.replace({"stages[0].before": None}).digest != spec.digest


def test_what_stands_before_a_stage_is_marked_where_it_differs() -> None:
    spec = spec_of({"depth": 1, "width": 8}, {"depth": 1, "width": 8, "before": BEFORE})
    other = spec.replace({"stages[1].before[0].kernel": 5})
    assert "before2" in rf.plan(spec).to_svg(rf.plan(other))
    assert rf.plan(spec).to_svg() != rf.plan(other).to_svg()


def test_a_map_that_is_too_small_for_a_chain_is_reported_there() -> None:
    spec = spec_of({"depth": 1, "width": 8}, {"depth": 1, "width": 8, "before": BEFORE})
    with pytest.raises(rf.SpecError) as caught:
        rf.plan(spec, 1)
    assert caught.value.faults[0].path == "stages[1].before"


def test_pre_activated_maps_are_not_written_over_by_the_chain_after_them() -> None:
    stage = {"depth": 1, "width": 8}
    spec = spec_of(
        stage,
        {**stage, "before": ["act", {"conv": 1}]},
        block={"kind": "basic", "order": "full_pre"},
    )
    model = rf.build(spec).eval()
    maps = model.features(torch.randn(1, 3, 8, 8))
    assert (maps[0] < 0).any()


def test_a_number_without_a_stage_is_refused() -> None:
    from resforge.blocks import Conv3x3Stem, ResNet

    with pytest.raises(ValueError, match="before=2 is no stage"):
        ResNet(Conv3x3Stem(3), [nn.Sequential()], None, before={2: nn.Identity()})
