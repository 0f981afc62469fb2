"""Rows of numbers in order: one for each of several places, rising or falling."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from .choices import Choices, Lately, Range, Shown


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
        self._by_index = SortedRows([[1] * numbers.size] * places)
        weighted = SortedRows([numbers.weights] * places) if numbers.weighted else None
        self._by_ticket = weighted or self._by_index
        self.size, self.weight = self._by_index.weight, self._by_ticket.weight
        self._lately = Lately()

    def unrank(self, index: int) -> list[int | float]:
        return [self.numbers.unrank(digit) for digit in self._by_index.unrank(index)]

    def rank(self, value: Any, shown: Shown) -> int | None:
        digits = [digit for item in value if (digit := self.numbers.rank(item)) is not None]
        if len(digits) < self.places or digits != sorted(digits):
            return None
        return self.index_of(digits)

    def pick(self, ticket: int) -> int:
        row = self._by_ticket.unrank(ticket)
        index = self.index_of(row)
        self._lately.note(index, row)
        return index

    def by_place(self, index: int, places: int) -> list[int]:
        row = self._lately.get(index)
        return self.digits(index) if row is None else row[:]

    def digits(self, index: int) -> list[int]:
        """The index of each number among the numbers, in ascending order."""
        return self._by_index.unrank(index)

    def index_of(self, digits: Sequence[int]) -> int:
        """The index of the row of some numbers, given by their own in ascending order; the inverse
        of :meth:`digits`."""
        return self._by_index.rank(digits)

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        row = self.digits(index)
        for place, digit in enumerate(row):
            least = row[place - 1] if place else 0
            most = row[place + 1] if place + 1 < self.places else self.numbers.size - 1
            for step, neighbour in self.numbers.steps(digit):
                if least <= neighbour <= most:
                    yield step, self.index_of([*row[:place], neighbour, *row[place + 1 :]])


class Decreasing(Increasing):
    """A row of numbers, none larger than the one before: an increasing row read from its end.

    >>> rows = Decreasing(Range(1, 1, 3), 2)
    >>> [rows.unrank(index) for index in range(6)]
    [[1, 1], [2, 1], [3, 1], [2, 2], [3, 2], [3, 3]]
    """

    def unrank(self, index: int) -> list[int | float]:
        return super().unrank(index)[::-1]

    def by_place(self, index: int, places: int) -> list[int]:
        return super().by_place(index, places)[::-1]

    def rank(self, value: Any, shown: Shown) -> int | None:
        return super().rank(value[::-1], shown)


class SortedRows:
    """Rows of digits that never decrease, in lexicographic order.

    ``weights`` has the weight of each digit at each place. The weight of a row is the product of
    its digits' weights, and the row holds as many consecutive ranks.
    """

    def __init__(self, weights: Sequence[Sequence[int]]) -> None:
        self.weights = weights
        # For each place, by its digit: cumulative weight of the rows from that place on.
        self._ends: list[list[int]] = []
        following = [1] * len(weights[0])  # by digit, weight of all that may follow it
        for place in reversed(weights):
            starting = [weight * rest for weight, rest in zip(place, following, strict=True)]
            self._ends.insert(0, list(accumulate(starting)))
            following = list(accumulate(reversed(starting)))[::-1]
        self._starts = [[0, *ends[:-1]] for ends in self._ends]
        self.weight = self._ends[0][-1]

    def unrank(self, number: int) -> list[int]:
        """The row that holds ``number``."""
        row: list[int] = []
        digit = 0
        for ends, starts, weights in zip(self._ends, self._starts, self.weights, strict=True):
            number += starts[digit]
            digit = bisect_right(ends, number)
            number = (number - starts[digit]) // weights[digit]
            row.append(digit)
        return row

    def rank(self, row: Sequence[int]) -> int:
        """The inverse of :meth:`unrank` where every weight is 1."""
        number, before = 0, 0
        for starts, digit in zip(self._starts, row, strict=True):
            number += starts[digit] - starts[before]
            before = digit
        return number
