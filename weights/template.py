"""Names with numbers in them, such as ``layer{s}.{b}.conv{n}``: read, and written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

_FIELD = re.compile(r"\{(\d*)([a-z]+)([+-]\d+)?\}")
_LEAST = {"s": 1}
"""The first number of a field, where it is not 0."""


class Template:
    """A name with numbers in it.

    ``{b}`` is a number, ``{b+1}`` one more, and ``{3n-3}`` counts in threes. A field that stands
    in two places has one number.

    >>> template = Template("block{s}.block{s}-{b}.{3n-3}")
    >>> template.write({"s": 2, "b": 0, "n": 2})
    'block2.block2-0.3'
    >>> template.read("block2.block2-0.3"), template.read("block2.block2-0.4")
    ({'s': 2, 'b': 0, 'n': 2}, None)
    """

    def __init__(self, text: str) -> None:
        parts = _FIELD.split(text)
        self.literals = parts[::4]
        self.fields = [
            (int(factor or 1), field, int(offset or 0))
            for factor, field, offset in zip(parts[1::4], parts[2::4], parts[3::4], strict=True)
        ]
        self.pattern = re.compile(self._pattern(), re.ASCII)

    def read(self, name: str) -> dict[str, int] | None:
        """The numbers in ``name``; None where it is no name of this kind."""
        match = self.pattern.fullmatch(name)
        if match is None:
            return None
        numbers = {}
        for factor, field, offset in self.fields:
            numbers[field], rest = divmod(int(match[field]) - offset, factor)
            if rest or numbers[field] < _LEAST.get(field, 0):
                return None
        return numbers

    def write(self, numbers: Mapping[str, int]) -> str | None:
        """The name with ``numbers``; None where one would be below 0."""
        text = self.literals[0]
        for (factor, field, offset), literal in zip(self.fields, self.literals[1:], strict=True):
            number = factor * numbers[field] + offset
            if number < 0:
                return None
            text += f"{number}{literal}"
        return text

    def _pattern(self) -> str:
        text, known = re.escape(self.literals[0]), set[str]()
        for (_, field, _), literal in zip(self.fields, self.literals[1:], strict=True):
            number = rf"(?P={field})" if field in known else rf"(?P<{field}>0|[1-9]\d{{0,4}})"
            text += number + re.escape(literal)
            known.add(field)
        return text


@cache
def template(text: str) -> Template:
    """The template of ``text``, made once. Only for the rules of layouts, which are few."""
    return Template(text)
