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
from functools import cached_property, partial
from itertools import accumulate
from math import lcm, prod
from typing import Any

#: Weight of the least likely value of a logarithmic range, and of the least likely value of an
#: option: rounding changes no probability by more than a thousandth.
GRAIN = 1024


#: Values picked lately whose parts are remembered.
_LATELY = 64
#: Finds the index of the value that holds a ticket.
Picker = Callable[[int], int]


class Lately(dict[int, list[int]]):
    """The digits of values that were picked lately, by their indexes: whoever picks a value asks
    for its digits soon."""

    def note(self, index: int, digits: list[int]) -> None:
        """Remember the digits of a value."""
        if len(self) >= _LATELY:
            self.clear()
        self[index] = digits

    # A copy learns for itself.
    def __reduce__(self) -> tuple[Any, ...]:
        return Lately, ()


#: Gives the value at an index of some choices as a checked spec has it.
Shown = Callable[[int], Any]


class Choices:
    """Values in a fixed order, each at an index from 0 to ``size - 1``."""

    size: int
    """Number of values."""
    weight: int
    """Number of tickets of all values together."""

    def unrank(self, index: int) -> Any:
        """The value at ``index``, as a spec file has it."""
        raise NotImplementedError

    def rank(self, value: Any, shown: Shown) -> int | None:
        """The index of ``value``, as a checked spec has it; None where it is none of the values.

        ``shown`` gives the value at an index in that form, which may be longer than the form of a
        spec file: ``{kind: zero_pad, ...}`` for ``zero_pad``.
        """
        raise NotImplementedError

    def pick(self, ticket: int) -> int:
        """The index of the value that holds ``ticket``, a number from 0 to ``weight - 1``."""
        raise NotImplementedError

    @property
    def picker(self) -> Picker:
        """What picks as :meth:`pick` does, in less time where that is a search in a list."""
        return self.pick

    def by_place(self, index: int, places: int) -> list[int]:
        """A number for each item of the value at ``index``, a list with one for each of so many
        places: where two values have the same number at a place, they have the same item there."""
        return [index] * places

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

    def rank(self, value: Any, shown: Shown) -> int | None:
        return 0 if _equal(shown(0), value) else None

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
        #: Whether some numbers are likelier than others.
        self.weighted = log

    def unrank(self, index: int) -> int | float:
        number = self.first + index * self.step
        return number if self.unit is None else number / self.unit

    def rank(self, value: Any, shown: Shown | None = None) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        index = round((value * (self.unit or 1) - self.first) / self.step)
        return index if 0 <= index < self.size and self.unrank(index) == value else None

    @cached_property
    def weights(self) -> Sequence[int]:
        """Weight of each value."""
        if not self.weighted:
            return [1] * self.size
        numbers = range(self.first, self.first + self.size * self.step, self.step)
        return [GRAIN * numbers[-1] // number for number in numbers]

    @cached_property
    def _ends(self) -> list[int]:
        """Cumulative weights."""
        return list(accumulate(self.weights))

    @property
    def weight(self) -> int:  # type: ignore[override]
        return self._ends[-1] if self.weighted else self.size

    def pick(self, ticket: int) -> int:
        return self.picker(ticket)

    @property
    def picker(self) -> Picker:
        return partial(bisect_right, self._ends) if self.weighted else int

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        length = 1
        while length < self.size:
            if index + length < self.size:
                yield "up", index + length
            if index >= length:
                yield "down", index - length
            length *= 4


class OneOf(Choices):
    """A sum: one of several options, which may be choices themselves; all are equally likely, or as
    likely as whole numbers in ``ratios`` say.

    >>> either = OneOf([Constant("basic"), Fields({"expansion": Range(1, 1, 4)})])
    >>> either.size, either.unrank(0), either.unrank(4), either.weight
    (5, 'basic', {'expansion': 4}, 8)
    >>> [OneOf([Constant("se"), Constant(None)], [1, 3]).pick(ticket) for ticket in range(4)]
    [0, 1, 1, 1]
    """

    def __init__(self, options: Sequence[Choices], ratios: Sequence[int] | None = None) -> None:
        self.options = options
        self.ratios = ratios or [1] * len(options)
        # Each option has some of the slots, by its ratio; slots hold equally many tickets.
        self._slots = list(accumulate(self.ratios))
        self._ends = list(accumulate(option.size for option in options))
        self.size = self._ends[-1]
        self._share = _share([option.weight for option in options])
        self.weight = self._slots[-1] * self._share

    def unrank(self, index: int) -> Any:
        number, inner = self.locate(index)
        return self.options[number].unrank(inner)

    def rank(self, value: Any, shown: Shown) -> int | None:
        for number, option in enumerate(self.options):
            start = self.start(number)
            index = option.rank(value, partial(_shifted, shown, start))
            if index is not None:
                return start + index
        return None

    def pick(self, ticket: int) -> int:
        inner, slot = divmod(ticket, self._slots[-1])
        number = bisect_right(self._slots, slot)
        option = self.options[number]
        exact = self._share % option.weight == 0
        ticket = inner % option.weight if exact else inner * option.weight // self._share
        return self.start(number) + option.pick(ticket)

    @property
    def picker(self) -> Picker:
        if self.size == len(self.options) and self._share == 1:  # values, without a choice in any
            return partial(bisect_right, self._slots)
        return self.pick

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        number, inner = self.locate(index)
        for other, option in enumerate(self.options):
            start = self.start(other)
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
        return self.start(number) + mixed

    def locate(self, index: int) -> tuple[int, int]:
        """The number of the option that ``index`` belongs to, and the index within it."""
        number = bisect_right(self._ends, index)
        return number, index - self.start(number)

    def start(self, number: int) -> int:
        """The index of the first value of an option."""
        return self._ends[number] - self.options[number].size


class Product(Choices):
    """A value of every part, chosen independently; the last part varies fastest."""

    def __init__(self, parts: Sequence[Choices]) -> None:
        self.parts = parts
        self._sizes = [part.size for part in parts]
        self.size = prod(self._sizes)
        self.weight = prod(part.weight for part in parts)
        self._picking = _picking(parts)

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

    def rank(self, value: Any, shown: Shown) -> int | None:
        return self._rank_parts(value, shown, range(len(self.parts)))

    def _rank_parts(self, value: Any, shown: Shown, keys: Sequence[Any]) -> int | None:
        """The index of ``value``, whose parts stand at ``keys``."""
        digits = []
        for number, (part, key) in enumerate(zip(self.parts, keys, strict=True)):
            inner = _item(value, key)
            digit = part.rank(inner, partial(self._shown_part, shown, number, key))
            if digit is None:
                return None
            digits.append(digit)
        index = self.join(digits)
        # What is no part, such as the defaults of a mapping, has to agree, too.
        return index if _equal(shown(index), value) else None

    def _shown_part(self, shown: Shown, number: int, key: Any, digit: int) -> Any:
        digits = [0] * len(self.parts)
        digits[number] = digit
        return _item(shown(self.join(digits)), key)

    def pick(self, ticket: int) -> int:
        index = 0
        for weight, place, pick in self._picking:
            ticket, digit = divmod(ticket, weight)
            index += place * pick(digit)
        return index

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

    def rank(self, value: Any, shown: Shown) -> int | None:
        return self._rank_parts(value, shown, self.names)

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        for number, step, neighbour in self.steps_by_part(index):
            yield f"{self.names[number]} {step}", neighbour


class Point(Product):
    """A list of values for each of some fields, with one for each place that the field has."""

    def __init__(self, lists: Sequence[Choices], places: Sequence[int]) -> None:
        super().__init__(lists)
        #: The choices that are made one by one, and at how many places each says what stands.
        self._made: list[tuple[Choices, int]] = []
        for choices, count in zip(lists, places, strict=True):
            if isinstance(choices, Product):
                self._made += [(part, 1) for part in choices.parts]
            else:
                self._made.append((choices, count))
        self._picking = _picking([choices for choices, _ in self._made])
        self._is_by_place = all(count == 1 for _, count in self._made)
        self._lately = Lately()

    def pick(self, ticket: int) -> int:
        index, digits = 0, []
        for weight, place, pick in self._picking:
            ticket, digit = divmod(ticket, weight)
            digit = pick(digit)
            index += place * digit
            digits.append(digit)
        self._lately.note(index, digits[::-1])
        return index

    def marks(self, index: int) -> list[int]:
        """A number for the value at each place: where two points have the same number at a place,
        they have the same value there."""
        digits = self._lately.get(index)
        if digits is None:
            digits = _digits(index, [choices.size for choices, _ in self._made])
        if self._is_by_place:
            return digits[:]
        marks: list[int] = []
        for digit, (choices, count) in zip(digits, self._made, strict=True):
            marks += choices.by_place(digit, count)
        return marks


class Same(Choices):
    """One value, repeated at each of several places."""

    def __init__(self, value: Choices, places: int) -> None:
        self.value, self.places = value, places
        self.size, self.weight = value.size, value.weight

    def unrank(self, index: int) -> list[Any]:
        return [self.value.unrank(index)] * self.places

    def rank(self, value: Any, shown: Shown) -> int | None:
        if any(not _equal(item, value[0]) for item in value):
            return None
        return self.value.rank(value[0], lambda index: shown(index)[0])

    def pick(self, ticket: int) -> int:
        return self.value.pick(ticket)

    @property
    def picker(self) -> Picker:
        return self.value.picker

    def steps(self, index: int) -> Iterator[tuple[str, int]]:
        return self.value.steps(index)

    def cross(self, first: int, second: int, from_second: Callable[[], bool]) -> int:
        return self.value.cross(first, second, from_second)


def _shifted(shown: Shown, start: int, index: int) -> Any:
    return shown(start + index)


def _item(value: Any, key: Any) -> Any:
    """The part of a value at a key or index; None where it has none."""
    if isinstance(value, dict):
        return value.get(key)
    return value[key] if isinstance(value, list) and key in range(len(value)) else None


def _equal(one: Any, other: Any) -> bool:
    """Equality that tells 1 from true, at the top of values."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _share(weights: Sequence[int]) -> int:
    """Number of tickets of each of several options, equal for all.

    The least common multiple of their weights lets every value of an option keep its probability.
    Where that is huge, as of logarithmic ranges, a number a little larger than the largest weight
    is used, so that nested options stay small; rounding then changes no probability by more than a
    thousandth.

    >>> _share([4, 6]), _share([10007, 10009])
    (12, 10249216)
    """
    most = GRAIN * max(weights)
    return min(lcm(*weights), most)


def _picking(parts: Sequence[Choices]) -> list[tuple[int, int, Picker]]:
    """Of each part, the last first: its weight, what one of its values counts within an index, and
    what picks one."""
    found, place = [], 1
    for part in reversed(parts):
        found.append((part.weight, place, part.picker))
        place *= part.size
    return found


def _digits(number: int, radices: Sequence[int]) -> list[int]:
    digits = []
    for radix in reversed(radices):
        number, digit = divmod(number, radix)
        digits.append(digit)
    return digits[::-1]
