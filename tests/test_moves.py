"""Steps between networks: always legal, always elsewhere, each with its name."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import resforge as rf
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from resforge.generation import (
    MOVES,
    Space,
    crossover,
    distance,
    list_spaces,
    load_space,
    mutate,
    neighbours,
)
from resforge.specs.resolve import blocks_of
from resforge.testing import strategies

WANTED = {"deeper": (1, 0), "shallower": (-1, 0), "wider": (0, 1), "narrower": (0, -1)}


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


@settings(max_examples=15)
@given(strategies.specs(), st.integers(0, 100))
def test_a_mutant_is_a_legal_network_and_another(spec: rf.ResNetSpec, seed: int) -> None:
    child = mutate(spec, seed)
    assert child.digest == child.spec.digest != spec.digest
    assert rf.loads(child.spec.to_yaml()).digest == child.digest
    assert rf.plan(child.spec, spec.natural_input_size).params
    assert child == mutate(spec, seed)
    assert distance(spec, child.spec) > 0


def stem_width(spec: rf.ResNetSpec) -> int:
    """The channels that the stem puts out."""
    return spec.stem.channels(spec.stem_site)


@settings(max_examples=10)
@given(strategies.specs(max_depth=2))
def test_neighbours_are_what_their_names_say(spec: rf.ResNetSpec) -> None:
    blocks, width = sum(len(s.entries) for s in spec.stages), sum(s.width or 0 for s in spec.stages)
    stem = stem_width(spec)
    digests = [spec.digest]
    for child in neighbours(spec):
        assert child.move in MOVES
        digests.append(child.digest)
        deeper = sum(len(s.entries) for s in child.spec.stages) - blocks
        wider = sum(s.width or 0 for s in child.spec.stages) - width
        wider = wider or stem_width(child.spec) - stem
        assert (sign(deeper), sign(wider)) == WANTED.get(child.move, (0, 0))
    assert len(digests) == len(set(digests)) > 1


def test_every_move_is_made() -> None:
    spec = rf.load("resnet50").replace({"stages[*].depth": 2})
    assert {child.move for child in neighbours(spec)} == set(MOVES)
    assert [child.move for child in neighbours(spec, ["other stride site"])] == [
        "other stride site"
    ] * 4


def test_mutants_take_every_move_and_are_built() -> None:
    spec = rf.load("cifar_resnet20").replace({"stages[*].width": 8, "stem.width": 8})
    moves = {mutate(spec, seed).move for seed in range(80)}
    assert moves == set(MOVES)
    for seed in range(5):
        child = mutate(spec, seed).spec
        model = rf.build(child).eval()
        assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
        assert sum(p.numel() for p in model.parameters()) == rf.plan(child, 32).params


def test_an_unknown_move_is_refused() -> None:
    with pytest.raises(rf.SpecError, match="no move 'deepr'") as caught:
        mutate(rf.load("resnet18"), moves=["deepr"])
    assert "'deeper'" in (caught.value.help or "")


@settings(max_examples=15)
@given(strategies.specs(), strategies.specs(), st.integers(0, 9))
def test_a_child_of_two_is_legal_and_neither(
    one: rf.ResNetSpec, other: rf.ResNetSpec, seed: int
) -> None:
    try:
        child = crossover(one, other, seed)
    except rf.SpecError as error:
        assert "differs from both" in str(error)
        return
    assert child.digest not in (one.digest, other.digest)
    assert child == crossover(one, other, seed)
    assert (child.spec.head, child.spec.in_channels) == (one.head, one.in_channels)


def test_a_child_has_parts_of_both() -> None:
    one, other = rf.load("resnet34"), rf.load("resnet50_deep")
    child = crossover(one, other, seed=2).spec
    kinds = {block.block.kind for stage in blocks_of(child) for block in stage}
    assert kinds == {"basic", "bottleneck"}
    with pytest.raises(rf.SpecError, match="differs from both"):
        crossover(one, one.replace({"stages[0].depth": 4}))


@settings(max_examples=20)
@given(strategies.specs(), strategies.specs(), strategies.specs())
def test_distance_is_a_metric(one: rf.ResNetSpec, two: rf.ResNetSpec, three: rf.ResNetSpec) -> None:
    assert distance(one, one) == 0
    assert distance(one, two) == distance(two, one)
    assert (distance(one, two) == 0) == (one.digest == two.digest)
    assert distance(one, three) <= distance(one, two) + distance(two, three) + 1e-9


def test_distance_counts_blocks() -> None:
    one = rf.load("resnet18")
    assert distance(one, one.replace({"stages[0].depth": 5})) == 3
    assert distance(one, one.replace({"stages[3].block": "bottleneck"})) == 2
    near, far = (distance(one, one.replace({"stem.width": width})) for width in (66, 80))
    # At another width than the stem's, the first block's identity is a projection: a block.
    assert 1 < near < far < distance(one, one.replace({"stem.width": 128})) <= 2


@pytest.mark.parametrize("name", list_spaces())
def test_steps_stay_within_the_space(name: str) -> None:
    space = load_space(name)
    one, other = islice(space.sample(seed=1), 2)
    beside = list(space.neighbours(one))
    assert len({found.digest for found in [one, *beside]}) == len(beside) + 1
    for found in beside[:10]:
        assert space.at(found.index).digest == found.digest == found.spec.digest
        assert found.move
    child = space.mutate(one, seed=5)
    assert child.digest in {found.digest for found in beside}
    assert child == space.mutate(one, seed=5)
    crossed = space.crossover(one, other, seed=5)
    assert crossed.digest not in (one.digest, other.digest)
    assert crossed.digest == space.at(crossed.index).digest


def small(**changes: Any) -> Space:
    free = {
        "stages[*].depth": {"int": [1, 9], "each": "increasing"},
        "stem.width": {"log_int": [8, 64], "step": 8},
        "block": ["basic", {"kind": "bottleneck", "stride_on": {"choice": ["conv2", "conv1"]}}],
    }
    base = {"base": "cifar_resnet20", "shortcut": "projection"}
    return Space(**{"space": 1, "base": base, "free": free, **changes})


def test_steps_in_a_space_are_named_after_what_they_change() -> None:
    space = small()
    names = {found.move for start in (0, 800, 2000) for found in space.neighbours(space.at(start))}
    wanted = {"deeper", "shallower", "wider", "narrower", "other block", "other stride site"}
    assert names == wanted
    start = space.nth(4)
    for found in space.neighbours(start):
        if found.move in ("deeper", "shallower"):
            assert sign(found.depth - start.depth) == WANTED[found.move][0]
            depths = [stage.depth or 0 for stage in found.spec.stages]
            assert depths == sorted(depths)


def test_every_point_can_be_reached_from_every_other() -> None:
    space = small(free={"stages[*].depth": {"int": [1, 3], "each": "increasing"}})
    reached = {0}
    waiting = [space.at(0)]
    while waiting:
        for found in space.neighbours(waiting.pop()):
            if found.index not in reached:
                reached.add(found.index)
                waiting.append(found)
    assert reached == set(range(space.size))


def test_an_error_where_there_is_no_other_network() -> None:
    lonely = small(free={"stem.width": [16, 24]}, where={"params": {"max": 272_500}})
    only = next(lonely.sample())
    with pytest.raises(rf.SpecError, match="no step from this network"):
        lonely.mutate(only)
    with pytest.raises(rf.SpecError, match="differs from both"):
        lonely.crossover(only, only)


@pytest.mark.parametrize("name", list_spaces())
def test_drawn_networks_are_built_as_counted(name: str) -> None:
    found = next(load_space(name).sample(seed=6))
    model = rf.build(found.spec, device="meta")
    assert sum(parameter.numel() for parameter in model.parameters()) == found.params


def test_drawn_networks_run() -> None:
    for found in islice(load_space("cifar_resnets").sample(seed=6), 3):
        assert rf.build(found.spec).eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
