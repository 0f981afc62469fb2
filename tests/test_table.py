"""The table holds the whole network, once."""

from __future__ import annotations

from itertools import chain, pairwise

import pytest
import resforge as rf
from hypothesis import given
from resforge.drawing.fold import repeats, runs
from resforge.drawing.numbers import percent, short
from resforge.drawing.table import rows, total
from resforge.planner.plan import lay_out
from resforge.specs.axes import each
from resforge.testing.strategies import specs
from sampled import SAMPLE


def spec_of(*stages: dict[str, object], **more: object) -> rf.ResNetSpec:
    return rf.ResNetSpec(resforge=1, stages=stages, **more)


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize("every_layer", [False, True])
def test_rows_add_up_to_the_plan(name: str, every_layer: bool) -> None:
    spec = rf.load(name)
    plan = rf.plan(spec, spec.natural_input_size)
    found, whole = rows(plan, every_layer), total(plan)
    assert sum(row.params for row in found) == whole.params == plan.params
    assert sum(row.macs for row in found) == whole.macs == plan.macs
    assert sum(row.share_of_params for row in found) == pytest.approx(1)
    assert sum(row.share_of_macs for row in found) == pytest.approx(1)
    assert found[-1].output == whole.output == plan.output_shape


@given(specs())
def test_rows_add_up_for_any_network(spec: rf.ResNetSpec) -> None:
    plan = lay_out(spec, (33, 40))
    for every_layer in (False, True):
        found = rows(plan, every_layer)
        assert sum(row.params for row in found) == plan.params
        assert sum(row.macs for row in found) == plan.macs
    assert [row.name for row in rows(plan, True)] == [layer.name for layer in plan.layers]
    folded = rows(plan)
    assert folded[-1].output == plan.output_shape
    # Paddings that follow the size of the map can make it another one on each axis.
    fields = [each(row.receptive_field, 2) for row in folded]
    assert all(a <= b for one, two in pairwise(fields) for a, b in zip(one, two, strict=True))


@given(specs())
def test_no_block_is_folded_away(spec: rf.ResNetSpec) -> None:
    for stage in lay_out(spec, (32, 32)).stages:
        assert tuple(chain.from_iterable(run.blocks for run in runs(stage))) == stage
        assert tuple(chain.from_iterable(repeats(stage))) == stage


def test_a_stage_is_cut_where_its_blocks_change() -> None:
    kinds = ("basic", "basic", "bottleneck", "bottleneck", "basic")
    spec = spec_of({"width": 16, "blocks": [{"block": kind} for kind in kinds]}, head=None)
    names = [(row.name, row.what) for row in rows(rf.plan(spec, 32))][1:]
    assert names == [
        ("layer1.0-1", "basic x2, 64 -> 16"),
        ("layer1.2-3", "bottleneck x2, 16 -> 64"),
        ("layer1.4", "basic, 64 -> 16"),
    ]


def test_a_stage_is_cut_where_its_shortcuts_change() -> None:
    shortcuts = ("projection", "none", "none", "identity")
    spec = spec_of(
        {"width": 16, "blocks": [{"shortcut": {"match": kind}} for kind in shortcuts]},
    )
    found = [(row.name, row.shortcut) for row in rows(rf.plan(spec, 64))][1:-1]
    assert found == [("layer1.0-2", "projection, then none"), ("layer1.3", "identity")]


def test_every_layer_is_named_as_in_the_state_dict() -> None:
    plan = rf.plan(rf.load("resnext50_32x4d"))
    found = {row.name: row for row in rows(plan, every_layer=True)}
    assert found["layer2.0.conv2"].what == "conv 3x3/2, 32 groups"
    assert found["layer2.0.conv2"].output == (256, 28, 28)
    assert found["layer2.0.conv2"].shortcut == ""
    assert found["layer2.0.downsample.0"].shortcut == "projection"
    assert found["maxpool"].what == "max pool 3x3/2"
    assert found["fc"].output == (1000,)
    plain = rows(rf.plan(rf.load("cifar_resnet20"), 32), every_layer=True)
    assert {row.what for row in plain if row.shortcut} == {"zero pad /2"}


