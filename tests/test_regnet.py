"""RegNet: the published networks follow from their numbers, and the space from their ranges."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import resforge as rf
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from resforge.generation import Space, finding, load_space
from resforge.generation.regnet import regnet_stages

# Depth, w_0, w_a, w_m and group width, from the configurations of pycls.
PUBLISHED = {
    "regnetx_200mf": (13, 24, 36.44, 2.49, 8),
    "regnetx_400mf": (22, 24, 24.48, 2.54, 16),
    "regnetx_600mf": (16, 48, 36.97, 2.24, 24),
    "regnetx_800mf": (16, 56, 35.73, 2.28, 16),
    "regnetx_1_6gf": (18, 80, 34.01, 2.25, 24),
    "regnetx_3_2gf": (25, 88, 26.31, 2.25, 48),
    "regnetx_4_0gf": (23, 96, 38.65, 2.43, 40),
    "regnetx_6_4gf": (17, 184, 60.83, 2.07, 56),
    "regnetx_8_0gf": (23, 80, 49.56, 2.88, 120),
    "regnetx_12gf": (19, 168, 73.36, 2.37, 112),
    "regnetx_16gf": (22, 216, 55.59, 2.1, 128),
    "regnetx_32gf": (23, 320, 69.86, 2.0, 168),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_networks_follow_from_their_numbers(name: str) -> None:
    known = rf.load(name)
    assert known.replace({"stages": regnet_stages(*PUBLISHED[name])}).digest == known.digest


@given(
    depth=st.integers(1, 40),
    w_0=st.integers(1, 40).map(lambda n: 8 * n),
    w_a=st.floats(0, 256),
    w_m=st.floats(1.1, 4),
    group_width=st.sampled_from([1, 8, 24, 40]),
    ratio=st.sampled_from([1, 2, 4]),
)
@settings(max_examples=50)
def test_stages_are_legal_as_deep_as_asked_and_near_the_line(**numbers: Any) -> None:
    stages = regnet_stages(**numbers)
    spec = rf.load("regnetx_200mf").replace({"stages": stages})
    assert sum(stage.depth or 0 for stage in spec.stages) == numbers["depth"]
    widths = [width for s in spec.stages for width in [s.width] * (s.depth or 0)]
    line = [numbers["w_0"] + numbers["w_a"] * block for block in range(numbers["depth"])]
    group = numbers["group_width"] * numbers["ratio"]
    for width, wanted in zip(widths, line, strict=True):
        # Half a step of the power, half a quantum of 8, half a group.
        high = wanted * numbers["w_m"] ** 0.5 + 4 + group / 2
        low = wanted / numbers["w_m"] ** 0.5 - 4 - group / 2
        assert low - 1e-6 <= width <= high + 1e-6


def test_the_papers_count_of_anynet_a() -> None:
    """Section 3.2: (16 * 128 * 3 * 6)^4 possible models."""
    sizes = {name: load_space(f"anynet_x_{name}").size for name in "abcde"}
    assert sizes["a"] == (16 * 128 * 3 * 6) ** 4
    assert sizes["b"] == (16 * 128 * 6) ** 4 * 3
    assert sizes["c"] == (16 * 128) ** 4 * 3 * 6
    # Rows of four that never fall: of n values, n + 3 over 4.
    assert sizes["d"] == 16**4 * (131 * 130 * 129 * 128 // 24) * 18
    assert sizes["e"] == (19 * 18 * 17 * 16 // 24) * (131 * 130 * 129 * 128 // 24) * 18


def test_networks_of_the_space_keep_to_its_ranges() -> None:
    for found in islice(load_space("regnet_x").sample(seed=0), 20):
        widths = [stage.width for stage in found.spec.stages]
        assert widths == sorted(widths)
        assert 12 <= sum(stage.depth or 0 for stage in found.spec.stages) <= 28


def space(**numbers: Any) -> Space:
    given = {"depth": 8, "w_0": 16, "w_a": 8.5, "w_m": 2.1, "group_width": 8, **numbers}
    wanted = {name: value for name, value in given.items() if value is not None}
    return Space(space=1, base="regnetx_200mf", free={"stages": {"regnet": wanted}})


@settings(max_examples=30, deadline=None)
@given(st.integers(0, load_space("regnet_x").size - 1))
def test_a_network_is_found_at_parameters_that_give_it(index: int) -> None:
    space = load_space("regnet_x")
    spec = space.template.spec_at(index)
    again = space.index_of(finding.values_at(space.template, index))
    assert space.template.spec_at(again).digest == spec.digest


@given(
    depth=st.integers(1, 30),
    w_0=st.integers(1, 40).map(lambda n: 8 * n),
    slopes=st.tuples(st.floats(0, 300), st.floats(0, 300)).map(sorted),
    w_m=st.floats(1.01, 4),
    group_width=st.integers(1, 64),
    ratio=st.integers(1, 4),
)
def test_no_block_is_narrower_where_the_line_is_steeper(slopes: list[float], **given: Any) -> None:
    rest = {name: given.pop(name) for name in ("w_m", "group_width", "ratio")}
    flat, steep = (
        [
            stage["width"]
            for stage in regnet_stages(w_a=slope, **given, **rest)
            for _ in range(stage["depth"])
        ]
        for slope in slopes
    )
    assert all(one <= other for one, other in zip(flat, steep, strict=True))


def test_published_networks_are_found() -> None:
    space = load_space("regnet_x")
    for name in ("regnetx_200mf", "regnetx_800mf"):
        assert space.find(name).digest == rf.load(name).digest
    with pytest.raises(rf.SpecError) as caught:
        space.find("resnet50")
    assert caught.value.faults[0].path == "stages"
    dilated = rf.load("regnetx_200mf").replace({"stages[3].dilation": 2})
    with pytest.raises(rf.SpecError, match="none of the values of stages"):
        space.find(dilated)


def test_numbers_may_be_fixed() -> None:
    assert space().size == 1
    assert space(w_a={"real": [8, 9], "step": 0.25}, group_width=[4, 8]).size == 10


@pytest.mark.parametrize(
    ("numbers", "message", "help_"),
    [
        ({"w_m": None}, "'w_m' is missing", "w_m"),
        ({"w_x": 3}, "unknown key 'w_x'", "did you mean"),
        ({"depth": {"real": [1, 2], "step": 0.5}}, "whole number", "depth"),
        ({"w_m": {"real": [1, 2], "step": 0.5}}, "w_m is 1", "at least 1.01"),
        ({"w_0": 0}, "w_0 is 0", "at least 1"),
    ],
)
def test_wrong_numbers_are_refused(numbers: dict[str, Any], message: str, help_: str) -> None:
    with pytest.raises(rf.SpecError) as caught:
        space(**numbers)
    assert message in (caught.value.message or "")
    assert help_ in (caught.value.help or "")


def test_regnet_makes_stages_alone() -> None:
    numbers = {"depth": 8, "w_0": 16, "w_a": 8.5, "w_m": 2.1, "group_width": 8}
    with pytest.raises(rf.SpecError, match="regnet is for stages only"):
        Space(space=1, base="resnet18", free={"head": {"regnet": numbers}})


def test_changes_of_a_network_may_be_written_and_changed() -> None:
    """Stages of one block share it within a space, and nowhere else."""
    space = load_space("regnet_x")
    network = space.nth(0)
    changes = space.changes(network)
    assert "&" not in yaml.safe_dump(changes)
    changes["stages"][0]["block"]["group_width"] = 1
    assert changes["stages"][1] == space.changes(network)["stages"][1]
    assert space.at(network.index).digest == network.digest
