"""The numbers behind a comparison, against brute force and what they must obey."""

from __future__ import annotations

from itertools import product
from math import inf, sqrt

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from resforge.ablation.comparing.statistics import (
    FLIPS,
    LEVEL,
    MIN_INTERVAL_PAIRS,
    POWER,
    detectable,
    discordance_p,
    holm,
    mean_interval,
    sign_flip_p,
    smallest_p,
)
from scipy import stats

#: Two bootstraps from other random numbers end within this many standard errors of each other:
#: 9,999 resamples know a 2.5% quantile to about 0.03 of one.
RESAMPLED = 0.3

#: Four standard errors of 500 draws are 0.07, and the sign-flip test, whose levels are multiples of
#: 2 / 2**n, falls a little short of the t test it is likened to.
SIMULATED = 0.1

# Errors are counts of images; their differences are equal again and again, and often none.
counts = st.lists(st.integers(-20, 20), min_size=1, max_size=11)
points = counts.map(lambda images: [100 * count / 797 for count in images])
many = st.lists(st.integers(-20, 20), min_size=MIN_INTERVAL_PAIRS, max_size=30).map(
    lambda images: [100 * count / 797 for count in images]
)


def noise(differences: np.ndarray) -> float:
    """How far apart the ends of two bootstraps may lie."""
    return float(RESAMPLED * np.std(differences, ddof=1) / sqrt(len(differences)))


@given(counts)
def test_the_sign_flip_test_counts_every_pattern_of_signs(images: list[int]) -> None:
    reached = sum(
        abs(sum(sign * count for sign, count in zip(signs, images, strict=True)))
        >= abs(sum(images))
        for signs in product((1, -1), repeat=len(images))
    )
    # Shares of 797 add up with rounding, and still no tie may be missed.
    assert sign_flip_p([100 * count / 797 for count in images]) == reached / 2 ** len(images)


@given(points)
def test_p_lies_where_it_can_and_takes_no_side(differences: list[float]) -> None:
    p = sign_flip_p(differences)
    assert p is not None
    assert smallest_p(len(differences)) == 2 / 2 ** len(differences)
    assert smallest_p(len(differences)) <= p <= 1
    assert sign_flip_p([-d for d in differences]) == p
    assert sign_flip_p(sorted(differences, reverse=True)) == p


def test_beyond_fourteen_pairs_signs_are_drawn() -> None:
    assert FLIPS == 2**14
    rng = np.random.default_rng(1)
    differences = list(rng.normal(0.2, 0.5, 24))
    p = sign_flip_p(differences)
    assert p == sign_flip_p(differences[::-1])
    # Fine enough for five standard errors of a share of 16,384 draws; all 2**24 would take long.
    signs = rng.choice([-1.0, 1.0], (200_000, 24))
    exact = np.mean(np.abs(signs @ differences) >= abs(sum(differences)) - 1e-12)
    assert p == pytest.approx(exact, abs=5 * sqrt(exact / FLIPS))
    assert sign_flip_p([1.0] * 40) == pytest.approx(smallest_p(40))
    # No p of a sweep at its limit of 400 comparisons would be too coarse to pass.
    assert smallest_p(40) <= LEVEL / 400
    assert smallest_p(100_000) == smallest_p(40)


@pytest.mark.parametrize("pairs", [3, 12, 15, 64, 65, 130])
@pytest.mark.parametrize("mean", [0, 1, 3])
def test_the_sign_flip_test_is_scipys(pairs: int, mean: int) -> None:
    """Counts of images, as whole numbers: scipy then has no rounding to miss a tie by."""
    images = np.sort(np.random.default_rng(pairs).integers(mean - 9, mean + 10, pairs)) * 1.0
    test = stats.permutation_test(
        (images,),
        np.sum,
        permutation_type="samples",
        n_resamples=FLIPS,
        batch=4096,
        rng=np.random.default_rng(0),
    )
    assert sign_flip_p(list(100 * images / 797)) == test.pvalue


@pytest.mark.parametrize("pairs", [12, 24, 40])
def test_the_interval_is_scipys(pairs: int) -> None:
    differences = np.random.default_rng(pairs).exponential(1.0, pairs)

    def direct(values: np.ndarray, seed: int) -> tuple[float, float]:
        rng = np.random.default_rng(seed)
        interval = stats.bootstrap((values,), np.mean, method="BCa", rng=rng).confidence_interval
        return float(interval.low), float(interval.high)

    found = mean_interval(list(differences))
    assert found == pytest.approx(direct(np.sort(differences), 0), abs=1e-8)
    assert found == pytest.approx(direct(differences, 1), abs=noise(differences))
    # Turned round, other differences are drawn.
    turned = mean_interval(list(-differences))
    assert turned is not None
    assert found == pytest.approx((-turned[1], -turned[0]), abs=noise(differences))


