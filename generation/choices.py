"""What a free field may be, counted and put in order without being written out.

A space is a tree of choices: sums (one option of several) and products (every field for itself)
over ranges of numbers. Each kind knows how many values it has and which stands at an index, by
arithmetic alone; an option's own choices are counted where the option is taken and nowhere else.

A second numbering, by *tickets*, carries the chances: a value holds as many tickets as it is
likely, and whoever draws a ticket uniformly draws values as declared.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from math import lcm, prod
from typing import Any

#: Tickets of the least likely value of a logarithmic range: chances are right to a thousandth.
_GRAIN = 1024


class Choices:
    """Values in a fixed order, each at an index from 0 to ``size - 1``."""

    size: int
    """How many values there are."""
    tickets: int
    """How many tickets all values hold together."""

    def at(self, index: int) -> Any:
        """The value at ``index``, as it would stand in a spec file."""
        raise NotImplementedError

    def drawn(self, ticket: int) -> int:
        """The index of the value that holds ``ticket``."""
        raise NotImplementedError

    def moves(self, index: int) -> Iterator[tuple[str, int]]:
        """The values beside that at ``index``: ``up``, ``down`` or ``other``, after the names of
        the fields that lead there."""
        return iter(())

    def cross(self, one: int, other: int, second: Callable[[], bool]) -> int:
        """A value between those at two indexes: each of its parts is that of the other where
        ``second`` says so."""
        return other if second() else one


class Constant(Choices):
    """One value."""

    size = tickets = 1

    def __init__(self, value: Any) -> None:
        self.value = value

    def at(self, index: int) -> Any:
        return self.value

    def drawn(self, ticket: int) -> int:
        return 0


class Range(Choices):
    """``first``, ``first + step``, ...: so many numbers, over ``unit``.

    Where ``log``, the chance of a value is inversely proportional to it; else all are as likely.

    >>> widths = Range(16, 8, 7, log=True)
    >>> widths.at(6), [widths.drawn(t) for t in (0, widths.tickets - 1)]
    (64, [0, 6])
    >>> Range(15, 5, 4, unit=10).at(1)
    2.0
    """

    def __init__(
        self, first: int, step: int, size: int, log: bool = False, unit: int | None = None
    ) -> None:
        self.first, self.step, self.size, self.unit = first, step, size, unit
        self.log = log

    def at(self, index: int) -> int | float:
        number = self.first + index * self.step
        return number if self.unit is None else number / self.unit

    @cached_property
    def weights(self) -> Sequence[int]:
        """The tickets of each value."""
        if not self.log:
            return [1] * self.size
        numbers = range(self.first, self.first + self.size * self.step, self.step)
        return [_GRAIN * numbers[-1] // number for number in numbers]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(self.weights))

    @property
    def tickets(self) -> int:  # type: ignore[override]
        return self._ends[-1] if self.log else self.size

    def drawn(self, ticket: int) -> int:
        return bisect_right(self._ends, ticket) if self.log else ticket

    def moves(self, index: int) -> Iterator[tuple[str, int]]:
        far = 1
        while far < self.size:
            if index + far < self.size:
                yield "up", index + far
            if index >= far:
                yield "down", index - far
            far *= 4


class OneOf(Choices):
    """One of several options, all as likely; an option may hold choices of its own.

    >>> either = OneOf([Constant("basic"), Fields({"expansion": Range(1, 1, 4)})])
    >>> either.size, either.at(0), either.at(4), either.tickets
    (5, 'basic', {'expansion': 4}, 8)
    """

    def __init__(self, options: Sequence[Choices]) -> None:
        self.options = options
        self._ends = list(accumulate(option.size for option in options))
        self.size = self._ends[-1]
        self.tickets = len(options) * lcm(*(option.tickets for option in options))

    def at(self, index: int) -> Any:
        number, rest = self.locate(index)
        return self.options[number].at(rest)

    def drawn(self, ticket: int) -> int:
        rest, number = divmod(ticket, len(self.options))
        option = self.options[number]
        return self._ends[number] - option.size + option.drawn(rest % option.tickets)

    def moves(self, index: int) -> Iterator[tuple[str, int]]:
        number, rest = self.locate(index)
        for other, option in enumerate(self.options):
            start = self._ends[other] - option.size
            if other == number:
                for move, beside in option.moves(rest):
                    yield move, start + beside
            else:
                # As far along as before, so that what both options choose tends to stay.
                yield "other", start + rest % option.size

    def cross(self, one: int, other: int, second: Callable[[], bool]) -> int:
        (number, first), (beside, rest) = self.locate(one), self.locate(other)
        if number != beside:
            return super().cross(one, other, second)
        option = self.options[number]
        return self._ends[number] - option.size + option.cross(first, rest, second)

    def locate(self, index: int) -> tuple[int, int]:
        """The option that ``index`` belongs to, and the index within that option."""
        number = bisect_right(self._ends, index)
        return number, index - self._ends[number] + self.options[number].size


class Every(Choices):
    """Every part for itself; the last varies fastest."""

    def __init__(self, parts: Sequence[Choices]) -> None:
        self.parts = parts
        self._sizes = [part.size for part in parts]
        self.size = prod(self._sizes)
        self._tickets = [part.tickets for part in parts]
        self.tickets = prod(self._tickets)

    def split(self, index: int) -> list[int]:
        """The index of each part."""
        return _digits(index, self._sizes)

    def join(self, indexes: Sequence[int]) -> int:
        """The inverse of :meth:`split`."""
        index = 0
        for size, digit in zip(self._sizes, indexes, strict=True):
            index = index * size + digit
        return index

    def at(self, index: int) -> Any:
        return [part.at(digit) for part, digit in zip(self.parts, self.split(index), strict=True)]

    def drawn(self, ticket: int) -> int:
        tickets = _digits(ticket, self._tickets)
        return self.join(
            [part.drawn(digit) for part, digit in zip(self.parts, tickets, strict=True)]
        )

    def moves(self, index: int) -> Iterator[tuple[str, int]]:
        for _, move, beside in self.moves_by_part(index):
            yield move, beside

    def moves_by_part(self, index: int) -> Iterator[tuple[int, str, int]]:
        """As :meth:`moves`, each with the part that it changes."""
        digits = self.split(index)
        for number, (part, digit) in enumerate(zip(self.parts, digits, strict=True)):
            for move, beside in part.moves(digit):
                changed = [*digits[:number], beside, *digits[number + 1 :]]
                yield number, move, self.join(changed)

    def cross(self, one: int, other: int, second: Callable[[], bool]) -> int:
        pairs = zip(self.parts, self.split(one), self.split(other), strict=True)
        return self.join([part.cross(a, b, second) for part, a, b in pairs])


class Fields(Every):
    """A mapping, some of whose values are free.

    >>> block = Fields({"kind": Constant("bottleneck"), "groups": Range(1, 1, 4)})
    >>> block.size, block.at(2)
    (4, {'kind': 'bottleneck', 'groups': 3})
    """

    def __init__(self, parts: Mapping[str, Choices]) -> None:
        super().__init__(list(parts.values()))
        self.names = list(parts)

    def at(self, index: int) -> dict[str, Any]:
        return dict(zip(self.names, super().at(index), strict=True))

    def moves(self, index: int) -> Iterator[tuple[str, int]]:
        for number, move, beside in self.moves_by_part(index):
            yield f"{self.names[number]} {move}", beside


class Same(Choices):
    """One value for so many places."""

    def __init__(self, value: Choices, places: int) -> None:
        self.value, self.places = value, places
        self.size, self.tickets = value.size, value.tickets

    def at(self, index: int) -> list[Any]:
        return [self.value.at(index)] * self.places

    def drawn(self, ticket: int) -> int:
        return self.value.drawn(ticket)

    def moves(self, index: int) -> Iterator[tuple[str, int]]:
        return self.value.moves(index)

    def cross(self, one: int, other: int, second: Callable[[], bool]) -> int:
        return self.value.cross(one, other, second)


class Increasing(Choices):
    """A number for each of so many places, none below the one before.

    A row's chance is the product of its numbers' own, as if rows were drawn number by number and
    those that fall were thrown away.

    >>> rows = Increasing(Range(1, 1, 3), 2)
    >>> rows.size, [rows.at(index) for index in range(6)]
    (6, [[1, 1], [1, 2], [1, 3], [2, 2], [2, 3], [3, 3]])
    """

    def __init__(self, numbers: Range, places: int) -> None:
        self.numbers, self.places = numbers, places
        self._plain = _Rows([1] * numbers.size, places)
        self._weighted = _Rows(numbers.weights, places) if numbers.log else self._plain
        self.size, self.tickets = self._plain.count, self._weighted.count

    def at(self, index: int) -> list[int | float]:
        return [self.numbers.at(digit) for digit in self._plain.row(index)]

    def drawn(self, ticket: int) -> int:
        return self._plain.index(self._weighted.row(ticket))

    def moves(self, index: int) -> Iterator[tuple[str, int]]:
        row = self._plain.row(index)
        for place, digit in enumerate(row):
            least = row[place - 1] if place else 0
            most = row[place + 1] if place + 1 < self.places else self.numbers.size - 1
            for move, beside in self.numbers.moves(digit):
                if least <= beside <= most:
                    yield move, self._plain.index([*row[:place], beside, *row[place + 1 :]])


class _Rows:
    """Rows of digits that never fall, in lexicographic order; each weighs the product of its
    digits' weights, and takes as many numbers."""

    def __init__(self, weights: Sequence[int], places: int) -> None:
        self.weights = weights
        # For each place, the weight of all rows from there on by their first digit, summed up.
        self._ends: list[list[int]] = []
        after = [1] * len(weights)  # weight of the rests of a row whose digit so far is given
        for _ in range(places):
            own = [weight * rest for weight, rest in zip(weights, after, strict=True)]
            self._ends.insert(0, list(accumulate(own)))
            after = list(accumulate(reversed(own)))[::-1]
        self.count = self._ends[0][-1]

    def row(self, number: int) -> list[int]:
        digits: list[int] = []
        for ends in self._ends:
            number += ends[digits[-1] - 1] if digits and digits[-1] else 0
            digit = bisect_right(ends, number)
            number -= ends[digit - 1] if digit else 0
            number //= self.weights[digit]
            digits.append(digit)
        return digits

    def index(self, row: Sequence[int]) -> int:
        """The inverse of :meth:`row` where every weight is 1."""
        number, before = 0, 0
        for ends, digit in zip(self._ends, row, strict=True):
            number += (ends[digit - 1] if digit else 0) - (ends[before - 1] if before else 0)
            before = digit
        return number


def _digits(number: int, radices: Sequence[int]) -> list[int]:
    digits = []
    for radix in reversed(radices):
        number, digit = divmod(number, radix)
        digits.append(digit)
    return digits[::-1]
