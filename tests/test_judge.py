"""The rule of comparisons, against the textbook, brute force and the tables of its page."""

from __future__ import annotations

import json
from itertools import product
from math import inf, sqrt
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from resforge import ResforgeError
from resforge.ablation import Judgement, judge
from resforge.ablation.comparing.holm import holm
from resforge.ablation.comparing.judge import judge_contrasts
from resforge.ablation.comparing.learning import can_be_small, discordance_p
from resforge.ablation.comparing.looks import look_level, look_schedule
from resforge.ablation.comparing.power import POWER, detectable, deviation_range
from resforge.ablation.comparing.rule import LEVEL
from resforge.ablation.comparing.sign_flips import FLIPS, joint_flip_p
from resforge.ablation.comparing.simulate import (
    NULLS,
    UNEQUAL_SKEW,
    false_rate,
    false_rate_of_looks,
    power,
    seeds_used,
)
from scipy import stats

IMAGES = 797

#: Rounding of sums in another order.
ROUNDED = 1e-9

#: Four standard errors of a fraction of 5% over 5,000 sweeps.
SIMULATED = 0.0125

# Errors are counts of images; their differences are often equal, and often none.
counts = st.integers(0, 40).map(lambda count: 100 * count / IMAGES)
tables = st.integers(1, 9).flatmap(
    lambda seeds: st.lists(
        st.lists(st.none() | counts, min_size=seeds, max_size=seeds), min_size=2, max_size=5
    )
)


def errors_of(rows: list[list[float | None]]) -> dict[str, dict[int, float]]:
    return {
        f"arm{i}": {seed: error for seed, error in enumerate(row) if error is not None}
        for i, row in enumerate(rows)
    }


def with_first(errors: dict[str, dict[int, float]]) -> list[tuple[str, str]]:
    first, *others = errors
    return [(arm, first) for arm in others]


def textbook(
    errors: dict[str, dict[int, float]], of: str, to: str
) -> tuple[float, float, float, float]:
    """Difference, interval and p of one comparison with at least three pairs, step by step."""
    seeds = sorted(errors[of].keys() & errors[to].keys())
    differences = [errors[of][seed] - errors[to][seed] for seed in seeds]
    n, unit = len(seeds), 100 / IMAGES
    deviation = sqrt(max(np.var(differences, ddof=1), unit**2 / 6))
    mean = float(np.mean(differences))
    half = stats.t.ppf(0.975, n - 1) * deviation / sqrt(n)
    p = 2 * stats.t.sf(abs(mean) / (deviation / sqrt(n)), n - 1)
    if n < 5:
        several = [list(arm.values()) for arm in errors.values() if len(arm) > 1]
        worst = max([unit**2 / 12, *(np.var(values, ddof=1) for values in several)])
        freedom = sum(len(values) - 1 for values in several)
        p = max(p, 2 * stats.t.sf(abs(mean) / sqrt(2 * worst / n), freedom))
    return mean, mean - half, mean + half, p


@given(tables)
def test_the_rule_is_the_textbooks(rows: list[list[float | None]]) -> None:
    errors = errors_of(rows)
    pairs = with_first(errors)
    found = judge(errors, pairs, IMAGES)
    assert [(f.of, f.to) for f in found] == pairs
    for judged in found:
        assert judged.pairs == len(errors[judged.of].keys() & errors[judged.to].keys())
        assert (judged.difference is None) == (judged.pairs == 0)
        if judged.pairs < 3:
            assert (judged.low, judged.high, judged.p) == (None, None, 1.0)
            continue
        expected = textbook(errors, judged.of, judged.to)
        assert (judged.difference, judged.low, judged.high, judged.p) == pytest.approx(
            expected, abs=ROUNDED
        )
        if judged.pairs >= 5 and abs(judged.p - LEVEL) > ROUNDED:
            assert (judged.low <= 0 <= judged.high) == (judged.p > LEVEL)
    order = sorted(found, key=lambda f: f.p)
    reached = 0.0
    for step, judged in enumerate(order):
        reached = max(reached, min(1.0, (len(found) - step) * judged.p))
        assert judged.p_holm == pytest.approx(reached)
        assert judged.separable == (judged.p_holm <= LEVEL)


