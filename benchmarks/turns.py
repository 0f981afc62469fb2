"""Two ways of doing one thing, timed in turns within one run."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

Work = Callable[[], object]
Prepare = Callable[[], Work]
"""Makes what one turn needs, outside the clock, and returns what is to be timed."""


class Row(NamedTuple):
    """One comparison. A ratio is their time over ours: above 1, ours is faster.

    ``ratio`` is that of the medians; ``least`` and ``most`` are the extremes over the pairs of
    neighbouring turns, which a busy machine slows alike.
    """

    what: str
    peer: str
    ours_ms: float
    theirs_ms: float
    ratio: float
    least: float
    most: float


def compare(what: str, peer: str, ours: Work, theirs: Work, pairs: int, repeat: int = 1) -> Row:
    """Time ``ours`` and ``theirs`` in turns.

    ``repeat`` runs ``ours`` so many times for each turn, where once is too short for the clock.
    """
    return compare_prepared(what, peer, lambda: ours, lambda: theirs, pairs, repeat)


def compare_prepared(
    what: str, peer: str, ours: Prepare, theirs: Prepare, pairs: int, repeat: int = 1
) -> Row:
    """As :func:`compare`, for work that needs something fresh in each turn."""
    theirs()(), ours()()  # the first turns pay for caches and lazy imports
    turns = [(milliseconds(ours(), repeat), milliseconds(theirs())) for _ in range(pairs)]
    first, second = (statistics.median(column) for column in zip(*turns, strict=True))
    ratios = [their / our for our, their in turns]
    return Row(what, peer, first, second, second / first, min(ratios), max(ratios))


def milliseconds(work: Work, repeat: int = 1) -> float:
    """Time of one run of ``work``."""
    gc.collect()
    start = time.perf_counter()
    for _ in range(repeat):
        work()
    return 1e3 * (time.perf_counter() - start) / repeat
