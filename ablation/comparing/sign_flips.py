"""Sign flips: the joint test of several comparisons that supposes symmetry alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

#: Pairs below which no p of the test can be at most 0.05.
MIN_PAIRS = 6
#: Random sign patterns that are tried where there are too many to try all.
FLIPS = 2**14
_ALL = 14  # up to so many pairs all patterns are tried
_CACHED = 64  # up to so many pairs the patterns are cached: 8 MB
_SEED = 0
_BATCH = 2**20  # numbers in memory at once
_ROUNDING = 1e-9  # ties of statistics between 0 and sqrt(n)


def joint_flip_p(differences: Any) -> Any:
    """p of each comparison, corrected for all: joint sign flips with step-down maxT.

    ``differences`` has the shape ``(..., comparisons, seeds)``; the p have the shape
    ``(..., comparisons)``. Under the null hypothesis the differences of a seed are as probable as
    all of them with the other sign, so that one sign for each seed is flipped in all comparisons
    together; each is compared with the largest absolute t among those that are not rejected before
    it (Westfall and Young 1993, algorithm 2.8; Winkler et al. 2014). All sign patterns are tried up
    to 14 seeds; beyond, 16,384 random ones and the observed one (Phipson and Smyth 2010). Patterns
    are seeded: the same differences give the same p.

    >>> joint_flip_p([[1.0, 1.2, 0.9, 1.1, 1.3, 0.8], [0.1, -0.2, 0.1, 0.3, -0.1, 0.0]]).tolist()
    [0.03125, 0.8125]
    """
    import numpy as np

    differences = np.asarray(differences, dtype=float)
    seeds = differences.shape[-1]
    # The cosine with a pattern rises with |t| of the flipped differences, and needs no variance.
    lengths = np.sqrt(np.sum(differences**2, axis=-1, keepdims=True))
    units = differences / np.where(lengths > 0, lengths, 1.0)
    observed = np.abs(np.sum(units, axis=-1))
    order = np.argsort(-observed, axis=-1, kind="stable")
    units = np.take_along_axis(units, order[..., None], -2)
    least = np.take_along_axis(observed, order, -1)[..., None] - _ROUNDING
    reached: Any = 0
    patterns = drawn = int(seeds > _ALL)
    for signs in _signs(seeds):
        flipped = np.abs(units @ signs.T)
        # The largest among a comparison and those after it in the order.
        largest = np.maximum.accumulate(flipped[..., ::-1, :], axis=-2)[..., ::-1, :]
        reached = reached + np.count_nonzero(largest >= least, axis=-1)
        patterns += len(signs)
    steps = np.maximum.accumulate((reached + drawn) / patterns, axis=-1)
    ps = np.empty_like(steps)
    np.put_along_axis(ps, order, steps, -1)
    return ps


def _signs(seeds: int) -> Iterable[Any]:
    """Sign patterns, one a row, in pieces that fit into memory."""
    return _cached_signs(seeds) if seeds <= _CACHED else _drawn_signs(seeds)


@lru_cache(maxsize=4)
def _cached_signs(seeds: int) -> tuple[Any, ...]:
    import numpy as np

    if seeds > _ALL:
        return tuple(_drawn_signs(seeds))
    # A pattern and its opposite have one |t|: the first sign is never flipped.
    numbers = np.arange(2 ** (seeds - 1))[:, None]
    return (1.0 - 2.0 * (numbers >> np.arange(seeds) & 1),)


def _drawn_signs(seeds: int) -> Iterator[Any]:
    import numpy as np

    rng = np.random.default_rng(_SEED)
    rows = max(1, _BATCH // seeds)
    for start in range(0, FLIPS, rows):
        shape = (min(rows, FLIPS - start), seeds)
        yield 1.0 - 2.0 * rng.integers(0, 2, shape)