@given(tables, st.integers(-3, 3))
def test_a_judgement_takes_no_side(rows: list[list[float | None]], shift: int) -> None:
    errors = errors_of(rows)
    (first, *_) = found = judge(errors, with_first(errors), IMAGES)
    turned = judge(errors, [(to, of) for of, to in with_first(errors)], IMAGES)
    for one, other in zip(found, turned, strict=True):
        assert (one.pairs, one.p, one.p_holm) == (other.pairs, other.p, other.p_holm)
        assert one.exact == other.exact
        if one.low is not None and other.high is not None:
            assert one.low == pytest.approx(-other.high)
    # Arms, seeds and the level of errors have no order and no origin.
    moved = {
        arm: {seed + 5: error + shift for seed, error in reversed(by_seed.items())}
        for arm, by_seed in reversed(errors.items())
    }
    (again, *_) = judge(moved, with_first(errors), IMAGES)
    assert (again.pairs, again.separable) == (first.pairs, first.separable)
    assert again.p == pytest.approx(first.p)
    json.dumps([first.p, first.exact, first.low], allow_nan=False)


def test_equal_differences_are_no_proof_on_three_seeds() -> None:
    """One image more on each of three seeds is what rounding does, sixty points are not."""
    base = {seed: 100 * (24 + seed) / IMAGES for seed in range(3)}
    more = {seed: error + 100 / IMAGES for seed, error in base.items()}
    far = {seed: error + 60 for seed, error in base.items()}
    (one,) = judge({"a": base, "b": more}, [("b", "a")], IMAGES)
    (other,) = judge({"a": base, "b": far}, [("b", "a")], IMAGES)
    assert (one.separable, other.separable) == (False, True)
    assert one.deviation == pytest.approx(100 / IMAGES / sqrt(6))


def test_three_seeds_that_collapse_together_are_no_proof() -> None:
    """Each arm has two modes; three of three in the other one is not rare enough."""
    a, b = {0: 3.0, 1: 3.1, 2: 2.9}, {0: 63.0, 1: 63.1, 2: 62.8}
    mixed = {0: 3.0, 1: 63.0, 2: 3.1}
    assert judge({"a": a, "b": b}, [("b", "a")], IMAGES)[0].separable
    assert not judge({"a": a, "b": b, "c": mixed}, [("b", "a")], IMAGES)[0].separable


def test_nothing_is_claimed_from_two_seeds() -> None:
    errors = {"a": {0: 3.0, 1: 3.0}, "b": {0: 90.0, 1: 90.0}, "c": {}}
    found = judge(errors, [("b", "a"), ("c", "a")], IMAGES)
    assert found == (
        Judgement("b", "a", 2, 87.0, None, None, None, 1.0, 1.0, None, False),
        Judgement("c", "a", 0, None, None, None, None, 1.0, 1.0, None, False),
    )
    assert judge(errors, [], IMAGES) == ()
    assert judge({"a": {}, "b": {}}, [("a", "b")], 1)[0].pairs == 0


