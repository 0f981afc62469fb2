"""The error distribution of a space's networks, its band, and its weights; and spaces as sweeps."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import resforge as rf
from hypothesis import given, settings
from hypothesis import strategies as st
from resforge.ablation import Sweep, expand_sweep
from resforge.generation import Space, complexity_weights, edf

errors = st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=1, max_size=30)


@given(errors)
@settings(max_examples=30)
def test_shares_are_counts(found: list[float]) -> None:
    drawn = edf(found, resamples=20)
    for error, share in zip(drawn.errors, drawn.shares, strict=True):
        assert share == pytest.approx(sum(e <= error for e in found) / len(found))
        assert drawn.at(error) == share
    assert drawn.at(min(found) - 1) == 0
    assert drawn.shares[-1] == 1
    for low, high in zip(drawn.low, drawn.high, strict=True):
        assert 0 <= low <= high <= 1


def test_the_band_is_as_wide_as_theory_says() -> None:
    """A share p of n has the standard error sqrt(p (1 - p) / n): at the median of 400, 0.025."""
    found = edf([number / 400 for number in range(400)], resamples=1000)
    place = 199
    assert found.shares[place] == 0.5
    width = (found.high[place] - found.low[place]) / 2
    # 1.96 of them; a thousand resamples leave a few percent of noise.
    assert width == pytest.approx(1.96 * 0.025, rel=0.1)
    assert found == edf([number / 400 for number in range(400)], resamples=1000)


def test_weights_make_every_bin_count_alike() -> None:
    macs = [1.0, 1.5, 2.0, 7.0, 10.0, 12.0]
    weights = complexity_weights(macs, edges=[0, 5, 10])
    assert sum(weights) == pytest.approx(1)
    assert sum(weights[:3]) == pytest.approx(0.5) == sum(weights[3:5])
    assert weights[5] == 0
    found = edf([0.1, 0.1, 0.1, 0.5, 0.5, 0.9], weights, resamples=50)
    assert found.shares == pytest.approx([0.5, 1, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: edf([]), "at least one error"),
        (lambda: edf([0.1, float("nan")]), "all errors finite"),
        (lambda: edf([0.1], [1.0, 2.0]), "2 weights for 1"),
        (lambda: edf([0.1], [-1.0]), "below 0"),
        (lambda: complexity_weights([1.0], [3, 2]), "do not increase"),
        (lambda: complexity_weights([1.0], [0, 2, 4]), "between 2 and 4"),
    ],
)
def test_wrong_numbers_are_refused(call: Any, message: str) -> None:
    with pytest.raises(rf.SpecError, match=message):
        call()


def test_networks_of_a_space_are_arms_of_a_sweep() -> None:
    space = Space(
        space=1,
        base="digits_resnet8",
        free={
            "stages[*].depth": {"int": [1, 3]},
            "stages[*].width": {"int": [8, 32], "step": 8, "each": "increasing"},
            "shortcut": ["zero_pad", "projection"],
        },
        derive={"stem.width": "stages[0].width"},
    )
    drawn = list(islice(space.sample(seed=0), 8))
    arms = {found.digest[:12]: space.changes(found) for found in drawn}
    sweep = Sweep(sweep=1, base="digits_resnet8", arms=arms, comparisons=[])
    assert [arm.digest for arm in expand_sweep(sweep)] == [found.digest for found in drawn]
