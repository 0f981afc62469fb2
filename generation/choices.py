"""The values that free fields may take, counted and ordered without being listed.

A space is a tree of choices: a sum (:class:`OneOf`) has the values of one option or another, a
product (:class:`Product`) a value of every part, and the leaves are constants and ranges of
numbers. Each node knows by arithmetic how many values it has and which value stands at an index
(unranking). docs/design-spaces-theory.md explains the method with examples.

Probabilities are whole numbers, too. The values of a node share ``weight`` tickets in proportion to
their probability, and a ticket drawn uniformly picks a value with the declared probability.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from math import lcm, prod
from typing import Any

#: Weight of the least likely value of a logarithmic range; rounding changes no probability by more
#: than a thousandth.
_GRAIN = 1024


class Choices:
    """Values in a fixed order, each at an index from 0 to ``size - 1``."""

    size: int
    """Number of values."""
    weight: int
    """Number of tickets of all values together."""

    def unrank(self, index: int) -> Any:
        """The value at ``index``, as a spec file has it."""
        raise NotImplementedError

    def pick(self, ticket: int) -> int:
        """The index of the value that holds ``ticket``, a number from 0 to ``weight - 1``."""
        raise NotImplementedError

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        """The neighbours of the value at ``index``, each with the name of the step to it.

        A name ends in ``up``, ``down`` or ``other``; the names of nested fields precede it.
        """
        return iter(())

    def cross(self, first: int, second: int, from_second: Callable[[], bool]) -> int:
        """The index of a value mixed from two: ``from_second()`` decides for each part."""
        return second if from_second() else first


class Constant(Choices):
    """One value."""

    size = weight = 1

    def __init__(self, value: Any) -> None:
        self.value = value

    def unrank(self, index: int) -> Any:
        return self.value

    def pick(self, ticket: int) -> int:
        return 0


class Range(Choices):
    """The ``size`` numbers ``first``, ``first + step``, ..., all divided by ``unit``.

    All numbers are equally likely; where ``log``, their probability is inversely proportional to
    the number.

    >>> widths = Range(16, 8, 7, log=True)
    >>> widths.unrank(6), [widths.pick(ticket) for ticket in (0, widths.weight - 1)]
    (64, [0, 6])
    >>> Range(15, 5, 4, unit=10).unrank(1)
    2.0
    """

    def __init__(
        self, first: int, step: int, size: int, log: bool = False, unit: int | None = None
    ) -> None:
        self.first, self.step, self.size, self.unit = first, step, size, unit
        self.log = log

    def unrank(self, index: int) -> int | float:
        number = self.first + index * self.step
        return number if self.unit is None else number / self.unit

    @cached_property
    def weights(self) -> Sequence[int]:
        """Weight of each value."""
        if not self.log:
            return [1] * self.size
        numbers = range(self.first, self.first + self.size * self.step, self.step)
        return [_GRAIN * numbers[-1] // number for number in numbers]

    @cached_property
    def _ends(self) -> list[int]:
        """Cumulative weights."""
        return list(accumulate(self.weights))

    @property
    def weight(self) -> int:  # type: ignore[override]
        return self._ends[-1] if self.log else self.size

    def pick(self, ticket: int) -> int:
        return bisect_right(self._ends, ticket) if self.log else ticket

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        length = 1
        while length < self.size:
            if index + length < self.size:
                yield "up", index + length
            if index >= length:
                yield "down", index - length
            length *= 4


class OneOf(Choices):
    """A sum: one of several options, all equally likely; options may be choices themselves.

    >>> either = OneOf([Constant("basic"), Fields({"expansion": Range(1, 1, 4)})])
    >>> either.size, either.unrank(0), either.unrank(4), either.weight
    (5, 'basic', {'expansion': 4}, 8)
    """

    def __init__(self, options: Sequence[Choices]) -> None:
        self.options = options
        self._ends = list(accumulate(option.size for option in options))
        self.size = self._ends[-1]
        # The least common multiple gives each option the same number of tickets.
        self.weight = len(options) * lcm(*(option.weight for option in options))

    def unrank(self, index: int) -> Any:
        number, inner = self.locate(index)
        return self.options[number].unrank(inner)

    def pick(self, ticket: int) -> int:
        inner, number = divmod(ticket, len(self.options))
        option = self.options[number]
        return self._start(number) + option.pick(inner % option.weight)

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        number, inner = self.locate(index)
        for other, option in enumerate(self.options):
            start = self._start(other)
            if other == number:
                for step, neighbour in option.steps(inner):
                    yield step, start + neighbour
            else:
                # The same inner index, so that fields which both options have tend to stay.
                yield "other", start + inner % option.size

    def cross(self, first: int, second: int, from_second: Callable[[], bool]) -> int:
        (number, inner), (other, other_inner) = self.locate(first), self.locate(second)
        if number != other:
            return super().cross(first, second, from_second)
        mixed = self.options[number].cross(inner, other_inner, from_second)
        return self._start(number) + mixed

    def locate(self, index: int) -> tuple[int, int]:
        """The number of the option that ``index`` belongs to, and the index within it."""
        number = bisect_right(self._ends, index)
        return number, index - self._start(number)

    def _start(self, number: int) -> int:
        """The index of the first value of an option."""
        return self._ends[number] - self.options[number].size


class Product(Choices):
    """A value of every part, chosen independently; the last part varies fastest."""

    def __init__(self, parts: Sequence[Choices]) -> None:
        self.parts = parts
        self._sizes = [part.size for part in parts]
        self.size = prod(self._sizes)
        self._weights = [part.weight for part in parts]
        self.weight = prod(self._weights)

    def split(self, index: int) -> list[int]:
        """The index of each part: the digits of ``index`` in the mixed radix of the sizes."""
        return _digits(index, self._sizes)

    def join(self, indexes: Sequence[int]) -> int:
        """The index of the value whose parts stand at ``indexes``; inverse of :meth:`split`."""
        index = 0
        for size, digit in zip(self._sizes, indexes, strict=True):
            index = index * size + digit
        return index

    def unrank(self, index: int) -> Any:
        pairs = zip(self.parts, self.split(index), strict=True)
        return [part.unrank(digit) for part, digit in pairs]

    def pick(self, ticket: int) -> int:
        pairs = zip(self.parts, _digits(ticket, self._weights), strict=True)
        return self.join([part.pick(digit) for part, digit in pairs])

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        for _, step, neighbour in self.steps_by_part(index):
            yield step, neighbour

    def steps_by_part(self, index: int) -> Iterator[tuple[int, str, int]]:
        """The neighbours of the value at ``index``, each after the number of the part that differs
        and the name of the step."""
        digits = self.split(index)
        for number, (part, digit) in enumerate(zip(self.parts, digits, strict=True)):
            for step, neighbour in part.steps(digit):
                changed = [*digits[:number], neighbour, *digits[number + 1 :]]
                yield number, step, self.join(changed)

    def cross(self, first: int, second: int, from_second: Callable[[], bool]) -> int:
        triples = zip(self.parts, self.split(first), self.split(second), strict=True)
        return self.join([part.cross(one, other, from_second) for part, one, other in triples])


class Fields(Product):
    """A mapping whose values are choices.

    >>> block = Fields({"kind": Constant("bottleneck"), "groups": Range(1, 1, 4)})
    >>> block.size, block.unrank(2)
    (4, {'kind': 'bottleneck', 'groups': 3})
    """

    def __init__(self, parts: Mapping[str, Choices]) -> None:
        super().__init__(list(parts.values()))
        self.names = list(parts)

    def unrank(self, index: int) -> dict[str, Any]:
        return dict(zip(self.names, super().unrank(index), strict=True))

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        for number, step, neighbour in self.steps_by_part(index):
            yield f"{self.names[number]} {step}", neighbour


class Same(Choices):
    """One value, repeated at each of several places."""

    def __init__(self, value: Choices, places: int) -> None:
        self.value, self.places = value, places
        self.size, self.weight = value.size, value.weight

    def unrank(self, index: int) -> list[Any]:
        return [self.value.unrank(index)] * self.places

    def pick(self, ticket: int) -> int:
        return self.value.pick(ticket)

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        return self.value.steps(index)

    def cross(self, first: int, second: int, from_second: Callable[[], bool]) -> int:
        return self.value.cross(first, second, from_second)


class Increasing(Choices):
    """A row of numbers, one for each of several places, none smaller than the one before.

    The weight of a row is the product of its numbers' weights: rows are as likely as if each number
    were drawn independently and the rows that decrease were rejected.

    >>> rows = Increasing(Range(1, 1, 3), 2)
    >>> rows.size, [rows.unrank(index) for index in range(6)]
    (6, [[1, 1], [1, 2], [1, 3], [2, 2], [2, 3], [3, 3]])
    """

    def __init__(self, numbers: Range, places: int) -> None:
        self.numbers, self.places = numbers, places
        self._by_index = _SortedRows([1] * numbers.size, places)
        self._by_ticket = _SortedRows(numbers.weights, places) if numbers.log else self._by_index
        self.size, self.weight = self._by_index.weight, self._by_ticket.weight

    def unrank(self, index: int) -> list[int | float]:
        return [self.numbers.unrank(digit) for digit in self._by_index.unrank(index)]

    def pick(self, ticket: int) -> int:
        return self._by_index.rank(self._by_ticket.unrank(ticket))

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        row = self._by_index.unrank(index)
        for place, digit in enumerate(row):
            least = row[place - 1] if place else 0
            most = row[place + 1] if place + 1 < self.places else self.numbers.size - 1
            for step, neighbour in self.numbers.steps(digit):
                if least <= neighbour <= most:
                    yield step, self._by_index.rank([*row[:place], neighbour, *row[place + 1 :]])


class _SortedRows:
    """Rows of digits that never decrease, in lexicographic order.

    The weight of a row is the product of its digits' weights, and the row holds as many consecutive
    ranks.
    """

    def __init__(self, weights: Sequence[int], places: int) -> None:
        self.weights = weights
        # For each place, by its digit: cumulative weight of the rows from that place on.
        self._ends: list[list[int]] = []
        following = [1] * len(weights)  # by digit, weight of all that may follow it
        for _ in range(places):
            starting = [weight * rest for weight, rest in zip(weights, following, strict=True)]
            self._ends.insert(0, list(accumulate(starting)))
            following = list(accumulate(reversed(starting)))[::-1]
        self.weight = self._ends[0][-1]

    def unrank(self, number: int) -> list[int]:
        """The row that holds ``number``."""
        row: list[int] = []
        for ends in self._ends:
            number += ends[row[-1] - 1] if row and row[-1] else 0
            digit = bisect_right(ends, number)
            number -= ends[digit - 1] if digit else 0
            number //= self.weights[digit]
            row.append(digit)
        return row

    def rank(self, row: Sequence[int]) -> int:
        """The inverse of :meth:`unrank` where every weight is 1."""
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