@pytest.mark.parametrize(
    ("errors", "comparisons", "images", "message"),
    [
        ({}, [("plane", "A")], IMAGES, "comparisons[0]: there is no arm 'plane'; did you mean"),
        ({}, [("A", "plain"), ("A", "A")], IMAGES, "comparisons[1]: arm 'A' is compared with its"),
        ({}, ["AB"], IMAGES, "comparisons[0] is 'AB': write a pair of arms"),
        ({}, [3], IMAGES, "comparisons[0] is 3: write a pair of arms"),
        ({"A": [1.0, 2.0]}, [], IMAGES, "the errors of 'A' are a list: write {seed: error}"),
        ({3: {0: 1.0}}, [("B", "A")], IMAGES, "there is no arm 'B'; errors has plain, A, 3"),
        ({}, [("A", 3)], IMAGES, "there is no arm 3; errors has plain, A"),
        ({}, [], 0, "images is 0: give the number of test images"),
        ({}, [], True, "images is True"),
        ({"A": {0: float("nan")}}, [], IMAGES, "the error of 'A' with seed 0 is nan: use a number"),
        ({"A": {0: "3"}}, [], IMAGES, "is '3'"),
    ],
)
def test_bad_input_is_refused_with_a_remedy(
    errors: dict, comparisons: list, images: int, message: str
) -> None:
    with pytest.raises(ResforgeError) as caught:
        judge({"plain": {0: 1.0}, "A": {0: 1.0}, **errors}, comparisons, images)
    assert message in str(caught.value)


def test_errors_without_names_of_arms_are_refused() -> None:
    with pytest.raises(ResforgeError, match=r"errors is a list: write \{arm: \{seed: error\}\}"):
        judge([{0: 1.0}], [], IMAGES)  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers() -> None:
    rng = np.random.default_rng(0)
    errors = {arm: dict(enumerate(rng.normal(3, 1, 6))) for arm in "ab"}
    plain = {arm: {int(s): float(e) for s, e in by_seed.items()} for arm, by_seed in errors.items()}
    assert judge(errors, [("a", "b")], np.int64(IMAGES)) == judge(plain, [("a", "b")], IMAGES)


@settings(max_examples=30)
@given(
    st.integers(1, 3).flatmap(
        lambda m: st.lists(st.lists(st.integers(-9, 9), min_size=6, max_size=6), min_size=m)
    )
)
def test_signs_are_flipped_in_all_comparisons_together(rows: list[list[int]]) -> None:
    """By brute force: every pattern, the largest |t| of those not yet rejected."""
    values = np.array(rows[:4], dtype=float)

    def t(differences: np.ndarray) -> np.ndarray:
        spread = differences.std(axis=1, ddof=1)
        with np.errstate(all="ignore"):
            # Rounded: sums of the same numbers in another order are ties.
            return np.nan_to_num(np.abs(differences.mean(axis=1)) / spread, posinf=1e9).round(9)

    observed = t(values)
    flipped = np.array([t(values * signs) for signs in product((1, -1), repeat=6)])
    order = np.argsort(-observed, kind="stable")
    expected, reached = np.empty(len(values)), 0.0
    for step, row in enumerate(order):
        largest = flipped[:, order[step:]].max(axis=1)
        reached = max(reached, np.mean(largest >= observed[row] - 1e-6))
        expected[row] = reached
    assert joint_flip_p(values) == pytest.approx(expected)


@pytest.mark.parametrize("seeds", [6, 12, 20, 70])
def test_one_comparison_is_flipped_as_scipy_flips_it(seeds: int) -> None:
    images = np.random.default_rng(seeds).integers(-6, 11, seeds) * 1.0
    test = stats.permutation_test(
        (images,),
        np.sum,
        permutation_type="samples",
        n_resamples=FLIPS,
        batch=4096,
        rng=np.random.default_rng(0),
    )
    # Beyond 14 seeds either draws patterns of its own: four standard errors of a fraction.
    drawn = 4 * sqrt(test.pvalue / FLIPS) if seeds > 14 else 1e-12
    assert joint_flip_p(images[None])[0] == pytest.approx(test.pvalue, abs=drawn)


def test_pairs_of_other_seeds_are_flipped_alone() -> None:
    rng = np.random.default_rng(3)
    errors = {arm: dict(enumerate(rng.normal(i, 1, 9))) for i, arm in enumerate("abc")}
    together = judge(errors, [("b", "a"), ("c", "a")], IMAGES)
    del errors["b"][4]
    apart = judge(errors, [("b", "a"), ("c", "a")], IMAGES)
    c = [errors["c"][s] - errors["a"][s] for s in range(9)]
    b = [errors["b"][s] - errors["a"][s] for s in range(9) if s != 4]
    alone = holm([joint_flip_p([b])[0], joint_flip_p([c])[0]])
    assert [found.exact for found in apart] == pytest.approx(alone.tolist())
    assert together[1].exact != apart[1].exact
    for seed in range(4, 9):
        errors["c"].pop(seed)
    assert [found.exact is None for found in judge(errors, [("b", "a"), ("c", "a")], IMAGES)] == [
        False,
        True,
    ]


