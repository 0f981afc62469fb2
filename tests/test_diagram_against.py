"""A picture marks what differs from another network."""

from __future__ import annotations

import re

import resforge as rf
from hypothesis import given
from picture_reading import arcs, badges, beside, picture, texts
from resforge.drawing.marks import changed
from resforge.planner.plan import lay_out
from resforge.testing.strategies import specs


def test_blocks_that_differ_are_marked_and_no_others() -> None:
    spec = rf.load("cifar_resnet20")
    option_b = beside(spec.replace({"shortcut": "projection"}), spec)
    assert badges(option_b) == {"≠ layer2.0": 1, "≠ layer3.0": 1}
    assert {"layer1", "layer2 ≠", "layer3 ≠", "not so in the other network"} <= {*texts(option_b)}
    (desc,) = re.findall("<desc>(.*)</desc>", option_b)
    assert desc.endswith(
        " Not so in the other network: layer2 (1 of 3 blocks), layer3 (1 of 3 blocks)."
    )
    # Not by colour alone: the outline is heavier too.
    heavy = 'stroke-width="3"'
    assert option_b.count(heavy) == picture(spec, shortcut="projection").count(heavy) + 2


def test_blocks_more_are_marked_and_folded_by_themselves() -> None:
    spec = rf.load("cifar_resnet20").replace({"stages[0].depth": 9})
    deeper = spec.replace({"stages[0].depth": 18})
    assert badges(beside(deeper, spec)) == {"≠ layer1.9 and 8 more like it": 1}
    assert texts(beside(deeper, spec)).count("×9") == 2
    # What is missing can be marked only where it would stand.
    fewer = beside(spec, deeper)
    assert badges(fewer) == {}
    assert "layer1 ≠" in texts(fewer)
    assert "layer1 (fewer blocks)." in fewer


def test_where_in_a_spec_a_block_is_named_is_no_difference() -> None:
    spec = rf.load("cifar_resnet20")
    again = spec.replace({"stages[0].shortcut": "zero_pad", "stages[0].block": "basic"})
    assert again != spec
    assert beside(again, spec) == picture(again)


def test_stem_head_and_what_goes_through_all_are_marked() -> None:
    spec = rf.load("cifar_resnet20")
    assert [*badges(beside(spec.replace({"head.dropout": 0.5}), spec))] == ["≠ head"]
    assert [*badges(beside(spec.replace({"stem.bias": True}), spec))] == ["≠ stem"]
    normed = badges(beside(spec.replace({"norm": {"kind": "group", "groups": 8}}), spec))
    assert len(normed) == 1 + 9


@given(specs(), specs())
def test_a_network_held_against_another_has_its_picture_and_no_more(
    spec: rf.ResNetSpec, other: rf.ResNetSpec
) -> None:
    plan, against = lay_out(spec, (33, 40)), lay_out(other, (33, 40))
    assert plan.to_svg(plan) == plan.to_svg()
    marked = plan.to_svg(against)
    assert arcs(marked) == arcs(plan.to_svg())
    assert (changed(plan, against) == frozenset()) == (marked == plan.to_svg())
