"""The points that a search rejected, and the error where it rejected all."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from ..errors import Fault, SpecError
from .points import Miss, Points


class Misses:
    """Rejected points: their number by reason, and the one nearest to the limits."""

    def __init__(self, points: Points) -> None:
        self.count = 0
        self._points = points
        self._counts: Counter[tuple[str, str]] = Counter()
        self._faults: dict[tuple[str, str], Fault] = {}
        self._nearest: Miss | None = None

    def add(self, miss: Miss) -> None:
        """Count ``miss``."""
        self.count += 1
        for fault in miss.faults[:1]:
            key = (fault.code, fault.path)
            self._counts[key] += 1
            self._faults.setdefault(key, fault)
        if miss.figures is not None:
            nearest = self._nearest
            if nearest is None or _far(miss) < _far(nearest):
                self._nearest = miss

    @property
    def faults(self) -> list[tuple[Fault, int]]:
        """Why points are no networks, and how many for each reason, the most frequent first."""
        return [(self._faults[key], count) for key, count in self._counts.most_common()]

    def error(self, where: str = "") -> SpecError:
        """The error of a search that found nothing: how near it came, or why no point is legal."""
        size = self._points.size
        looked = f"{self.count:,} of {many(size)} points"
        if self.count >= size:
            looked = "its one point" if size == 1 else f"its {size:,} points"
        nearest = self._nearest
        if nearest is None:
            fault, count = self.faults[0]
            inside = f"{fault.path}: " if fault.path else ""
            message = (
                f"none of {looked}{where} is a legal network; {count:,} fail because of "
                f"{inside}{fault.message}"
            )
            return self._points.error(Fault("space", message, "free", fault.help))
        name = max(nearest.missed, key=nearest.missed.__getitem__)
        figure = getattr(nearest.figures, name)
        limit = getattr(self._points.where, name)
        message = (
            f"none of {looked}{where} has {limit} {name}"
            f"{' and keeps the other limits' if len(nearest.missed) > 1 else ''}; "
            f"the nearest has {figure:,}"
        )
        help_ = f"extend the range to {figure:,}, or free more fields"
        return self._points.error(Fault("space", message, f"where.{name}", help_))


def many(number: int) -> str:
    """A number of any size as text.

    >>> many(65_536), many(42 * 10**20)
    ('65,536', '4.20e21')
    """
    return f"{number:,}" if number < 10**9 else f"{Decimal(number):.2e}".replace("e+", "e")


def _far(miss: Miss) -> float:
    return sum(miss.missed.values())