def test_a_contrast_is_judged_as_the_numbers_that_it_is() -> None:
    """An interaction of four arms, as one column of numbers beside zero."""
    rng = np.random.default_rng(1)
    errors = {arm: dict(enumerate(rng.normal(3, 1, 7))) for arm in "abcd"}
    weights = {"a": 1.0, "b": -1.0, "c": -1.0, "d": 1.0}
    values = [sum(w * errors[arm][seed] for arm, w in weights.items()) for seed in range(7)]
    ((found,), _) = judge_contrasts(errors, [weights], IMAGES)
    test = stats.ttest_1samp(values, 0.0)
    interval = test.confidence_interval()
    assert (found.p, found.low, found.high) == pytest.approx(
        (test.pvalue, interval.low, interval.high)
    )
    assert found.exact == joint_flip_p([values])[0]


def test_holm_by_hand() -> None:
    # Holm 1979: the smallest of m times m, the next times m - 1, and never below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([0.02], family=3).tolist() == [0.06]
    assert holm([]).tolist() == []
    rows = np.random.default_rng(0).random((5, 4))
    assert holm(rows).tolist() == [holm(row).tolist() for row in rows]


#: Smallest difference found four times in five, in SD: ``docs/verdicts.md``.
SMALLEST = {
    3: (3.26, 5.67, 8.02, 12.68),
    4: (2.13, 3.12, 3.96, 5.39),
    5: (1.68, 2.29, 2.76, 3.51),
    6: (1.43, 1.88, 2.20, 2.68),
    8: (1.16, 1.45, 1.65, 1.93),
    10: (1.00, 1.22, 1.37, 1.58),
}


@pytest.mark.parametrize(("seeds", "sizes"), SMALLEST.items())
def test_the_smallest_difference_is_the_pages(seeds: int, sizes: tuple[float, ...]) -> None:
    found = [detectable(1.0, seeds, family) for family in (1, 3, 6, 15)]
    assert [round(size or inf, 2) for size in found] == list(sizes)


@pytest.mark.parametrize(("pairs", "family"), [(3, 1), (3, 15), (6, 1), (24, 10), (100, 400)])
def test_what_is_detectable_has_the_power_it_says(pairs: int, family: int) -> None:
    """By another road: T is a normal over the root of a chi square, integrated numerically."""
    found = detectable(2.0, pairs, family)
    assert found is not None
    noncentrality = found * sqrt(pairs) / 2.0
    critical = stats.t.isf(LEVEL / family / 2, pairs - 1)
    shares = (np.arange(20_000) + 0.5) / 20_000
    scale = np.sqrt(stats.chi2.ppf(shares, pairs - 1) / (pairs - 1))
    found_in = np.mean(stats.norm.sf(critical * scale - noncentrality))
    assert found_in == pytest.approx(POWER, abs=1e-3)


def test_what_is_detectable_shrinks_with_pairs_and_grows_with_the_family() -> None:
    sizes = [detectable(1.0, pairs, 4) or inf for pairs in range(3, 60)]
    assert sizes == sorted(sizes, reverse=True)
    families = [detectable(1.0, 24, family) or inf for family in range(1, 50)]
    assert families == sorted(families)
    assert detectable(3.0, 24) == pytest.approx(3 * (detectable(1.0, 24) or inf))
    assert detectable(1.0, 2) is None
    assert detectable(None, 24, 0) is None


