"""Networks out of a space: one by one, by chance or in order, never more than asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ..errors import Fault, SpecError
from ..planner.count import Figures
from ..specs.network import ResNetSpec
from .seen import Seen
from .shuffle import Shuffle, stride_over

if TYPE_CHECKING:
    from .space import Space

#: Points that are looked at in vain before a search is given up.
TRIES = 10_000
#: Spaces up to this size are searched whole, and known to be exhausted when they are.
_SMALL = 16_384


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network of a space."""

    number: int
    """Which draw gave it, or where it stands in the order of the space."""
    index: int
    """Its place in the space: ``space.at(index)``."""
    spec: ResNetSpec
    digest: str
    params: int
    macs: int
    activations: int
    depth: int
    receptive_field: int
    move: str = ""
    """How it came from its parent, where it has one: ``deeper``, ``other shortcut``."""


@dataclass(frozen=True, slots=True)
class Miss:
    """A point of a space that gives no network, or one outside the bounds."""

    index: int
    faults: tuple[Fault, ...]
    """Why it is no network; none where it is one."""
    figures: Figures | None
    missed: dict[str, float]
    """The quantities that lie outside, and by what share."""


class Draws:
    """The draws of one seed. Draw k looks at tickets k, k + s, k + 2s, ... of the seed's own
    order, with s the golden section of their number, up to the first that is wanted: so each draw
    can be had alone, and no two begin at the same."""

    def __init__(self, space: Space, seed: int) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise SpecError(Fault("seed", f"a seed is a whole number, not {seed!r}"))
        self.space = space
        self.count: int = space.choices.tickets
        self._order = Shuffle(self.count, seed)
        self._stride = stride_over(self.count)
        self._tries = max(TRIES, space.size) if space.size <= _SMALL else TRIES

    def index(self, position: int) -> int:
        """The index at a position of the seed's order, wanted or not."""
        return self.space.choices.drawn(self._order[position])

    def nth(self, number: int) -> Architecture:
        """Draw ``number``, whatever the others give. Raises :class:`SpecError` where nothing is
        found, with how near it came."""
        found = self._search(number, {})
        assert found is not None  # nothing was looked at before
        return found

    def __iter__(self) -> Iterator[Architecture]:
        return self.given(0, Seen())

    def given(self, start: int, seen: Seen) -> Iterator[Architecture]:
        """The networks of draw ``start`` and those after it that are not in ``seen``, which takes
        them in."""
        known: dict[int, bool] = {}
        small = self.space.size <= _SMALL
        idle = 0
        for number in range(start, self.count):
            found = self._search(number, known if small else {})
            if found is not None and seen.add(found.digest):
                idle = 0
                yield found
            elif (idle := idle + 1) >= TRIES:
                message = f"{idle:,} draws in a row gave nothing new after {len(seen):,} networks"
                raise SpecError(Fault("space", message, "free", "ask for fewer, or free more"))
            if len(known) == self.space.size:
                return

    def _search(self, number: int, known: dict[int, bool]) -> Architecture | None:
        """The first point that is wanted; None where that was given before.

        ``known`` says of points that were looked at whether they are wanted.
        """
        misses = Misses(self.space)
        position = number % self.count
        for _ in range(min(self.count, 20 * self._tries)):
            index = self.index(position)
            position = (position + self._stride) % self.count
            if known.get(index):
                return None
            if index in known:
                continue
            found = self.space.look(index, number)
            known[index] = isinstance(found, Architecture)
            if isinstance(found, Architecture):
                return found
            misses.add(found)
            if misses.count >= self._tries:
                break
        raise misses.error()


def in_order(space: Space, start: int, step: int) -> Iterator[Architecture]:
    """The networks at ``start``, ``start + step``, ... in the order of the space."""
    for name, value, least in (("start", start, 0), ("step", step, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            message = f"{name} is a whole number of at least {least}, not {value!r}"
            raise SpecError(Fault("range", message, name))
    misses = Misses(space)
    index = start
    while index < space.size:
        found = space.look(index)
        if isinstance(found, Architecture):
            misses = Misses(space)
            yield found
        else:
            misses.add(found)
            if misses.count >= 10 * TRIES:
                raise misses.error(f", up to index {index:,}")
        index += step


class Misses:
    """What a search found instead of what is wanted."""

    def __init__(self, space: Space) -> None:
        self.count = 0
        self._space = space
        self._illegal: Counter[tuple[str, str]] = Counter()
        self._faults: dict[tuple[str, str], Fault] = {}
        self._nearest: Miss | None = None

    def add(self, miss: Miss) -> None:
        self.count += 1
        for fault in miss.faults[:1]:
            key = (fault.code, fault.path)
            self._illegal[key] += 1
            self._faults.setdefault(key, fault)
        if miss.figures is not None:
            nearest = self._nearest
            if nearest is None or _far(miss) < _far(nearest):
                self._nearest = miss

    def error(self, where: str = "") -> SpecError:
        """That nothing is found, and how near it came."""
        size = self._space.size
        looked = f"{self.count:,} of {many(size)} points"
        if self.count >= size:
            looked = "its one point" if size == 1 else f"its {size:,} points"
        nearest = self._nearest
        if nearest is None:
            (key, count), *_ = self._illegal.most_common(1)
            fault = self._faults[key]
            inside = f"{fault.path}: " if fault.path else ""
            message = (
                f"none of {looked}{where} is a network, {count:,} of them because of "
                f"{inside}{fault.message}"
            )
            return self._space.error(Fault("space", message, "free", fault.help))
        name = max(nearest.missed, key=nearest.missed.__getitem__)
        figure = getattr(nearest.figures, name)
        bound = getattr(self._space.where, name)
        message = (
            f"none of {looked}{where} has {bound} {name}"
            f"{' and the rest' if len(nearest.missed) > 1 else ''}; the nearest has {figure:,}"
        )
        help_ = f"let the range reach {figure:,}, or free more of the network"
        return self._space.error(Fault("space", message, f"where.{name}", help_))


def many(number: int) -> str:
    """A number of any size.

    >>> many(65_536), many(42 * 10**20)
    ('65,536', '4.20e21')
    """
    return f"{number:,}" if number < 10**9 else f"{Decimal(number):.2e}".replace("e+", "e")


def _far(miss: Miss) -> float:
    return sum(miss.missed.values())
