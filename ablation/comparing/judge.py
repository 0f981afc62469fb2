"""Judging comparisons of arms from their test errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from ...errors import ResforgeError
from ...specs.paths import nearest
from ...specs.plain import is_whole
from .holm import holm
from .rule import LEVEL, apply_rule, contrast_values
from .sign_flips import MIN_PAIRS, joint_flip_p

#: Weights of arms, by their names, that add up to 0.
Weights = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Figures of one comparison; errors and differences in percentage points."""

    of: str
    to: str
    pairs: int
    """Number of seeds with an error of both arms."""
    difference: float | None
    """Mean over the pairs of the error of ``of`` minus that of ``to``; None without a pair."""
    deviation: float | None
    """Sample standard deviation (n - 1) of the differences, at least that of rounding; None below
    three pairs."""
    low: float | None
    high: float | None
    """95% t interval of the difference, for this comparison alone; None below three pairs."""
    p: float
    """p of the paired t test, with floor and guard; 1 below three pairs."""
    p_holm: float
    """``p`` after Holm's correction over all comparisons."""
    exact: float | None
    """p of the joint sign-flip test over all comparisons, from six pairs on: it supposes only that
    the differences are distributed symmetrically."""
    separable: bool
    """Whether ``p_holm`` is at most 0.05."""


class Figures(NamedTuple):
    """Figures of one contrast, as those of :class:`Judgement`."""

    pairs: int
    difference: float | None
    deviation: float | None
    low: float | None
    high: float | None
    p: float
    p_holm: float
    exact: float | None


def judge(
    errors: Mapping[str, Mapping[int, float]],
    comparisons: Sequence[tuple[str, str]],
    images: int,
) -> tuple[Judgement, ...]:
    """Judge which arms differ in their mean test error, over seeds like these.

    ``errors`` maps each arm to its test errors in percent by seed, ``comparisons`` are the pairs
    ``(of, to)`` that were to be compared before results were seen, and ``images`` is the number of
    test images. Returns one record for each comparison, in order. Needs scipy.

    Differences are paired by seed. Two arms are separable where p of a paired t test, corrected
    after Holm for the number of comparisons, is at most 0.05. The sample variance of the
    differences counts as at least that of rounding, ``(100 / images)**2 / 6``; with 3 and 4 pairs
    the p is at least that of a t test with the largest variance of any arm; below 3 pairs nothing
    is separable. In simulations of nine distributions without a difference at most 6% of sweeps
    have any separable comparison (``docs/verdicts.md``).

    >>> plain, short = {0: 60.1, 1: 62.4, 2: 58.9}, {0: 3.4, 1: 4.1, 2: 3.0}
    >>> (found,) = judge({"plain": plain, "A": short}, [("A", "plain")], images=797)
    >>> found.pairs, round(found.difference, 2), round(found.p, 4), found.separable
    (3, -56.97, 0.0002, True)

    Raises :class:`~resforge.ResforgeError` for an unknown arm, an arm compared with itself, an
    error that is not a finite number, and an impossible number of images.
    """
    if not is_whole(images) or images < 1:
        raise ResforgeError(f"images is {images!r}: give the number of test images, at least 1")
    if not isinstance(errors, Mapping):
        raise ResforgeError(f"errors is {_kind(errors)}: write {{arm: {{seed: error}}}}")
    pairs = [_pair(errors, index, pair) for index, pair in enumerate(comparisons)]
    for arm, by_seed in errors.items():
        _check_errors(arm, by_seed)
    figures, _ = judge_contrasts(errors, [{of: 1.0, to: -1.0} for of, to in pairs], int(images))
    return tuple(
        Judgement(of, to, *found, separable=found.p_holm <= LEVEL)
        for (of, to), found in zip(pairs, figures, strict=True)
    )


def judge_contrasts(
    errors: Mapping[str, Mapping[int, float]],
    weights: Sequence[Weights],
    images: int,
    level: float = LEVEL,
    others: Sequence[float] = (),
) -> tuple[list[Figures], list[float]]:
    """Figures of each contrast, and the corrected p of ``others``, which are in its family."""
    import numpy as np

    if not weights:
        return [], []
    seeds = sorted({seed for by_seed in errors.values() for seed in by_seed})
    table = np.array(
        [[by_seed.get(seed, np.nan) for seed in seeds] for by_seed in errors.values()], dtype=float
    ).reshape(len(errors), len(seeds))
    number = {arm: index for index, arm in enumerate(errors)}
    contrasts = [[(number[arm], weight) for arm, weight in item.items()] for item in weights]
    judged, corrected = apply_rule(table, contrasts, images, level, others)
    exact = _exact(contrast_values(table, contrasts), len(weights) + len(others))
    columns = [[None if value != value else value for value in c.tolist()] for c in judged]
    figures = [Figures(*row) for row in zip(*columns, exact, strict=True)]
    return figures, corrected.tolist()


def _exact(values: Any, family: int) -> list[float | None]:
    """p of the sign-flip test of each contrast, corrected for all; None below six pairs."""
    import numpy as np

    known = ~np.isnan(values)
    counts = known.sum(-1)
    if (known == known[0]).all():
        if counts[0] < MIN_PAIRS:
            return [None] * len(values)
        return list(joint_flip_p(values[:, known[0]]).tolist())
    # Signs cannot be flipped jointly in contrasts of other seeds.
    tested = [row for row, count in enumerate(counts) if count >= MIN_PAIRS]
    alone = [joint_flip_p(values[row : row + 1, known[row]])[0] for row in tested]
    corrected = dict(zip(tested, holm(alone, family).tolist() if tested else [], strict=True))
    return [corrected.get(row) for row in range(len(values))]


def _pair(
    errors: Mapping[str, Mapping[int, float]], index: int, pair: tuple[str, str]
) -> tuple[str, str]:
    place = f"comparisons[{index}]"
    if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
        raise ResforgeError(f"{place} is {pair!r}: write a pair of arms, (of, to)")
    of, to = pair
    for arm in (of, to):
        if arm not in errors:
            names = [name for name in errors if isinstance(name, str)]
            close = nearest(arm, names) if isinstance(arm, str) else None
            all_ = ", ".join(map(str, errors))
            help_ = f"did you mean {close!r}?" if close else f"errors has {all_ or 'no arm'}"
            raise ResforgeError(f"{place}: there is no arm {arm!r}; {help_}")
    if of == to:
        raise ResforgeError(f"{place}: arm {of!r} is compared with itself; name another arm")
    return of, to


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


def _check_errors(arm: str, by_seed: Mapping[int, float]) -> None:
    if not isinstance(by_seed, Mapping):
        raise ResforgeError(
            f"the errors of {arm!r} are {_kind(by_seed)}: write {{seed: error}}, since differences"
            " are paired by seed"
        )
    for seed, error in by_seed.items():
        try:
            finite = isfinite(error)
        except TypeError:
            finite = False
        if not finite:
            raise ResforgeError(
                f"the error of {arm!r} with seed {seed} is {error!r}: use a number of percent,"
                " 100 - 100 / classes for a seed that diverged, and leave out a seed without a"
                " result"
            )
