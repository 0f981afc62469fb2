"""Power of a sweep before it is trained: the smallest difference that it could find."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..comparing.compared import compare_pairs
from ..comparing.looks import look_level
from ..comparing.power import detectable
from ..results import STORE_NAME
from ..results.records import read_records
from .arms import Arm
from .claims import compared
from .expected import same_data
from .sweep import Sweep

#: Numbers of seeds that are shown beside that of the sweep.
_SHOWN = (3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Power:
    """Smallest true difference that a sweep finds four times in five, by its number of seeds.

    For the strictest of its comparisons, in standard deviations of the paired differences.
    """

    comparisons: int
    """Number of comparisons, without those of a network with itself."""
    level: float
    """Level of each judgement; less than 0.05 in a sweep with looks."""
    smallest: tuple[tuple[int, float], ...]
    """Numbers of seeds, that of the sweep or its looks first, each with the smallest difference."""
    spread: tuple[float, float] | None = None
    """Lowest and highest standard deviation of paired differences in points, as recorded."""

    def as_dict(self) -> dict[str, Any]:
        """Fields for JSON, each size in points, too, where the spread is known."""
        low, high = self.spread or (None, None)
        sizes = [
            {"seeds": seeds, "deviations": size}
            | ({} if low is None or high is None else {"points": [size * low, size * high]})
            for seeds, size in self.smallest
        ]
        return {"comparisons": self.comparisons, "level": self.level, "smallest": sizes}


def power_of(
    sweep: Sweep, arms: Sequence[Arm], out: str | os.PathLike[str] | None = None
) -> Power | None:
    """Power of ``sweep``; None where it compares nothing, and where scipy is missing.

    ``out`` is a folder that it was run into, whose results give the spread.
    """
    comparisons = len(compared(sweep, arms))
    if not comparisons or find_spec("scipy") is None:
        return None
    level = look_level(sweep.looks)
    own = sweep.looks or (len(sweep.seeds),)
    others = [] if sweep.looks else [seeds for seeds in _SHOWN if seeds > own[0]]
    sizes = [(seeds, detectable(1.0, seeds, comparisons, level)) for seeds in (*own, *others)]
    known = tuple((seeds, size) for seeds, size in sizes if size is not None)
    return Power(comparisons, level, known, _spread(sweep, out) if out is not None else None)


def _spread(sweep: Sweep, folder: str | os.PathLike[str]) -> tuple[float, float] | None:
    """Lowest and highest deviation of the comparisons in a store of the same data."""
    if not (Path(folder) / STORE_NAME).exists():
        return None
    records = read_records(folder)
    if not same_data(sweep, records):
        return None
    known = [c.deviation for c in compare_pairs(records) if c.deviation is not None]
    return (min(known), max(known)) if known else None
