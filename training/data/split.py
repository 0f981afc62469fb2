"""Validation images, drawn from a seed alone: the same on every machine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def shuffled(count: int, key: str) -> NDArray[np.int64]:
    """A permutation of 0 to ``count - 1``, drawn from ``key``.

    It sorts by SHA-256: NumPy does not promise the same permutation in every version.
    """
    drawn = [hashlib.sha256(f"{key}/{i}".encode()).digest() for i in range(count)]
    return np.array(sorted(range(count), key=drawn.__getitem__), dtype=np.int64)


def set_aside(
    labels: NDArray[np.int64], count: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split rows into those to train on and ``count`` for validation; both in rising order.

    The fraction of each class that is set aside is that of the whole, to within one image.

    >>> set_aside(np.array([0, 0, 0, 0, 1, 1]), 3, seed=0)
    (array([0, 3, 5]), array([1, 2, 4]))
    """
    total = len(labels)
    if not count:
        return np.arange(total), np.arange(0)
    order = shuffled(total, f"validation/{seed}")
    by_class = order[np.argsort(labels[order], kind="stable")]
    # Evenly spaced over the classes one after another.
    aside = np.zeros(total, dtype=bool)
    aside[by_class[(2 * np.arange(count) + 1) * total // (2 * count)]] = True
    return np.flatnonzero(~aside), np.flatnonzero(aside)
