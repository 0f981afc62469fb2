"""Designs: combinations of the axes' labels that are arms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from itertools import combinations, product
from math import prod
from typing import Literal

Design = Literal["grid", "one_factor", "pairwise"]
#: Index of the chosen label, for each axis.
Choice = tuple[int, ...]
#: Two labels of two axes: axis, label, later axis, label.
_Pair = tuple[int, int, int, int]

MAX_PAIRS = 20_000
_TRIES = 4


def choices(design: Design, sizes: Sequence[int]) -> list[Choice]:
    """Arms of a design over axes with ``sizes`` labels, the last axis varying fastest.

    The first arm has the first label of every axis. ``grid`` has every combination; ``one_factor``
    the first arm and those that differ from it in one axis; in ``pairwise`` every two labels of
    two axes are together in at least one arm.

    >>> choices("one_factor", [2, 3])
    [(0, 0), (1, 0), (0, 1), (0, 2)]
    >>> len(choices("pairwise", [3, 3, 3, 3])), len(choices("grid", [3, 3, 3, 3]))
    (9, 81)
    """
    if design == "one_factor":
        return list(_one_factor(sizes))
    # A single axis has no pairs, and the pairs of two axes are their grid.
    if design == "pairwise" and len(sizes) > 2:
        return list(_pairwise(tuple(sizes)))
    return list(product(*map(range, sizes)))


def fewest(design: Design, sizes: Sequence[int]) -> int:
    """Number of arms of a design; for ``pairwise`` a lower bound."""
    if design == "one_factor":
        return 1 + sum(size - 1 for size in sizes)
    if design == "pairwise" and len(sizes) > 2:
        return prod(sorted(sizes)[-2:])
    return prod(sizes)


def count_pairs(sizes: Sequence[int]) -> int:
    """Number of pairs of labels of two different axes."""
    return (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2


def _one_factor(sizes: Sequence[int]) -> Iterator[Choice]:
    first = (0,) * len(sizes)
    yield first
    for axis, size in enumerate(sizes):
        for label in range(1, size):
            yield (*first[:axis], label, *first[axis + 1 :])


@lru_cache(maxsize=8)
def _pairwise(sizes: tuple[int, ...]) -> tuple[Choice, ...]:
    """A covering array of strength two: the smallest of a few that are made greedily.

    After Cohen et al. 1997, The AETG System (IEEE Trans. Software Eng. 23), without randomness.
    """
    smallest = min([_cover(sizes, shift) for shift in range(_TRIES)], key=len)
    return tuple(sorted(smallest))


def _cover(sizes: Sequence[int], shift: int) -> list[Choice]:
    """Cover all pairs greedily.

    Each arm starts with the first missing pair, and each other axis takes the label that covers
    most missing pairs; ``shift`` rotates the order in which ties are broken.
    """
    axes = list(combinations(range(len(sizes)), 2))
    missing = dict.fromkeys(
        (one, i, two, j)
        for one, two in axes
        for i, j in product(range(sizes[one]), range(sizes[two]))
    )
    # Number of missing pairs that contain each label; it breaks ties.
    left = Counter(end for one, i, two, j in missing for end in ((one, i), (two, j)))
    arms: list[Choice] = []
    choice: Choice = (0,) * len(sizes)
    while True:
        arms.append(choice)
        for one, two in axes:
            if missing.pop((one, choice[one], two, choice[two]), True) is None:
                left.subtract([(one, choice[one]), (two, choice[two])])
        if not missing:
            return arms
        choice = _next_choice(sizes, missing, left, shift, len(arms))


def _next_choice(
    sizes: Sequence[int],
    missing: dict[_Pair, None],
    left: Counter[tuple[int, int]],
    shift: int,
    arm: int,
) -> Choice:
    one, i, two, j = next(iter(missing))
    chosen = {one: i, two: j}

    def gain(axis: int, label: int) -> tuple[int, int, int]:
        covered = sum(
            (
                (axis, label, other, chosen_label)
                if axis < other
                else (other, chosen_label, axis, label)
            )
            in missing
            for other, chosen_label in chosen.items()
        )
        return covered, left[axis, label], -((label + shift * (axis + arm)) % sizes[axis])

    for axis, size in enumerate(sizes):
        if axis not in chosen:
            chosen[axis] = max(range(size), key=partial(gain, axis))
    return tuple(chosen[axis] for axis in range(len(sizes)))
