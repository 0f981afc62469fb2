"""Networks brought to a budget, against every network that a factor makes."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
import resforge as rf
from hypothesis import given, settings
from hypothesis import strategies as st
from resforge.generation import fit
from resforge.specs.layer import Size
from resforge.specs.resolve import blocks_of

SIZE: Size = (32, 32)


def small(widths: list[int], depths: list[int]) -> rf.ResNetSpec:
    stages = [
        {"depth": depth, "width": width, "stride": 1 + (index > 0)}
        for index, (depth, width) in enumerate(zip(depths, widths, strict=True))
    ]
    stem = {"kind": "conv3x3", "width": widths[0]}
    return rf.ResNetSpec(resforge=1, stem=stem, stages=stages, head={"num_classes": 10})


def factors(values: list[int], most: int) -> list[Fraction]:
    """One factor between every two at which some value rounds to another number."""
    ends = sorted(
        {Fraction(2 * turn + 1, 2 * value) for value in values for turn in range(most * value)}
    )
    middles = [(one + two) / 2 for one, two in pairwise(ends)]
    return [ends[0] / 2, *middles]


def kept(spec: rf.ResNetSpec) -> list[bool]:
    return [block.site.keeps_shape for stage in blocks_of(spec) for block in stage]


def rounded(values: list[int], factor: Fraction) -> list[int]:
    return [max(1, int(value * factor + Fraction(1, 2))) for value in values]


@settings(max_examples=15)
@given(
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=3).map(sorted),
    target=st.integers(200, 20_000),
)
def test_no_factor_of_the_widths_comes_nearer(widths: list[int], target: int) -> None:
    base = small(widths, [1] * len(widths))
    tried = [rounded(widths, factor) for factor in factors(widths, 8)]
    specs = [small(row, [1] * len(row)) for row in tried]
    costs = [rf.plan(spec, SIZE).params for spec in specs if kept(spec) == kept(base)]
    if max(costs) < target:
        return  # beyond what was listed
    fitted = fit(base, params=target)
    assert fitted.cost == rf.plan(fitted.spec, SIZE).params
    assert abs(fitted.cost - target) <= min(abs(cost - target) for cost in costs)
    assert kept(fitted.spec) == kept(base)
    found = [stage.width for stage in fitted.spec.stages]
    assert any(max(abs(a - b) for a, b in zip(found, row, strict=True)) <= 1 for row in tried)


@settings(max_examples=15)
@given(
    depths=st.lists(st.integers(1, 4), min_size=2, max_size=3),
    target=st.integers(1_000, 2_000_000),
)
def test_no_factor_of_the_depths_comes_nearer(depths: list[int], target: int) -> None:
    widths = [4, 6, 8][: len(depths)]
    tried = [rounded(depths, factor) for factor in factors(depths, 8)]
    costs = [rf.plan(small(widths, row), SIZE).macs for row in tried]
    if max(costs) < target:
        return
    fitted = fit(small(widths, depths), macs=target, by="depth", input_size=32)
    assert fitted.cost == rf.plan(fitted.spec, SIZE).macs
    assert abs(fitted.cost - target) <= min(abs(cost - target) for cost in costs)
    assert [stage.width for stage in fitted.spec.stages] == widths


@pytest.mark.parametrize("by", ["width", "compound"])
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "cifar_resnet20", "regnetx_400mf"])
@pytest.mark.parametrize("times", [0.4, 2.5])
def test_within_one_percent_where_widths_are_fine(name: str, by: Any, times: float) -> None:
    spec = rf.load(name)
    plan = rf.plan(spec)
    for quantity in ("params", "macs"):
        target = times * getattr(plan, quantity)
        fitted = fit(spec, by=by, **{quantity: target})
        # RegNetX's widths are whole groups of 16 channels, in each of four stages.
        assert abs(fitted.residual) < (0.04 if name.startswith("regnet") else 0.01)
        assert fitted.cost == getattr(rf.plan(fitted.spec), quantity)
        if by == "compound":
            assert (fitted.depth > 1) == (fitted.width > 1) == (times > 1)


def test_widths_keep_to_the_step() -> None:
    fitted = fit(rf.load("resnet18"), params=5e6, step=8)
    assert all(stage.width % 8 == 0 for stage in fitted.spec.stages)
    assert abs(fitted.residual) < 0.05


def test_what_fits_already_stays() -> None:
    spec = rf.load("resnet34")
    fitted = fit(spec, params=rf.plan(spec).params)
    assert (fitted.spec.digest, fitted.residual, fitted.width, fitted.depth) == (
        spec.digest,
        0,
        1,
        1,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of"),
        ({"params": 1e6, "macs": 1e6}, "exactly one of"),
        ({"params": -3}, "not a number of params"),
        ({"macs": float("nan")}, "not a number of macs"),
        ({"params": 1e6, "by": "height"}, "not 'height'"),
        ({"params": 1e6, "step": 0}, "step is a whole number of at least 1"),
    ],
)
def test_wrong_budgets_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(rf.SpecError, match=message):
        fit(rf.load("resnet18"), **options)


def test_listed_blocks_have_no_depth() -> None:
    spec = rf.load("resnet18").replace({"stages[0].depth": None, "stages[0].blocks": [{}, {}]})
    with pytest.raises(rf.SpecError, match="no depth to scale"):
        fit(spec, params=1e7, by="depth")
