"""Designs: which combinations of the axes' labels are arms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from itertools import combinations, product
from math import prod
from typing import Literal

Design = Literal["grid", "one_factor", "pairwise"]
#: For each axis the position of the label chosen.
Choice = tuple[int, ...]
#: Two labels of two axes: axis, label, later axis, label.
_Pair = tuple[int, int, int, int]

MAX_PAIRS = 20_000
_TRIES = 4


def choices(design: Design, sizes: Sequence[int]) -> list[Choice]:
    """The arms of a design over axes of so many labels, the last axis varying fastest.

    The first is that of every axis's first label. ``grid`` has every combination; ``one_factor``
    the first and those that differ from it in one axis; ``pairwise`` holds every two labels of
    two axes in some arm.

    >>> choices("one_factor", [2, 3])
    [(0, 0), (1, 0), (0, 1), (0, 2)]
    >>> len(choices("pairwise", [3, 3, 3, 3])), len(choices("grid", [3, 3, 3, 3]))
    (9, 81)
    """
    if design == "one_factor":
        return list(_one_factor(sizes))
    # A single axis has no pairs, and two have no others than their grid's.
    if design == "pairwise" and len(sizes) > 2:
        return list(_pairwise(tuple(sizes)))
    return list(product(*map(range, sizes)))


def fewest(design: Design, sizes: Sequence[int]) -> int:
    """How many arms a design has; of ``pairwise``, how many it has at least."""
    if design == "one_factor":
        return 1 + sum(size - 1 for size in sizes)
    if design == "pairwise" and len(sizes) > 2:
        return prod(sorted(sizes)[-2:])
    return prod(sizes)


def count_pairs(sizes: Sequence[int]) -> int:
    """How many pairs of labels of two different axes there are."""
    return (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2


def _one_factor(sizes: Sequence[int]) -> Iterator[Choice]:
    first = (0,) * len(sizes)
    yield first
    for axis, size in enumerate(sizes):
        for label in range(1, size):
            yield (*first[:axis], label, *first[axis + 1 :])


@lru_cache(maxsize=8)
def _pairwise(sizes: tuple[int, ...]) -> tuple[Choice, ...]:
    """A covering array of strength two: the smallest of a few made greedily.

    After Cohen et al. 1997, The AETG System (IEEE Trans. Software Eng. 23), without its dice.
    """
    smallest = min([_cover(sizes, shift) for shift in range(_TRIES)], key=len)
    return tuple(sorted(smallest))


def _cover(sizes: Sequence[int], shift: int) -> list[Choice]:
    """Each arm begins with the first pair that is still missing, and each other axis takes the
    label that brings most missing pairs; ``shift`` turns the order in which equals are taken."""
    axes = list(combinations(range(len(sizes)), 2))
    missing = dict.fromkeys(
        (one, i, two, j)
        for one, two in axes
        for i, j in product(range(sizes[one]), range(sizes[two]))
    )
    # How many missing pairs each label is in: what an arm leaves to later ones.
    left = Counter(end for one, i, two, j in missing for end in ((one, i), (two, j)))
    found: list[Choice] = []
    choice: Choice = (0,) * len(sizes)
    while True:
        found.append(choice)
        for one, two in axes:
            if missing.pop((one, choice[one], two, choice[two]), True) is None:
                left.subtract([(one, choice[one]), (two, choice[two])])
        if not missing:
            return found
        choice = _next_choice(sizes, missing, left, shift, len(found))


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
        brought = sum(
            ((axis, label, other, its) if axis < other else (other, its, axis, label)) in missing
            for other, its in chosen.items()
        )
        return brought, left[axis, label], -((label + shift * (axis + arm)) % sizes[axis])

    for axis, size in enumerate(sizes):
        if axis not in chosen:
            chosen[axis] = max(range(size), key=partial(gain, axis))
    return tuple(chosen[axis] for axis in range(len(sizes)))