@pytest.mark.parametrize(
    ("shortcut", "text"),
    [
        ("projection", "projection"),
        ({"kind": "projection", "kernel": 3}, "projection kernel 3"),
        ({"kind": "projection", "norm": False, "bias": True}, "projection no norm bias"),
        ({"kind": "zero_pad", "pad": "both"}, "zero_pad both"),
        ({"kind": "zero_pad", "subsample": "avg_pool"}, "zero_pad avg_pool"),
        ("scaled", "scaled 1/1"),
        ({"kind": "scaled", "shortcut": 0.5, "residual": 0.25}, "scaled 0.5/0.25"),
        ({"kind": "gate", "bias_init": -7.0}, "gate bias_init -7"),
        (
            {"kind": "gate", "mode": "shortcut_only", "of": "conv1x1"},
            "gate shortcut_only of conv1x1",
        ),
        ({"kind": "dropout", "rate": 0.1}, "dropout rate 0.1"),
    ],
)
def test_a_shortcut_is_named_with_what_is_not_usual(shortcut: object, text: str) -> None:
    spec = rf.load("digits_resnet8").replace({"shortcut.change": shortcut})
    plan = rf.plan(spec)
    assert [row.shortcut for row in rows(plan)] == ["", "identity", text, text, ""]
    of_layers = {row.shortcut for row in rows(plan, every_layer=True)}
    assert of_layers == {"", text}


def test_what_a_block_leaves_out_of_its_shortcut_goes_without_saying() -> None:
    for block in ("d2l", {"kind": "basic", "order": "full_pre"}):
        spec = rf.load("resnet18").replace({"block": block})
        assert rows(rf.plan(spec))[2].shortcut == "projection, then identity"


def test_dilation_pools_and_attention_are_said() -> None:
    block = {"kind": "basic", "attention": {"kind": "se", "reduction": 4}}
    spec = spec_of(
        {"width": 16, "depth": 2, "stride": 2},
        {"width": 16, "depth": 2, "dilation": 2},
        {"width": 16, "depth": 1, "dilation": 4, "block": {"kind": "basic", "attention": "eca"}},
        stem="conv3x3",
        block=block,
        shortcut="avg_projection",
    )
    plan = rf.plan(spec, 32)
    assert [row.what for row in rows(plan)][1:-1] == [
        "basic (attention se 4) x2, 16, /2",
        "basic (attention se 4) x2, 16, dilation 2",
        "basic (attention eca), 16, dilation 2 and 4",
    ]
    found = {row.name: row.what for row in rows(plan, every_layer=True)}
    assert found["layer1.0.downsample.0"] == "average pool 2x2/2"
    assert found["layer1.0.se.pool"] == found["avgpool"] == "average pool"
    assert found["layer2.0.conv1"] == "conv 3x3"
    assert found["layer2.0.conv2"] == "conv 3x3, dilation 2"
    assert found["layer3.0.se.conv"] == "conv along channels 3"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.00 k"),
        (9_994, "9.99 k"),
        (9_996, "10.0 k"),
        (99_960, "100 k"),
        (999_499, "999 k"),
        (999_500, "1.00 M"),
        (4_089_184_256, "4.09 G"),
        (10**21, "1000000 P"),
    ],
)
def test_short_numbers_have_three_digits(number: int, text: str) -> None:
    assert short(number) == text


def test_a_share_that_is_there_is_never_shown_as_nothing_nor_a_part_as_all() -> None:
    shares = (0.0, 1e-9, 0.00049, 0.0005, 0.9994, 0.9995, 11_002_688 / 11_007_818, 1.0)
    assert [percent(share) for share in shares] == [
        "0",
        "<0.1%",
        "<0.1%",
        "0.1%",
        "99.9%",
        ">99.9%",
        ">99.9%",
        "100.0%",
    ]


@pytest.mark.parametrize(
    ("stem", "side"),
    [
        ("conv7x7", 224),
        ({"kind": "conv7x7", "pool": "none"}, 224),
        ("deep_base", 224),
        ("conv3x3", 32),
    ],
)
def test_natural_input_size_follows_the_stem(stem: object, side: int) -> None:
    assert spec_of({"width": 16, "depth": 1}, stem=stem).natural_input_size == side