def test_a_deviations_range_holds_it_in_nineteen_of_twenty() -> None:
    samples = np.random.default_rng(0).normal(0, 1, (20_000, 6)).std(axis=1, ddof=1)
    low, high = deviation_range(6)
    # Six standard errors of a fraction of 95%.
    assert np.mean((low * samples <= 1) & (high * samples >= 1)) == pytest.approx(0.95, abs=0.01)


@given(st.integers(0, 9), st.integers(0, 9))
def test_divergence_is_weighed_by_coins(first: int, second: int) -> None:
    p = discordance_p(first, second)
    if not first + second:
        assert p is None
        return
    assert p == pytest.approx(stats.binomtest(first, first + second).pvalue)
    extreme = discordance_p(0, first + second)
    assert can_be_small(first, second) == (extreme is not None and extreme <= LEVEL)


@given(st.integers(1, 200), st.integers(0, 200))
def test_looks_grow_from_the_first_to_the_last(first: int, more: int) -> None:
    looks = look_schedule(first, first + more)
    assert (looks[0], looks[-1]) == (first, first + more)
    assert list(looks) == sorted({*looks})
    assert len(looks) <= 4
    assert look_level(looks) == (LEVEL if not more else 0.015 if more <= 3 * first else 0.0075)


def test_the_rule_errs_and_finds_as_often_as_its_page_says() -> None:
    """A glance; the slow tests look at every null."""
    sweeps = 2_000
    bound = LEVEL + 4 * sqrt(LEVEL * (1 - LEVEL) / sweeps)
    assert false_rate("SD 0.1 beside 3", 1, 3, sweeps) <= bound
    assert false_rate("collapse, 50%", 6, 3, sweeps) <= bound
    assert power(5.0, 6, 4, sweeps) >= 0.90


@pytest.mark.parametrize("null", UNEQUAL_SKEW)
def test_unequal_skew_is_called_separable_as_often_as_the_page_says(null: str) -> None:
    page = (Path(__file__).parent.parent / "docs" / "verdicts.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| {null} |"))
    rates = [float(cell) / 100 for cell in row.strip("| ").split(" | ")[1:]]
    found = [false_rate(null, 1, seeds, 5_000) for seeds in (3, 4, 5, 6, 8, 20)]
    assert found == pytest.approx(rates, abs=0.02)
    assert min(found) > LEVEL


@pytest.mark.slow
@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("comparisons", [1, 6, 15])
def test_no_null_is_called_separable_too_often(null: str, comparisons: int) -> None:
    for seeds in range(3, 9):
        assert false_rate(null, comparisons, seeds, 5_000) <= LEVEL + SIMULATED
    for seeds in (6, 8):
        assert false_rate(null, comparisons, seeds, 5_000, exact=True) <= LEVEL + SIMULATED


@pytest.mark.slow
@pytest.mark.parametrize("null", NULLS)
@pytest.mark.parametrize("comparisons", [1, 6, 15])
@pytest.mark.parametrize("ends", [(3, 12), (3, 6), (6, 24), (3, 40)])
def test_looks_do_not_add_up(null: str, comparisons: int, ends: tuple[int, int]) -> None:
    looks = look_schedule(*ends)
    assert false_rate_of_looks(null, comparisons, looks, 5_000) <= LEVEL + SIMULATED


@pytest.mark.slow
def test_power_is_the_pages() -> None:
    # One of six differs by 5 SD: 47%, 94% and 100% at 3, 4 and 5 seeds.
    found = [power(5.0, 6, seeds, 5_000) for seeds in (3, 4, 5)]
    assert found == pytest.approx([0.47, 0.94, 1.0], abs=0.03)
    assert all(power(10.0, 6, seeds, 5_000) >= 0.9 for seeds in (3, 4, 5))
    share, seeds = seeds_used(2.0, 1, (3, 5, 8, 12), 5_000)
    assert share >= 0.97
    assert seeds <= 8.5
    assert seeds_used(50.0, 6, (3, 5, 8, 12), 1_000)[1] <= 3.1
