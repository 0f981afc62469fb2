"""Two ways of doing one thing, timed in turns within one run."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence

import torch

from .rows import Figure, Row

__all__ = ["Prepare", "Row", "Work", "compare", "compare_prepared", "figure_of", "milliseconds"]

Work = Callable[[], object]
Prepare = Callable[[], Work]
"""Makes what one turn needs, outside the clock, and returns what is to be timed."""


def compare(
    what: str,
    peer: str,
    ours: Work,
    theirs: Work,
    pairs: int,
    repeat: int = 1,
    *,
    floor: bool = False,
) -> Row:
    """Time ``ours`` and ``theirs`` in turns.

    ``repeat`` runs ``ours`` so many times for each turn, where once is too short for the clock.
    """
    return compare_prepared(what, peer, lambda: ours, lambda: theirs, pairs, repeat, floor=floor)


def compare_prepared(
    what: str,
    peer: str,
    ours: Prepare,
    theirs: Prepare,
    pairs: int,
    repeat: int = 1,
    *,
    floor: bool = False,
) -> Row:
    """As :func:`compare`, for work that needs something fresh in each turn."""
    theirs()(), ours()()  # the first turns pay for caches and lazy imports
    turns = [(milliseconds(ours(), repeat), milliseconds(theirs())) for _ in range(pairs)]
    first, second = (statistics.median(column) for column in zip(*turns, strict=True))
    ratios = [their / our for our, their in turns]
    spread = (second / first, min(ratios), max(ratios))
    return Row(what, peer, first, second, *spread, torch.get_num_threads(), floor)


def figure_of(what: str, values: Sequence[float], unit: str) -> Figure:
    """The median of measurements without a peer, with their extremes."""
    if len(values) == 1:
        return Figure(what, values[0], unit)
    return Figure(what, statistics.median(values), unit, min(values), max(values))


def milliseconds(work: Work, repeat: int = 1) -> float:
    """Time of one run of ``work``."""
    gc.collect()
    start = time.perf_counter()
    for _ in range(repeat):
        work()
    return 1e3 * (time.perf_counter() - start) / repeat
