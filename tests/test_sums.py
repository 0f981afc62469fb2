"""Sums and meanings of blocks without their layouts are those of the layouts."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest
import resforge as rf
from hypothesis import given, settings
from resforge.specs.canonical import _ENCODER, _text_at, block_text, canonical_block
from resforge.specs.layout import block_at, sums_at, tally_at
from resforge.specs.operation import named
from resforge.specs.operations import ActSpec, ConvSpec, NormOpSpec
from resforge.specs.paths import parse_path, set_path
from resforge.specs.resolve import ResolvedBlock, runs_of
from resforge.specs.rules import broken_rules
from resforge.specs.sums import terms_of
from resforge.specs.tally import tally_of
from resforge.testing import strategies

SUMMED = ["resnet50", "preact_resnet50", "wide_resnet50_2", "resnext50_32x4d", "regnet_x_400mf"]


def _blocks(spec: rf.ResNetSpec) -> Iterator[ResolvedBlock]:
    return (block for stage in runs_of(spec) for block, _ in stage)


def _assert_alike(spec: rf.ResNetSpec, side: int) -> None:
    size = (side,) * spec.dims
    for block in _blocks(spec):
        sums, laid = sums_at(*block.like, size), block_at(*block.like, size)
        modules = [module for chain in laid.modules[:4] for module in chain]
        assert sums.tally == (tally_of(laid.layers, modules, laid.end) if laid.meets else None)
        assert block_text(*block.like, size) == _ENCODER.encode(canonical_block(*block.like))


@pytest.mark.parametrize("side", [56, 7, 1])
@pytest.mark.parametrize("name", SUMMED)
def test_the_commonest_blocks_are_summed_without_their_layouts(name: str, side: int) -> None:
    spec = rf.load(name)
    for block in _blocks(spec):
        assert sums_at(*block.like, (side,) * spec.dims).steps is not None
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
    assert terms_of((named((ConvSpec(kernel=3), NormOpSpec(), ActSpec()), ""),), choices)
    assert terms_of((named((OwnConv(kernel=3),), ""),), choices) is None


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


@settings(max_examples=30)
@given(strategies.specs())
def test_what_blocks_know_is_what_is_found_anew(spec: rf.ResNetSpec) -> None:
    size = (16,) * spec.dims
    for again in range(2):
        for block in _blocks(spec if again else spec.model_copy()):
            assert tally_at(block, size) == sums_at(*block.like, size).tally
            assert _text_at(block, size) == block_text(*block.like, size)
            known = pickle.loads(pickle.dumps(block))
            assert known == block
            assert not known.tallies


def test_networks_that_differ_in_their_stages_share_their_frame() -> None:
    spec = rf.load("resnet50")
    assert spec.frame is spec.replace({"stages[0].depth": 4, "name": "other"}).frame
    assert spec.frame is not spec.replace({"head.num_classes": 10}).frame
