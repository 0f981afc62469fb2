"""What a suite yields: comparisons, figures, and what could not be measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple


class Row(NamedTuple):
    """One comparison. A ratio is their time over ours: above 1, ours is faster.

    ``ratio`` is that of the medians; ``least`` and ``most`` are the extremes over the pairs of
    neighbouring turns, which a busy machine slows alike. A ``floor`` is a peer that does only what
    every way of doing the work must do: its ratio is the fraction of the floor that is reached.
    """

    what: str
    peer: str
    ours_ms: float
    theirs_ms: float
    ratio: float
    least: float
    most: float
    threads: int = 1
    floor: bool = False


class Missing(NamedTuple):
    """A comparison that cannot be made here, since ``package`` is not installed."""

    what: str
    peer: str
    package: str


class Figure(NamedTuple):
    """A figure without a peer: the median of several, with the extremes where there are several."""

    what: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None


AnyRow = Row | Missing | Figure
Suite = Callable[[int], Iterator[AnyRow]]
"""Takes the number of turns of each of the two ways."""
KINDS: dict[str, type[AnyRow]] = {"row": Row, "missing": Missing, "figure": Figure}
