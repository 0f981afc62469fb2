"""The options of a space: what a network can be made of, and the points that have some of them.

An option of a choice is each of its items, and the options within an item; of a range both ends and
the middle; of rows in order those of each place; of what repeats how often it does, and the options
of each time. A field with one value has no options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import singledispatch
from math import prod
from typing import Any, NamedTuple

from ..errors import path_text
from ..text.inline import in_words
from .choices import Choices, Constant, Fields, OneOf, Product, Range, Same
from .regnet import RegNetStages
from .repeated import Repeat
from .rows import Decreasing, Increasing, SortedRows
from .template import Template

#: Where a choice stands in the tree of choices.
Factor = tuple[str | int, ...]
#: The chosen option of some factors.
Wanted = Mapping[Factor, int]
#: End of the factor that is the length of a list.
LENGTH = "length"


class Mark(NamedTuple):
    """An option of a space."""

    factor: Factor
    number: int
    """Which of the factor's options."""
    text: str
    """Field and option, for people: ``stages[0].depth: 3``."""
    needs: tuple[tuple[Factor, int], ...] = ()
    """The options that it lies within."""
    ordered: bool = False
    """Whether smaller numbers of the factor are smaller values."""

    @property
    def items(self) -> tuple[tuple[Factor, int], ...]:
        """Its own choice and those that it lies within."""
        return (*self.needs, (self.factor, self.number))


