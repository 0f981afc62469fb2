"""Sums and meanings of blocks without their layouts are those of the layouts."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import pytest
import resforge as rf
from hypothesis import given, settings
from hypothesis import strategies as st
from resforge.specs.blocks import XSpec
from resforge.specs.canonical import _ENCODER, _text_at, block_text, canonical_block
from resforge.specs.layout import block_at, course_at, tally_at
from resforge.specs.norm import BatchNormSpec
from resforge.specs.operation import OPERATIONS, Operation, is_bare, meanings, named, trace_chain
from resforge.specs.operations import ActSpec, ConvSpec, NormOpSpec
from resforge.specs.paths import parse_path, set_path
from resforge.specs.resolve import ResolvedBlock, runs_of
from resforge.specs.rules import broken_rules, rules_for
from resforge.specs.site import Site
from resforge.specs.sums import Part, are_summed
from resforge.specs.tally import tally_of
from resforge.specs.trace import Trace
from resforge.testing import strategies

SUMMED = ["resnet50", "preact_resnet50", "wide_resnet50_2", "resnext50_32x4d", "regnet_x_400mf"]


def _blocks(spec: rf.ResNetSpec) -> Iterator[ResolvedBlock]:
    return (block for stage in runs_of(spec) for block, _ in stage)


def keeps_the_rules(spec: rf.ResNetSpec) -> bool:
    return rules_for(spec).kept_by(spec)


def _assert_alike(spec: rf.ResNetSpec, side: int) -> None:
    size = (side,) * spec.dims
    for block in _blocks(spec):
        laid = block_at(*block.like, size)
        modules = [module for chain in laid.modules[:4] for module in chain]
        if course := course_at(*block.like, size):
            sums, meets = course.count(block.site)
            assert meets == laid.meets
            tally = tally_of(laid.layers, modules, laid.end)
            assert not meets or course.tally(block.site, sums) == tally
        assert block_text(*block.like, size) == _ENCODER.encode(canonical_block(*block.like))


@pytest.mark.parametrize("side", [56, 7, 1])
@pytest.mark.parametrize("name", SUMMED)
def test_the_commonest_blocks_are_summed_without_their_layouts(name: str, side: int) -> None:
    spec = rf.load(name)
    for block in _blocks(spec):
        assert course_at(*block.like, (side,) * spec.dims) is not None
    _assert_alike(spec, side)


@settings(max_examples=60)
@given(strategies.specs())
def test_sums_are_those_of_the_layout(spec: rf.ResNetSpec) -> None:
    _assert_alike(spec, 9)


@pytest.mark.parametrize("norm", ["batch", "evonorm_b0", "none", {"kind": "group", "groups": 4}])
@pytest.mark.parametrize("convolution", ["plain", "scaled_standardized", "standardized"])
@pytest.mark.parametrize("activation", ["relu", "prelu", {"kind": "gelu", "gain": 1.5}])
def test_choices_of_the_network_are_summed(norm: str, convolution: str, activation: str) -> None:
    changes = {"norm": norm, "convolution": convolution, "activation": activation}
    spec = rf.load("cifar_resnet20").replace({**changes, "stages[1].dilation": 2})
    _assert_alike(spec, 16)
    _assert_alike(spec.replace({"shortcut": {"match": "identity", "change": "gate"}}), 16)


class OwnConv(ConvSpec):
    """A convolution that may write down something else."""


def test_an_operation_that_derives_from_a_summed_one_is_laid_out() -> None:
    """What a class of its own writes down, only its trace says."""
    choices = next(_blocks(rf.load("resnet18"))).site.choices
    assert are_summed((named((ConvSpec(kernel=3), NormOpSpec(), ActSpec()), ""),), choices)
    assert not are_summed((named((OwnConv(kernel=3),), ""),), choices)


ILLEGAL: dict[str, dict[str, object]] = {
    "shortcut": {"shortcut": {"match": "identity", "change": "identity"}},
    "width": {"block": {"kind": "x", "group_width": 7}},
    "too wide": {"block": {"kind": "bottleneck", "expansion": 64}, "stages[2].width": 60_000},
    "dilation": {"block": "d2l", "stages[1].dilation": 2},
}


@pytest.mark.parametrize("what", ILLEGAL)
def test_faults_are_said_of_each_network_that_shares_a_block(what: str) -> None:
    """Blocks know what was found out about them; that one is legal, only where nothing is wrong."""
    tree = rf.load("cifar_resnet20").model_dump(mode="json")
    for path, value in ILLEGAL[what].items():
        set_path(tree, parse_path(path), value)
    first, again = (broken_rules(rf.ResNetSpec.unchecked(tree)) for _ in range(2))
    assert first
    assert first == again
    for depth in (1, 3):  # stages of the same blocks
        stages = [{**stage, "depth": depth} for stage in tree["stages"]]
        found = broken_rules(rf.ResNetSpec.unchecked({**tree, "stages": stages}))
        assert [fault.message for fault in found] == [fault.message for fault in first]


@pytest.mark.parametrize("what", ILLEGAL)
def test_what_is_illegal_is_so_without_words(what: str) -> None:
    tree = rf.load("cifar_resnet20").model_dump(mode="json")
    assert keeps_the_rules(rf.ResNetSpec.unchecked(tree))
    for path, value in ILLEGAL[what].items():
        set_path(tree, parse_path(path), value)
    for again in range(2):
        assert not keeps_the_rules(rf.ResNetSpec.unchecked({**tree, "name": str(again)}))
        assert broken_rules(rf.ResNetSpec.unchecked(tree))


@settings(max_examples=60)
@given(strategies.trees(), st.data())
def test_legal_are_those_that_break_no_rule(tree: dict[str, Any], data: st.DataObject) -> None:
    """Also of trees whose parts come from different networks."""
    other = data.draw(strategies.trees())
    name = data.draw(st.sampled_from(sorted(other)))
    try:
        spec = rf.ResNetSpec.unchecked({**tree, name: other[name]})
    except rf.SpecError:
        return
    assert keeps_the_rules(spec.model_copy()) == (not broken_rules(spec))


BARE = [kind for kind, model in OPERATIONS.items() if is_bare(model)]


@pytest.mark.parametrize("kind", BARE)
def test_bare_operations_mean_and_count_the_same_on_any_channels(kind: str) -> None:
    for fields in OPERATIONS[kind].samples:
        found = []
        for channels, side in ((1, 9), (8, 9), (8, 4)):
            trace, site = Trace(channels, (side, side)), Site.of_end(8, BatchNormSpec(), "relu")
            op = OPERATIONS[kind].model_validate({"kind": kind, **fields})
            trace_chain(trace, (("op", op),), site, None, fresh=False)
            tally = tally_of(trace.layers, trace.modules, trace.end)
            assert tally[:4] == (0, 0, 0, 0)
            assert trace.channels == channels
            found.append((meanings(trace.modules), tally.end[2:], tally.fits))
        assert found[0] == found[1] == found[2]


class SpreadPoolSpec(Operation):
    """A pool over as much as the convolutions around it reach."""

    kind: Literal["spread_pool"] = "spread_pool"
    bare: ClassVar[bool] = True

    def trace(self, trace: Trace, name: str, site: Site) -> None:
        trace.max_pool(name, 2 * trace.dilation + 1, 1)


def test_a_bare_operation_meets_the_dilation_of_its_place() -> None:
    chain, site = named((SpreadPoolSpec(),), ""), Site.of_end(8, BatchNormSpec(), "relu")
    at, laid = Trace(1, (9, 9)), Trace(8, (9, 9))
    at.dilation = laid.dilation = 3
    Part(at, chain, site)
    trace_chain(laid, chain, site, None, fresh=False)
    assert at.receptive_field == 7
    assert at.end[1:] == laid.end[1:]


class HalvedSpec(XSpec):
    """An X block of half as many groups."""

    kind: Literal["halved"] = "halved"

    def inner_groups(self, width: int) -> int:
        return max(1, super().inner_groups(width) // 2)


def test_a_kind_that_derives_from_x_keeps_its_own_groups() -> None:
    assert [conv.groups for conv in HalvedSpec(group_width=8).convs(64)] == [1, 4, 1]
    assert [conv.group_width for conv in XSpec(group_width=8).convs(64)] == [None, 8, None]


def test_stages_that_differ_in_their_sizes_share_their_frame() -> None:
    one, other, *_ = rf.load("resnet50").stages[1:]
    assert one != other
    assert one.frame is other.frame is one.with_size({"depth": 9, "width": 8}).frame
    assert one.frame is not rf.load("resnet50").stages[0].frame


@settings(max_examples=30)
@given(strategies.specs())
def test_what_blocks_know_is_what_is_found_anew(spec: rf.ResNetSpec) -> None:
    size = (16,) * spec.dims
    for again in range(2):
        for block in _blocks(spec if again else spec.model_copy()):
            anew = pickle.loads(pickle.dumps(block))
            assert anew == block
            assert anew.latest is anew.known is None
            assert tally_at(block, size) == tally_at(anew, size)
            assert _text_at(block, size) == _text_at(anew, size) == block_text(*block.like, size)


def test_networks_that_differ_in_their_stages_share_their_frame() -> None:
    spec = rf.load("resnet50")
    assert spec.frame is spec.replace({"stages[0].depth": 4, "name": "other"}).frame
    assert spec.frame is not spec.replace({"head.num_classes": 10}).frame
