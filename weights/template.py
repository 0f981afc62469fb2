"""Names with numbers in them, such as ``layer{s}.{b}.conv{n}``: read, and written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

_FIELD = re.compile(r"\{(\d*)([a-z]+)([+-]\d+)?(?::0(\d))?\}")
_NUMBER = re.compile(r"[0-9]+")
_LEAST = {"s": 1}
"""The first number of a field, where it is not 0."""
_MAX_DIGITS = 5


class Spelled(NamedTuple):
    """A name taken apart."""

    shape: str
    """The name with ``#`` for each number."""
    numbers: tuple[str, ...]


@lru_cache(20_000)
def spelled(name: str) -> Spelled:
    """The shape of a name, and its numbers.

    >>> spelled("layer1.0.conv2")
    Spelled(shape='layer#.#.conv#', numbers=('1', '0', '2'))
    """
    return Spelled(_NUMBER.sub("#", name), tuple(_NUMBER.findall(name)))


class Field(NamedTuple):
    """A number of a template: ``factor`` times the number called ``name``, plus ``offset``."""

    name: str
    factor: int
    offset: int
    digits: int
    """The least number of digits, which zeros fill."""

    def read(self, text: str) -> int | None:
        """The number called ``name``; None where ``text`` is not written so."""
        number, rest = divmod(int(text[: _MAX_DIGITS + 1]) - self.offset, self.factor)
        if rest or number < _LEAST.get(self.name, 0) or len(text) > _MAX_DIGITS:
            return None
        return number if self.write(number) == text else None

    def write(self, number: int) -> str | None:
        """The text of the number; None for one below 0."""
        written = self.factor * number + self.offset
        return None if written < 0 else str(written).zfill(self.digits)


class Template:
    """A name with numbers in it.

    ``{b}`` is a number, ``{b+1}`` one more, ``{3n-3}`` counts in threes, and ``{b:02}`` has two
    digits at least. A field that stands in two places has one number.

    >>> template = Template("block{s}.block{s}-{b}.{3n-3}")
    >>> template.write({"s": 2, "b": 0, "n": 2})
    'block2.block2-0.3'
    >>> template.read("block2.block2-0.3"), template.read("block2.block2-0.4")
    ({'s': 2, 'b': 0, 'n': 2}, None)
    """

    def __init__(self, text: str) -> None:
        parts = _FIELD.split(text)
        self.literals = parts[::5]
        self.fields = [
            Field(name, int(factor or 1), int(offset or 0), int(digits or 0))
            for factor, name, offset, digits in zip(
                parts[1::5], parts[2::5], parts[3::5], parts[4::5], strict=True
            )
        ]
        self.shape = "#".join(_NUMBER.sub("#", literal) for literal in self.literals)
        if "##" in self.shape:
            raise ValueError(f"two numbers without a letter between them: {text}")
        self.numbers = tuple(self._numbers())

    def _numbers(self) -> Iterator[Field | str]:
        """The fields, and the numbers that stand for themselves, in order."""
        for number, literal in enumerate(self.literals):
            yield from _NUMBER.findall(literal)
            yield from self.fields[number : number + 1]

    def read(self, name: str) -> dict[str, int] | None:
        """The numbers in ``name``; None where it is no name of this kind."""
        shape, numbers = spelled(name)
        return self.values(numbers) if shape == self.shape else None

    def values(self, numbers: tuple[str, ...]) -> dict[str, int] | None:
        """The numbers of the fields, from those in a name of this shape; None where they differ."""
        if len(numbers) != len(self.numbers):
            return None
        values: dict[str, int] = {}
        for own, text in zip(self.numbers, numbers, strict=True):
            if isinstance(own, str):
                if own != text:
                    return None
            elif (value := own.read(text)) is None or values.setdefault(own.name, value) != value:
                return None
        return values

    def write(self, numbers: Mapping[str, int]) -> str | None:
        """The name with ``numbers``; None where one would be below 0."""
        text = self.literals[0]
        for field, literal in zip(self.fields, self.literals[1:], strict=True):
            number = field.write(numbers[field.name])
            if number is None:
                return None
            text += number + literal
        return text


@cache
def template(text: str) -> Template:
    """The template of ``text``, made once. Only for the rules of layouts, which are few."""
    return Template(text)


class Dictionary:
    """Rules from names to names, found by the shape of a name.

    >>> Dictionary([("conv{n}", "convs.{n-1}")]).first("conv2")
    'convs.1'
    """

    def __init__(self, rules: Iterable[tuple[str, str]]) -> None:
        self.rules: dict[str, list[tuple[Template, Template]]] = {}
        for source, wanted in dict.fromkeys(rules):
            pair = template(source), template(wanted)
            self.rules.setdefault(pair[0].shape, []).append(pair)

    def all(self, name: str, stages: int = 0) -> Iterator[str]:
        """The translations of a name by every rule that reads it."""
        shape, numbers = spelled(name)
        for source, wanted in self.rules.get(shape, ()):
            values = source.values(numbers)
            if values is None:
                continue
            written = wanted.write({"stages": stages, **values})
            if written is not None:
                yield written

    def first(self, name: str, stages: int = 0) -> str | None:
        """The translation by the first rule that reads it; None where none does."""
        return next(self.all(name, stages), None)