class Part:
    """Choices whose options are known; by itself one without options."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices

    def marks(self) -> Iterator[Mark]:
        """All options."""
        return iter(())

    def at(self, index: int) -> Iterator[tuple[Factor, int]]:
        """The options that the value at ``index`` has."""
        return iter(())

    def size(self, wanted: Wanted) -> int:
        """Number of values with the wanted options."""
        return self.choices.size

    def index(self, wanted: Wanted, number: int) -> int:
        """The index of one of the values with the wanted options, by its number among them."""
        return number


class _Number(Part):
    """A range: both ends and the middle."""

    def __init__(self, choices: Range, place: _Place) -> None:
        super().__init__(choices)
        self._place = place
        self._digits = _levels(choices.size)

    def marks(self) -> Iterator[Mark]:
        if self.choices.size > 1:
            for number, digit in enumerate(self._digits):
                yield self._place.mark(number, self.choices.unrank(digit), ordered=True)

    def at(self, index: int) -> Iterator[tuple[Factor, int]]:
        if index in self._digits:
            yield self._place.factor, self._digits.index(index)

    def size(self, wanted: Wanted) -> int:
        return 1 if self._place.factor in wanted else self.choices.size

    def index(self, wanted: Wanted, number: int) -> int:
        chosen = wanted.get(self._place.factor)
        return number if chosen is None else self._digits[chosen]


class _Either(Part):
    """One of several items, and the options within it."""

    choices: OneOf

    def __init__(self, choices: OneOf, place: _Place) -> None:
        super().__init__(choices)
        self._place = place
        self._parts = [
            part_of(option, place.within(number)) for number, option in enumerate(choices.options)
        ]

    def marks(self) -> Iterator[Mark]:
        for number, part in enumerate(self._parts):
            if len(self._parts) > 1:
                yield self._place.mark(number, _named(part.choices))
            yield from part.marks()

    def at(self, index: int) -> Iterator[tuple[Factor, int]]:
        number, inner = self.choices.locate(index)
        yield self._place.factor, number
        yield from self._parts[number].at(inner)

    def size(self, wanted: Wanted) -> int:
        return sum(part.size(wanted) for _, part in self._open(wanted))

    def index(self, wanted: Wanted, number: int) -> int:
        for option, part in self._open(wanted):
            size = part.size(wanted)
            if number < size:
                return self.choices.start(option) + part.index(wanted, number)
            number -= size
        raise IndexError(number)

    def _open(self, wanted: Wanted) -> Sequence[tuple[int, Part]]:
        """The items that may be taken."""
        chosen = wanted.get(self._place.factor)
        return [*enumerate(self._parts)] if chosen is None else [(chosen, self._parts[chosen])]


class _Repeated(Part):
    """Lists of several lengths: both ends and the middle of these, and the options of each item."""

    choices: Repeat

    def __init__(self, choices: Repeat, place: _Place) -> None:
        super().__init__(choices)
        self._length = _Place((*place.factor, LENGTH), f"{place.text} length", place.needs)
        self._depth = len(place.factor)
        self._digits = _levels(len(choices.lengths))
        self._items = [
            part_of(choices.item, place.inside(number)) for number in range(choices.lengths[-1])
        ]

    def marks(self) -> Iterator[Mark]:
        if len(self.choices.lengths) > 1:
            for number, digit in enumerate(self._digits):
                yield self._length.mark(number, self.choices.lengths[digit], ordered=True)
        for item in self._items:
            yield from item.marks()

    def at(self, index: int) -> Iterator[tuple[Factor, int]]:
        number, inner = self.choices.locate(index)
        if number in self._digits:
            yield self._length.factor, self._digits.index(number)
        for item, digit in zip(self._items, self._list(number).split(inner), strict=False):
            yield from item.at(digit)

    def size(self, wanted: Wanted) -> int:
        return sum(size for _, size in self._open(wanted))

    def index(self, wanted: Wanted, number: int) -> int:
        for option, size in self._open(wanted):
            if number < size:
                items = self._items[: self.choices.lengths[option]]
                inner = All(self._list(option), items).index(wanted, number)
                return self.choices.start(option) + inner
            number -= size
        raise IndexError(number)

    def _open(self, wanted: Wanted) -> Iterator[tuple[int, int]]:
        """The lengths that the list may have, by number, and how many lists have each."""
        prefix, depth = self._length.factor[:-1], self._depth
        inside = (f[depth] for f in wanted if len(f) > depth and f[:depth] == prefix)
        needed = max((key + 1 for key in inside if isinstance(key, int)), default=1)
        chosen = wanted.get(self._length.factor)
        size = 1
        for position, item in enumerate(self._items, 1):
            size *= item.size(wanted)
            if position < needed or position not in self.choices.lengths:
                continue
            option = self.choices.lengths.index(position)
            if chosen is None or self._digits[chosen] == option:
                yield option, size

    def _list(self, option: int) -> Product:
        found = self.choices.options[option]
        assert isinstance(found, Product)
        return found


class All(Part):
    """Several parts at once."""

    choices: Product

    def __init__(self, choices: Product, parts: Sequence[Part]) -> None:
        super().__init__(choices)
        self._parts = parts

    def marks(self) -> Iterator[Mark]:
        for part in self._parts:
            yield from part.marks()

    def fits(self, factor: Factor, wanted: Wanted) -> bool:
        """Whether the free field of ``factor`` has values with the wanted options."""
        assert isinstance(factor[0], int)
        return self._parts[factor[0]].size(wanted) > 0

    def at(self, index: int) -> Iterator[tuple[Factor, int]]:
        for part, digit in zip(self._parts, self.choices.split(index), strict=True):
            yield from part.at(digit)

    def size(self, wanted: Wanted) -> int:
        return prod(part.size(wanted) for part in self._parts)

    def index(self, wanted: Wanted, number: int) -> int:
        digits = []
        for part in reversed(self._parts):
            number, digit = divmod(number, part.size(wanted))
            digits.append(part.index(wanted, digit))
        return self.choices.join(digits[::-1])


class _Row(Part):
    """Numbers in order: both ends and the middle at each place."""

    choices: Increasing

    def __init__(self, choices: Increasing, places: Sequence[_Place]) -> None:
        super().__init__(choices)
        self._digits = _levels(choices.numbers.size)
        # Decreasing rows are kept in ascending order, from their last place to the first.
        falling = isinstance(choices, Decreasing)
        self._places = places[::-1] if falling else places

    def marks(self) -> Iterator[Mark]:
        if self.choices.numbers.size > 1:
            for place in self._places:
                for number, digit in enumerate(self._digits):
                    yield place.mark(number, self.choices.numbers.unrank(digit), ordered=True)

    def at(self, index: int) -> Iterator[tuple[Factor, int]]:
        for place, digit in zip(self._places, self.choices.digits(index), strict=True):
            if digit in self._digits:
                yield place.factor, self._digits.index(digit)

    def size(self, wanted: Wanted) -> int:
        return self._rows(wanted).weight

    def index(self, wanted: Wanted, number: int) -> int:
        return self.choices.index_of(self._rows(wanted).unrank(number))

    def _rows(self, wanted: Wanted) -> SortedRows:
        allowed = []
        for place in self._places:
            chosen = wanted.get(place.factor)
            ones = [1] * self.choices.numbers.size
            if chosen is not None:
                ones = [int(digit == self._digits[chosen]) for digit in range(len(ones))]
            allowed.append(ones)
        return SortedRows(allowed)


class _Place(NamedTuple):
    """Where a part stands: its factor, its name for people, and the options that it lies within."""

    factor: Factor
    text: str
    needs: tuple[tuple[Factor, int], ...] = ()

    def inside(self, key: str | int) -> _Place:
        """A field or an item of this place."""
        text = f"{self.text}.{key}" if isinstance(key, str) else f"{self.text}[{key}]"
        return _Place((*self.factor, key), text, self.needs)

    def within(self, number: int) -> _Place:
        """This place, where one of its options is taken."""
        needs = (*self.needs, (self.factor, number))
        return _Place((*self.factor, number), self.text, needs)

    def mark(self, number: int, option: Any, ordered: bool = False) -> Mark:
        words = option if isinstance(option, str) else in_words(option)
        return Mark(self.factor, number, f"{self.text}: {words}", self.needs, ordered)


@singledispatch
def part_of(choices: Choices, place: _Place) -> Part:
    """The options of ``choices`` at a place."""
    return Part(choices)


@part_of.register
def _(choices: Range, place: _Place) -> Part:
    return _Number(choices, place)


@part_of.register
def _(choices: OneOf, place: _Place) -> Part:
    return _Either(choices, place)


@part_of.register
def _(choices: Repeat, place: _Place) -> Part:
    return _Repeated(choices, place)


@part_of.register
def _(choices: Product, place: _Place) -> Part:
    keys: Sequence[str | int] = range(len(choices.parts))
    if isinstance(choices, Fields):
        keys = choices.names
    pairs = zip(choices.parts, keys, strict=True)
    return All(choices, [part_of(part, place.inside(key)) for part, key in pairs])


@part_of.register
def _(choices: RegNetStages, place: _Place) -> Part:
    return part_of(choices.numbers, place)


def options_of(template: Template) -> All:
    """The options of a whole space."""
    parts = []
    for number, free in enumerate(template.free):
        choices = free.choices
        whole = _Place((number,), free.path)
        places = [
            _Place((number, each), path_text(place)) for each, place in enumerate(free.places)
        ]
        part: Part
        if isinstance(choices, Same):  # stands at the index of its one value
            part = part_of(choices.value, whole)
        elif isinstance(choices, Increasing):
            part = _Row(choices, places)
        elif isinstance(choices, Product):
            pairs = zip(choices.parts, places, strict=True)
            part = All(choices, [part_of(inner, place) for inner, place in pairs])
        else:
            part = part_of(choices, whole)
        parts.append(part)
    return All(template.choices, parts)


def _levels(size: int) -> list[int]:
    """The first, the middle and the last of some numbers."""
    return [*dict.fromkeys((0, (size - 1) // 2, size - 1))]


def _named(choices: Choices) -> Any:
    """What an item is called: its kind, or its first value."""
    first = choices.unrank(0)
    if isinstance(choices, Constant):
        return first
    return first["kind"] if isinstance(first, dict) and "kind" in first else first
