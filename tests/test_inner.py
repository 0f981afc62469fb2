"""Widths within branches, which a stage gives."""

from __future__ import annotations

from typing import Any

import pytest
import resforge as rf
import torch
from resforge.export import to_code
from resforge.planner.scale import Scaler
from resforge.specs.expand import expand

CHAIN = {
    "branch": [
        {"conv": 1, "width": "inner"},
        "norm",
        "act",
        {"conv": 3, "width": "inner", "stride": "block"},
        "norm",
        "act",
        {"conv": 1},
        "norm",
    ]
}
WORD = {"kind": "bottleneck", "expansion": 1}


def spec_of(*stages: dict[str, Any], **fields: Any) -> rf.ResNetSpec:
    tree = {"stem": {"kind": "conv3x3", "width": 16}, "head": {"num_classes": 5}, **fields}
    return rf.ResNetSpec(resforge=1, stages=list(stages), **tree)


def widths(spec: rf.ResNetSpec) -> list[list[int]]:
    """The channels that the convolutions of each block put out."""
    return [
        [layer.out_channels for layer in block.branch if layer.kind == "conv"]
        for stage in rf.plan(spec).stages
        for block in stage
    ]


@pytest.mark.parametrize("block", [WORD, CHAIN])
def test_widths_by_block_and_by_convolution(block: dict[str, Any]) -> None:
    stages = (
        {"depth": 2, "width": 16, "inner": [12, [7, 5]]},
        {"depth": 2, "width": 32, "stride": 2, "inner": "in1/2"},
        {"blocks": [{"inner": 9}, {"inner": ["x2", 3]}, {}], "width": 32, "inner": "x1/4"},
    )
    spec = spec_of(*stages, block=block)
    assert widths(spec) == [
        [12, 12, 16],
        [7, 5, 16],
        [8, 8, 32],
        [16, 16, 32],
        [9, 9, 32],
        [64, 3, 32],
        [8, 8, 32],
    ]
    assert rf.loads(spec.to_yaml()).digest == spec.digest
    assert expand(spec).digest == spec.digest
    assert rf.build(spec).spec == spec


def test_a_basic_block_has_one_inner_width() -> None:
    spec = spec_of({"depth": 2, "width": 16, "inner": [4, "x2"]}, block="basic")
    assert widths(spec) == [[4, 16], [32, 16]]


def test_an_x_block_keeps_the_width_of_its_groups() -> None:
    spec = spec_of({"depth": 1, "width": 18, "inner": 24}, block={"kind": "x", "group_width": 4})
    assert rf.plan(spec).stages[0][0].layer("conv2").groups == 6


def test_an_operation_in_place_of_a_convolution_takes_the_width() -> None:
    block = {**WORD, "conv2": {"conv": 5}}
    spec = spec_of({"depth": 1, "width": 16, "inner": [[6, 10]]}, block=block)
    assert widths(spec) == [[6, 10, 16]]
    assert rf.plan(spec).stages[0][0].layer("conv2").kernel == 5


def test_left_out_it_is_the_width_of_the_stage() -> None:
    assert widths(spec_of({"depth": 1, "width": 24}, block=CHAIN)) == [[24, 24, 24]]
    named = spec_of({"depth": 1, "width": 24, "inner": "x1"}, block=CHAIN)
    assert named.digest == spec_of({"depth": 1, "width": 24}, block=CHAIN).digest


def test_what_parallel_chains_hold_takes_it_in_order() -> None:
    paths = [[{"conv": 1, "width": "inner"}], [{"conv": 3, "width": "inner"}]]
    branch = [{"parallel": paths, "join": "cat"}, {"conv": 1}]
    spec = spec_of({"depth": 1, "width": 16, "inner": [[3, 5]]}, block={"branch": branch})
    assert widths(spec) == [[3, 5, 16]]


