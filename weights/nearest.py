"""From operations that nearly have the layers which show to one that has them.

One field after another is given the value with which fewest layers differ, until none does or
nothing helps any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from pydantic import ValidationError

from ..errors import SpecError
from ..specs.operation import Operation
from .values import Numbers, values_of

T = TypeVar("T", bound=Operation)
Cost = tuple[float, float]
"""Layers that differ, and settings of modules that do."""
SAME: Cost = (0.0, 0.0)
ROUNDS = 3
"""Times that every field is looked at: a second look is needed where fields depend on others."""


def nearest(start: T, cost: Callable[[T], Cost], numbers: Numbers) -> tuple[T, Cost]:
    """The operation of the kind of ``start`` that is found, and its cost.

    Fields depend on each other, so they are looked at in both orders.
    """
    fields = [name for name in type(start).model_fields if name != "kind"]
    best, least = _descend(start, cost, numbers, fields)
    if least == SAME:
        return best, least
    return min((best, least), _descend(start, cost, numbers, fields[::-1]), key=itemgetter(1))


def _descend(
    start: T, cost: Callable[[T], Cost], numbers: Numbers, fields: Sequence[str]
) -> tuple[T, Cost]:
    best, least = start, cost(start)
    for _ in range(ROUNDS):
        before = least
        for name in fields:
            if least == SAME:
                return best, least
            annotation = type(start).model_fields[name].annotation
            for other in _changed(best, name, values_of(annotation, numbers)):
                if (found := cost(other)) < least:
                    best, least = other, found
        if least == before:
            break
    return best, least


def _changed(op: T, name: str, values: Iterable[Any]) -> list[T]:
    """``op`` with each of ``values`` that is legal, in place of its field ``name``."""
    tree, found = op.model_dump(mode="json"), []
    for value in values:
        if value != tree[name]:
            try:
                found.append(type(op)(**{**tree, name: value}))
            except (ValidationError, SpecError):
                continue
    return found
