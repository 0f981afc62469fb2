"""A distance between networks."""

from __future__ import annotations

from collections.abc import Iterator
from math import copysign, log2
from typing import Any

from ..specs.canonical import canonical
from ..specs.network import ResNetSpec

Place = tuple[str | int, ...]
Leaves = dict[Place, Any]


def distance(one: ResNetSpec, other: ResNetSpec) -> float:
    """Distance between two networks, in blocks that differ.

    A block that only one of the two has counts 1, and so does a block with a field that is not a
    number and differs. Numbers count by their ratio: one twice as large counts nearly 1. Stem,
    norm, head and the other parts count as one block each. The distance is a metric: it is 0 only
    between networks of one digest, symmetric, and satisfies the triangle inequality.

    >>> import resforge as rf
    >>> distance(rf.load("resnet18"), rf.load("resnet34"))
    8.0
    >>> distance(rf.load("resnet50"), rf.load("resnet50").replace({"head.num_classes": 10}))
    1.0
    """
    first, second = dict(_units(canonical(one))), dict(_units(canonical(other)))
    places = {*first, *second}
    return sum(_apart(first.get(place), second.get(place)) for place in sorted(places))


def _units(tree: dict[str, Any]) -> Iterator[tuple[tuple[str, int, int], Leaves]]:
    for name, part in tree.items():
        if name != "stages":
            yield (name, 0, 0), dict(_leaves(part, ()))
            continue
        for stage, blocks in enumerate(part):
            for number, block in enumerate(blocks):
                yield (name, stage, number), dict(_leaves(block, ()))


def _leaves(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*place, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, (*place, index))
    else:
        yield place, value


def _apart(one: Leaves | None, other: Leaves | None) -> float:
    if one is None or other is None:
        return 1.0
    total = 0.0
    for place in {*one, *other}:
        if place not in one or place not in other:
            return 1.0
        total += _differ(one[place], other[place])
    return min(1.0, total)


def _differ(one: Any, other: Any) -> float:
    if type(one) is type(other) and one == other:
        return 0.0
    if _is_number(one) and _is_number(other):
        return min(1.0, abs(_log(one) - _log(other)))
    return 1.0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _log(number: float) -> float:
    return copysign(log2(1 + abs(number)), number)
