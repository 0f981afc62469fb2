"""The points that a search rejected, and the error where it rejected all."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from ..drawing.numbers import percent
from ..errors import Fault, SpecError
from ..planner.figures import Figures
from .constraints import Bound
from .points import Miss, Points

#: Rejected points that are kept before they are asked for their reasons.
_WAITING = 1000


class Misses:
    """Rejected points: their number by reason, and how near they came to each of the limits.

    ``remedy`` is what may find networks at points that were not looked at.
    """

    def __init__(self, points: Points, remedy: str = "look at more points") -> None:
        self.count = 0
        self._remedy = remedy
        self._points = points
        self._wrong: list[Miss] = []  # points that are no networks, for reasons not asked yet
        self._counts: Counter[tuple[str, str]] = Counter()
        self._faults: dict[tuple[str, str], Fault] = {}
        self._planned = 0  # points that are networks
        self._asked = Counter[str]()  # how many of them were asked for each limit
        self._held = Counter[str]()  # and keep it
        self._nearest: dict[str, tuple[float, int]] = {}  # distance and figure, by bound
        # The nearest network to all of the limits together: distance, figures, and those missed.
        self._closest: tuple[float, Figures, list[str]] | None = None
        self._bounds = [limit for limit in points.limits if isinstance(limit, Bound)]

    def add(self, miss: Miss) -> None:
        """Count ``miss``."""
        self.count += 1
        if miss.figures is None:
            self._wrong.append(miss)
            if len(self._wrong) == _WAITING:
                self._ask()
        else:
            self._measure(miss.figures, miss.missed)

    def _measure(self, figures: Figures, missed: dict[str, float]) -> None:
        self._planned += 1
        for limit in self._points.asked(missed):
            self._asked[limit.place] += 1
            self._held[limit.place] += limit.place not in missed
        for bound in self._bounds:
            far = missed.get(bound.place, 0.0)
            if bound.place not in self._nearest or far < self._nearest[bound.place][0]:
                self._nearest[bound.place] = far, getattr(figures, bound.place)
        far = sum(missed.values())
        if self._closest is None or far < self._closest[0]:
            self._closest = far, figures, [*missed]

    @property
    def faults(self) -> list[tuple[Fault, int]]:
        """Why points are no networks, and how many for each reason, the most frequent first."""
        self._ask()
        return [(self._faults[key], count) for key, count in self._counts.most_common()]

    def _ask(self) -> None:
        """Why points are no networks: most searches find one, and nobody wants to know."""
        for miss in self._wrong:
            for fault in miss.faults[:1]:
                key = fault.code, fault.path
                self._counts[key] += 1
                self._faults.setdefault(key, fault)
        self._wrong.clear()

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
        limits = self._points.limits
        alone = [f"{limit}: {self._kept(limit.place)}" for limit in limits]
        message = f"none of {looked}{where} is within the limits. {'; '.join(alone)}"
        if len(limits) > 1:
            message += f"; all of them: {self._kept_by_all()}"
        assert self._closest is not None  # a network was looked at
        _, figures, broken = self._closest
        never = [place for place in broken if not self._held[place]]
        fault = Fault(
            "space", message, f"where.{(never or broken)[0]}", self._help(figures, broken)
        )
        return self._points.error(fault)

    def _kept(self, name: str) -> str:
        """How many networks keep a limit, and the nearest figure where none does."""
        held = self._held[name]
        if not self._asked[name]:
            return "not looked at, no network keeps the others"
        if held:
            return f"kept by {percent(held / self._asked[name])} of the networks"
        near = f", the nearest has {self._nearest[name][1]:,}" if name in self._nearest else ""
        return f"kept by none{near}"

    def _kept_by_all(self) -> str:
        assert self._closest is not None
        _, figures, _ = self._closest
        near = [f"{getattr(figures, bound.place):,} {bound.place}" for bound in self._bounds]
        return f"kept by none{', the nearest has ' if near else ''}{', '.join(near)}"

    def _help(self, figures: Figures, broken: list[str]) -> str:
        """What lets the nearest network in: where a limit is as far as the nearest of any network,
        there may be none that is as near to all."""
        bounds = {bound.place for bound in self._bounds}
        remedies = [
            f"extend where.{place} to {getattr(figures, place):,}"
            if place in bounds
            else f"relax where.{place}"
            for place in broken
        ]
        remedy = " and ".join(remedies)
        if self.count >= self._points.size:
            return f"{remedy}, or free more fields"
        return f"{remedy}, free more fields, or {self._remedy}"


def many(number: int) -> str:
    """A number of any size as text.

    >>> many(65_536), many(42 * 10**20)
    ('65,536', '4.20e21')
    """
    return f"{number:,}" if number < 10**9 else f"{Decimal(number):.2e}".replace("e+", "e")
