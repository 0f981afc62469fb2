"""Lists whose length is chosen, too: blocks that repeat, each with choices of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .choices import Choices, OneOf, Product, Shown

#: Longest list.
MAX_LENGTH = 256


class Repeat(OneOf):
    """Lists of one of several ``lengths``, in ascending order; every item is one of the values of
    ``item``, chosen for itself.

    >>> from resforge.generation.choices import Constant
    >>> lists = Repeat(OneOf([Constant("basic"), Constant("d2l")]), [1, 2])
    >>> lists.size, [lists.unrank(index) for index in (0, 1, 2, 5)]
    (6, [['basic'], ['d2l'], ['basic', 'basic'], ['d2l', 'd2l']])
    """

    def __init__(
        self, item: Choices, lengths: Sequence[int], ratios: Sequence[int] | None = None
    ) -> None:
        super().__init__([Product([item] * length) for length in lengths], ratios)
        self.item, self.lengths = item, lengths

    def rank(self, value: Any, shown: Shown) -> int | None:
        if not isinstance(value, list) or len(value) not in self.lengths:
            return None
        number = self.lengths.index(len(value))
        start = self.start(number)
        index = self.options[number].rank(value, lambda inner: shown(start + inner))
        return None if index is None else start + index

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        """One item more, which is the last one again; the last item less; or a step of an item."""
        number, inner = self.locate(index)
        for other, step in ((number + 1, "up"), (number - 1, "down")):
            if 0 <= other < len(self.lengths):
                yield step, self.start(other) + self._resized(inner, number, other)
        for step, neighbour in self.options[number].steps(inner):
            yield step, self.start(number) + neighbour

    def _resized(self, inner: int, number: int, other: int) -> int:
        """The index of a list with its last item repeated, or its last items left out."""
        missing = self.lengths[other] - self.lengths[number]
        last = inner % self.item.size
        for _ in range(missing):
            inner = inner * self.item.size + last
        for _ in range(-missing):
            inner //= self.item.size
        return inner

    def cross(self, first: int, second: int, from_second: Callable[[], bool]) -> int:
        """A list as long as either, with each item of either where both have one."""
        (number, inner), (other, other_inner) = self.locate(first), self.locate(second)
        if from_second():
            (number, inner), (other, other_inner) = (other, other_inner), (number, inner)
        option = self.options[number]
        assert isinstance(option, Product)
        fitted = self._resized(other_inner, other, number)
        return self.start(number) + option.cross(inner, fitted, from_second)