@settings(max_examples=25)
@given(many, st.integers(-50, 50))
def test_the_interval_moves_with_its_differences(differences: list[float], shift: int) -> None:
    found = mean_interval(differences)
    assert (found is None) == (len(set(differences)) == 1)
    if found is None:
        return
    low, high = found
    assert min(differences) - 1e-9 <= low < high <= max(differences) + 1e-9
    assert mean_interval(differences[::-1]) == found
    moved = mean_interval([d + shift for d in differences])
    assert moved == pytest.approx((low + shift, high + shift), abs=1e-6)


@pytest.mark.parametrize("differences", [[], [0.3], [0.3, -0.3], [0.1, 0.2, 0.3, 0.4], [0.3] * 9])
def test_no_interval_where_there_is_nothing_to_resample(differences: list[float]) -> None:
    assert mean_interval(differences) is None


def test_the_interval_covers_what_the_document_says() -> None:
    """docs/sweeps.md warns that few pairs cover too little; that this is not worse is held here."""
    rng = np.random.default_rng(0)
    found = [mean_interval(list(rng.normal(0.0, 1.0, 24))) for _ in range(200)]
    covered = sum(low <= 0 <= high for low, high in filter(None, found))
    # 186 expected; five standard deviations of a binomial of 200 are 18.
    assert covered >= 186 - 18


def test_holm_by_hand() -> None:
    # Holm 1979: the smallest of m times m, the next times m - 1, and never below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([None, 0.02, None], family=3) == [None, 0.06, None]
    assert holm([]) == []


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12))
def test_holm_rejects_what_its_steps_reject(ps: list[float]) -> None:
    corrected = [p for p in holm(ps) if p is not None]
    order = sorted(range(len(ps)), key=lambda place: ps[place])
    rejected: set[int] = set()
    for step, place in enumerate(order):
        if (len(ps) - step) * ps[place] > LEVEL:
            break
        rejected.add(place)
    assert rejected == {place for place, p in enumerate(corrected) if p <= LEVEL}
    for raw, p in zip(ps, corrected, strict=True):
        assert raw <= p <= min(1.0, len(ps) * raw) or p == pytest.approx(len(ps) * raw)
    assert holm(ps[::-1]) == corrected[::-1]


@pytest.mark.parametrize(("pairs", "family"), [(6, 1), (24, 1), (24, 10), (100, 400)])
def test_what_is_detectable_has_the_power_it_says(pairs: int, family: int) -> None:
    """By another road: T is a normal over the root of a chi square, integrated numerically."""
    found = detectable(2.0, pairs, family)
    assert found is not None
    noncentrality = found * sqrt(pairs) / 2.0
    critical = stats.t.isf(LEVEL / family / 2, pairs - 1)
    shares = (np.arange(20_000) + 0.5) / 20_000
    scale = np.sqrt(stats.chi2.ppf(shares, pairs - 1) / (pairs - 1))
    power = np.mean(stats.norm.sf(critical * scale - noncentrality))
    assert power == pytest.approx(POWER, abs=1e-4)


def test_what_is_detectable_shrinks_with_pairs_and_grows_with_the_family() -> None:
    sizes = [detectable(1.0, pairs, 4) or inf for pairs in range(9, 60)]
    assert sizes == sorted(sizes, reverse=True)
    families = [detectable(1.0, 24, family) or inf for family in range(1, 50)]
    assert families == sorted(families)
    assert detectable(3.0, 24) == pytest.approx(3 * (detectable(1.0, 24) or inf))


def test_nothing_is_detectable_where_no_p_is_small_enough() -> None:
    assert detectable(1.0, 5) is None
    assert detectable(1.0, 8, 6) is not None
    assert detectable(1.0, 8, 7) is None
    assert detectable(0.0, 24) is None
    assert detectable(None, 1) is None


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [8, 12, 24])
def test_the_sign_flip_test_sees_what_it_is_said_to(pairs: int) -> None:
    size = detectable(1.0, pairs)
    assert size is not None
    rng = np.random.default_rng(pairs)
    seen = [(sign_flip_p(list(rng.normal(size, 1.0, pairs))) or 1.0) <= LEVEL for _ in range(500)]
    assert np.mean(seen) == pytest.approx(POWER, abs=SIMULATED)


@given(st.integers(0, 5), st.integers(0, 5))
def test_divergence_is_weighed_by_coins(first: int, second: int) -> None:
    p = discordance_p(first, second)
    if not first + second:
        assert p is None
        return
    tosses = [sum(toss) for toss in product((0, 1), repeat=first + second)]
    far = abs(2 * first - first - second)
    expected = np.mean([abs(2 * heads - first - second) >= far for heads in tosses])
    assert p == pytest.approx(expected)


def test_arms_that_are_all_one_network_detect_nothing() -> None:
    assert detectable(None, 0, family=0) is None