def test_it_is_rounded_where_the_convolution_rounds() -> None:
    branch = [{"conv": 1, "width": "inner", "divisor": 8}, {"conv": 1}]
    spec = spec_of({"depth": 1, "width": 16, "inner": "in9/4"}, block={"branch": branch})
    assert widths(spec) == [[40, 16]]  # 36, halfway to 40


def test_exported_code_computes_the_same() -> None:
    stage = {"depth": 3, "width": 16, "inner": [[6, 10], [12, 4], 8]}
    spec = spec_of(stage, {**stage, "width": 24, "stride": 2}, block=WORD)
    names: dict[str, Any] = {}
    exec(to_code(spec), names)
    own = rf.build(spec, seed=3).eval()
    exported = names["ResNet"]()
    exported.eval().load_state_dict(own.state_dict())
    x = torch.randn(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    assert torch.equal(exported(x), own(x))


def test_numbers_are_scaled_with_the_widths() -> None:
    spec = spec_of({"blocks": [{"inner": [16, 8]}, {}], "width": 32, "inner": "x1/2"}, block=WORD)
    cost = 4 * rf.plan(spec, 32).params
    scaled = Scaler("params", cost, (32, 32)).scale(spec, "width").spec
    (stage,) = scaled.stages
    assert stage.blocks is not None
    assert stage.inner == "x1/2"
    assert stage.width is not None
    assert stage.width > 60
    first, second = stage.blocks[0].inner  # each number is rounded by itself
    assert max(abs(first * 2 - stage.width), abs(second * 4 - stage.width)) <= 2


FAULTS = [
    (
        {"depth": 2, "width": 16, "inner": [12, 12, 12]},
        WORD,
        "inner: stages[0].inner: inner lists 3 widths, the stage has 2 blocks",
    ),
    (
        {"depth": 2, "width": 16, "inner": [12, [1, 2, 3]]},
        WORD,
        "inner: stages[0].inner[1]: 3 widths, where 2 convolutions of layer1.1 take one",
    ),
    (
        {"blocks": [{"inner": [4, 4]}], "width": 16},
        "basic",
        "inner: stages[0].blocks[0].inner: 2 widths, where 1 convolution of layer1.0 takes one",
    ),
    (
        {"depth": 1, "width": 16, "inner": 8},
        {"branch": [{"conv": 1}]},
        "inner: stages[0].inner: no convolution of layer1.0 takes a width from here",
    ),
    (
        {"depth": 1, "width": 16, "inner": 8},
        "d2l",
        "inner: stages[0].inner: no convolution of layer1.0 takes a width from here",
    ),
    (
        {"depth": 1, "width": 16, "inner": "in1/3"},
        WORD,
        "block: block: in1/3 comes to 16/3 channels, which is no whole number (conv1)",
    ),
]


@pytest.mark.parametrize(("stage", "block", "says"), FAULTS)
def test_faults(stage: dict[str, Any], block: Any, says: str) -> None:
    with pytest.raises(rf.SpecError) as caught:
        spec_of(stage, block=block)
    fault = caught.value.faults[0]
    assert f"{fault.code}: {fault.path}: {fault.message}" == says
    assert fault.help


@pytest.mark.parametrize("inner", ["inner", "x", 0, [], [[]], 1.5, [[[3]]], True])
def test_what_is_no_width(inner: Any) -> None:
    with pytest.raises(rf.SpecError) as caught:
        spec_of({"depth": 1, "width": 16, "inner": inner}, block=WORD)
    assert caught.value.faults[0].path.startswith("stages[0].inner")


def test_a_width_that_one_stage_gives_hides_no_fault_of_another() -> None:
    """Both have one block and one width, of which the other's is not divided."""
    given, left_out = {"depth": 1, "width": 12, "inner": 8}, {"depth": 1, "width": 12}
    for stages in ((given, left_out), (left_out, given)):
        with pytest.raises(rf.SpecError, match="groups of 8 channels do not divide 12") as caught:
            spec_of(*stages, block={"kind": "x", "group_width": 8})
        assert [fault.path for fault in caught.value.faults] == ["block.group_width"]
