"""The points that a search rejected, and the error where it rejected all."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from math import inf

from ..drawing.numbers import percent
from ..errors import Fault, SpecError
from ..planner.figures import Figures
from .points import Miss, Points


class Misses:
    """Rejected points: their number by reason, and how near they came to each of the limits."""

    def __init__(self, points: Points) -> None:
        self.count = 0
        self._points = points
        self._counts: Counter[tuple[str, str]] = Counter()
        self._faults: dict[tuple[str, str], Fault] = {}
        self._planned = 0  # points that are networks
        self._held = Counter[str]()  # how many of them keep each limit
        self._nearest: dict[str, tuple[float, int]] = {}  # distance and figure, by limit
        self._closest: tuple[float, Figures | None] = (inf, None)  # to all of the limits together

    def add(self, miss: Miss) -> None:
        """Count ``miss``."""
        self.count += 1
        for fault in miss.faults[:1]:
            key = (fault.code, fault.path)
            self._counts[key] += 1
            self._faults.setdefault(key, fault)
        if miss.figures is not None:
            self._measure(miss.figures, miss.missed)

    def _measure(self, figures: Figures, missed: dict[str, float]) -> None:
        self._planned += 1
        for name, _ in self._points.where:
            far = missed.get(name, 0.0)
            self._held[name] += far == 0
            if far < self._nearest.get(name, (inf, 0))[0]:
                self._nearest[name] = far, getattr(figures, name)
        if (far := sum(missed.values())) < self._closest[0]:
            self._closest = far, figures

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
        if not self._planned:
            fault, count = self.faults[0]
            inside = f"{fault.path}: " if fault.path else ""
            message = (
                f"none of {looked}{where} is a legal network; {count:,} fail because of "
                f"{inside}{fault.message}"
            )
            return self._points.error(Fault("space", message, "free", fault.help))
        limits = dict(self._points.where)
        alone = [f"{limit} {name}: {self._kept(name)}" for name, limit in limits.items()]
        message = f"none of {looked}{where} is within the limits. {'; '.join(alone)}"
        if len(limits) > 1:
            message += f"; all of them: {self._kept_by_all()}"
        never = [name for name in limits if self._held[name] == 0]
        return self._points.error(
            Fault("space", message, f"where.{(never or [*limits])[0]}", self._help(never))
        )

    def _kept(self, name: str) -> str:
        """How many networks keep a limit, and the nearest figure where none does."""
        held = self._held[name]
        if held:
            return f"kept by {percent(held / self._planned)} of the networks"
        return f"kept by none, the nearest has {self._nearest[name][1]:,}"

    def _kept_by_all(self) -> str:
        _, figures = self._closest
        near = ", ".join(f"{getattr(figures, name):,} {name}" for name, _ in self._points.where)
        return f"kept by none, the nearest has {near}"

    def _help(self, never: list[str]) -> str:
        if never:
            bounds = [f"where.{name} to {self._nearest[name][1]:,}" for name in never]
            return f"extend {' and '.join(bounds)}, or free more fields"
        if len(list(self._points.where)) == 1 or self.count >= self._points.size:
            return "widen the limits, or free more fields"
        return "widen the limits, or look at more points with tries"


def many(number: int) -> str:
    """A number of any size as text.

    >>> many(65_536), many(42 * 10**20)
    ('65,536', '4.20e21')
    """
    return f"{number:,}" if number < 10**9 else f"{Decimal(number):.2e}".replace("e+", "e")
