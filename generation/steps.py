"""Neighbours, mutation and crossover within a space."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from ..errors import Fault
from ..specs.plain import as_seed
from .dice import Dice
from .moves import NoChildError
from .points import Architecture, Points

_TRIES = 1000
_NAMES = {
    ("depth", "up"): "deeper",
    ("depth", "down"): "shallower",
    ("blocks", "up"): "deeper",
    ("blocks", "down"): "shallower",
    ("width", "up"): "wider",
    ("width", "down"): "narrower",
    ("stride", "up"): "other stride site",
    ("stride", "down"): "other stride site",
    ("stride_on", "other"): "other stride site",
}


def neighbours(points: Points, parent: Architecture) -> Iterator[Architecture]:
    """The networks that differ from ``parent`` in one field: a number by 1, 4, 16, ... steps, a
    choice by its option."""
    seen = {parent.digest}
    for part, step, index in points.choices.steps_by_part(parent.index):
        found = _look(points, index, _name(points, part, step), parent)
        if found is not None and found.digest not in seen:
            seen.add(found.digest)
            yield found


def mutate(points: Points, parent: Architecture, seed: int) -> Architecture:
    """A random neighbour: first a field is chosen, then one of its steps."""
    dice = Dice("mutate", parent.index, as_seed("mutate", seed))
    steps: dict[int, list[tuple[str, int]]] = {}
    for part, step, index in points.choices.steps_by_part(parent.index):
        steps.setdefault(part, []).append((step, index))
    for part in dice.shuffled(list(steps)):
        for step, index in dice.shuffled(steps[part]):
            found = _look(points, index, _name(points, part, step), parent)
            if found is not None and found.digest != parent.digest:
                return found
    message = "no step from this network leads to another within the limits"
    fault = Fault("mutate", message, "free", "free more fields, or widen the limits")
    raise NoChildError(points.error(fault).faults)


def crossover(points: Points, one: Architecture, other: Architecture, seed: int) -> Architecture:
    """A network with each field of either parent, and the digest of neither."""
    dice = Dice("crossover", one.index, other.index, as_seed("crossover", seed))
    tried = {one.index, other.index}
    for _ in range(_TRIES):
        index = points.choices.cross(one.index, other.index, lambda: dice.below(2) == 1)
        if index in tried:
            continue
        tried.add(index)
        found = _look(points, index, "crossover", one, other)
        if found is not None and found.digest not in (one.digest, other.digest):
            return found
    message = "no child of these two is within the limits and differs from both"
    raise NoChildError(
        Fault("crossover", message, help="cross networks that differ more, or mutate")
    )


def _look(points: Points, index: int, move: str, *parents: Architecture) -> Architecture | None:
    found = points.look(index)
    if not isinstance(found, Architecture):
        return None
    digests = tuple(parent.digest for parent in parents)
    return dataclasses.replace(found, move=move, parents=digests)


def _name(points: Points, part: int, step: str) -> str:
    """The public name of a step, from the field that it changes.

    The field is the innermost one named in ``step``, or else the last of the free path.
    """
    *inside, direction = step.split(" ")
    field = inside[-1] if inside else points.template.free[part].path.rpartition(".")[2]
    field = {"widths": "width", "w_0": "width"}.get(field, field)
    word = {"up": "more", "down": "less", "other": "other"}[direction]
    return _NAMES.get((field, direction), f"{word} {field}")
