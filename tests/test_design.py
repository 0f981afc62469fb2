"""Designs: which combinations of labels become arms."""

from __future__ import annotations

from itertools import combinations, product
from math import prod

import hypothesis.strategies as st
import pytest
import resforge as rf
from hypothesis import given
from resforge.ablation import Sweep, expand_sweep
from resforge.ablation.planning.design import MAX_PAIRS, choices, count_pairs, fewest

SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=5)
AXES = {
    "depth": {"8": {}, "14": {"stages[*].depth": 2}, "20": {"stages[*].depth": 3}},
    "shortcut": {"A": {}, "B": {"shortcut": "projection"}, "plain": {"shortcut": "none"}},
    "norm": {"batch": {}, "none": {"norm": "none"}},
}


def sweep(**tree: object) -> Sweep:
    return Sweep(**{"sweep": 1, "base": "digits_resnet8", **tree})


@given(SIZES)
def test_every_pair_of_labels_is_in_some_arm(sizes: list[int]) -> None:
    arms = choices("pairwise", sizes)
    for one, two in combinations(range(len(sizes)), 2):
        wanted = set(product(range(sizes[one]), range(sizes[two])))
        assert {(arm[one], arm[two]) for arm in arms} == wanted
    for axis, size in enumerate(sizes):
        assert {arm[axis] for arm in arms} == set(range(size))


@given(SIZES)
def test_pairwise_is_no_larger_than_the_grid_and_smaller_from_three_axes_on(
    sizes: list[int],
) -> None:
    arms, grid = choices("pairwise", sizes), choices("grid", sizes)
    assert set(arms) <= set(grid)
    assert len(set(arms)) == len(arms)
    assert fewest("pairwise", sizes) <= len(arms)
    if sum(size > 1 for size in sizes) > 2:
        assert len(arms) < len(grid)


@pytest.mark.parametrize(
    ("sizes", "best"), [([2] * 3, 4), ([3] * 3, 9), ([3] * 4, 9), ([4] * 3, 16), ([4, 3, 2, 2], 12)]
)
def test_small_covering_arrays_are_the_smallest_there_are(sizes: list[int], best: int) -> None:
    assert len(choices("pairwise", sizes)) == best


@given(SIZES)
def test_one_factor_differs_from_the_first_arm_in_one_axis(sizes: list[int]) -> None:
    first, *others = choices("one_factor", sizes)
    assert first == (0,) * len(sizes)
    for arm in others:
        assert sum(label != 0 for label in arm) == 1
    assert len({first, *others}) == fewest("one_factor", sizes) == 1 + sum(n - 1 for n in sizes)


@given(SIZES)
def test_designs_begin_with_the_first_labels_and_keep_the_order_of_the_file(
    sizes: list[int],
) -> None:
    grid = choices("grid", sizes)
    assert len(grid) == fewest("grid", sizes) == prod(sizes)
    for design in ("grid", "pairwise"):
        found = choices(design, sizes)
        assert found[0] == (0,) * len(sizes)
        assert found == sorted(found)


@given(SIZES)
def test_pairs_are_counted_as_they_are_made(sizes: list[int]) -> None:
    pairs = sum(one * two for one, two in combinations(sizes, 2))
    assert count_pairs(sizes) == pairs


def test_the_design_of_a_sweep_makes_its_arms() -> None:
    names = [arm.name for arm in expand_sweep(sweep(axes=AXES, design="one_factor"))]
    assert names == [
        "depth=8/shortcut=A/norm=batch",
        "depth=14/shortcut=A/norm=batch",
        "depth=20/shortcut=A/norm=batch",
        "depth=8/shortcut=B/norm=batch",
        "depth=8/shortcut=plain/norm=batch",
        "depth=8/shortcut=A/norm=none",
    ]
    grid = expand_sweep(sweep(axes=AXES, design="grid"))
    pairs = expand_sweep(sweep(axes=AXES, design="pairwise"))
    assert grid == expand_sweep(sweep(axes=AXES))
    assert (len(grid), len(pairs)) == (18, 9)
    assert {arm.digest for arm in pairs} < {arm.digest for arm in grid}


def test_a_design_too_large_is_counted_not_made() -> None:
    many = {f"a{i}": {str(j): {} for j in range(3)} for i in range(80)}
    with pytest.raises(rf.SpecError, match=f"pairs of labels, over the limit of {MAX_PAIRS:,}"):
        expand_sweep(sweep(axes=many, design="pairwise"))
    assert len(expand_sweep(sweep(axes=many, design="one_factor"))) == 161
    wide = {axis: {str(j): {} for j in range(40)} for axis in "abc"}
    with pytest.raises(rf.SpecError, match="1,600 arms, over the limit"):
        expand_sweep(sweep(axes=wide, design="pairwise"))
