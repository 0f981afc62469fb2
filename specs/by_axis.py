"""Fields with one number for all axes, or a list with one for each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from .base import PLAIN, Spec
from .paths import Path

ONE: Final = "a number"
WORD: Final = "a word"
LISTED: Final = "for each axis"
WAYS: Final = (ONE, WORD, LISTED)
"""The ways to write a number, as places of pydantic's errors name them."""


class NumberOr:
    """The annotation of a field with a number or a word, each with errors of its own."""

    def __init__(self, number: Any, word: Any) -> None:
        self.number, self.word = number, word

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        number = handler.generate_schema(self.number)
        choices = {ONE: number, WORD: handler.generate_schema(self.word)}
        return core_schema.tagged_union_schema(choices, _kind_of)


class ByAxis:
    """The annotation of a field with one number for all axes, or a list with one for each.

    ``numbers`` is what may stand in the list.
    """

    def __init__(self, numbers: Any) -> None:
        self.numbers = numbers

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        number = handler.generate_schema(self.numbers)
        listed = core_schema.tuple_variable_schema(number, min_length=1, max_length=3, strict=False)
        choices = {ONE: handler(source), LISTED: listed}
        return core_schema.tagged_union_schema(choices, _way)


def _kind_of(value: Any) -> str:
    return WORD if isinstance(value, str) else ONE


def _way(value: Any) -> str:
    return LISTED if isinstance(value, list | tuple) else ONE


def is_plain(part: Spec, dims: int) -> bool:
    """Whether no part of it holds a list by axis, and all are for so many axes.

    False where only a closer look can say so. This look costs a fifth of :func:`parts_of`.
    """
    if dims not in part.legal_dims:
        return False
    for value in part.__dict__.values():
        kind: Any = type(value)
        if kind in PLAIN:
            continue
        if kind is tuple:
            for item in value:
                of: Any = type(item)
                if not _is_part(of) or not is_plain(item, dims):
                    return False
        elif _is_part(kind) and not is_plain(value, dims):
            return False
    return True


@cache
def _is_part(kind: Any) -> bool:
    return issubclass(kind, Spec)


def parts_of(part: Spec, path: Path = ()) -> Iterator[tuple[Path, Spec]]:
    """Every part of a spec with its path, itself first."""
    yield path, part
    for name, value in part.__dict__.items():
        if type(value) in PLAIN:
            continue
        if isinstance(value, Spec):
            yield from parts_of(value, (*path, name))
        elif type(value) is tuple:
            yield from _parts_in(value, (*path, name))


def _parts_in(items: tuple[Any, ...], path: Path) -> Iterator[tuple[Path, Spec]]:
    for index, item in enumerate(items):
        if isinstance(item, Spec):
            yield from parts_of(item, (*path, index))
        elif type(item) is tuple:
            yield from _parts_in(item, (*path, index))


def lists_of(part: Spec) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The fields of one part that hold a list of numbers by axis."""
    names = fields_by_axis(type(part))
    for name in names:
        value = part.__dict__[name]
        if type(value) is tuple:
            yield name, value


@lru_cache(1024)
def fields_by_axis(model: type[Spec]) -> tuple[str, ...]:
    """The fields of a model that may hold a list of numbers by axis."""
    return tuple(
        name
        for name in model.model_fields
        if any(isinstance(mark, ByAxis) for mark in _marks(model, name))
    )


def _marks(model: type[Spec], name: str) -> Iterator[Any]:
    field = model.model_fields[name]
    yield from field.metadata
    yield from _inside(field.annotation)


def _inside(annotation: Any) -> Iterator[Any]:
    """The marks of an annotation, through unions."""
    yield from getattr(annotation, "__metadata__", ())
    for argument in getattr(annotation, "__args__", ()):
        yield from _inside(argument)
