"""Steps within a space: one field at a time, or fields of two parents."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import Fault, SpecError
from .draw import Architecture
from .shuffle import Dice

if TYPE_CHECKING:
    from .space import Space

_TRIES = 1000
_NAMES = {
    ("depth", "up"): "deeper",
    ("depth", "down"): "shallower",
    ("width", "up"): "wider",
    ("width", "down"): "narrower",
    ("stride", "up"): "other stride site",
    ("stride", "down"): "other stride site",
    ("stride_on", "other"): "other stride site",
}


def neighbours(space: Space, parent: Architecture) -> Iterator[Architecture]:
    """The networks of the space that differ from ``parent`` in one field: a number by 1, 4, 16, ...
    steps, a choice by its option."""
    seen = {parent.digest}
    for part, move, index in space.choices.moves_by_part(parent.index):
        found = _look(space, index, _name(space, part, move))
        if found is not None and found.digest not in seen:
            seen.add(found.digest)
            yield found


def mutate(space: Space, parent: Architecture, seed: int) -> Architecture:
    """One of the neighbours by chance: first a field, then one of its steps."""
    dice = Dice("mutate", parent.index, seed)
    steps: dict[int, list[tuple[str, int]]] = {}
    for part, move, index in space.choices.moves_by_part(parent.index):
        steps.setdefault(part, []).append((move, index))
    for part in dice.shuffled(list(steps)):
        for move, index in dice.shuffled(steps[part]):
            found = _look(space, index, _name(space, part, move))
            if found is not None and found.digest != parent.digest:
                return found
    message = "no step from this network stays within the space and its bounds"
    raise space.error(Fault("mutate", message, "free", "free more, or widen the bounds"))


def crossover(space: Space, one: Architecture, other: Architecture, seed: int) -> Architecture:
    """A network each of whose fields is that of either parent, and that is neither."""
    dice = Dice("crossover", one.index, other.index, seed)
    tried = {one.index, other.index}
    for _ in range(_TRIES):
        index = space.choices.cross(one.index, other.index, lambda: dice.below(2) == 1)
        if index in tried:
            continue
        tried.add(index)
        found = _look(space, index, "crossover")
        if found is not None and found.digest not in (one.digest, other.digest):
            return found
    message = "no child of these two is within the space and neither of them"
    raise SpecError(Fault("crossover", message, help="cross networks that differ more, or mutate"))


def _look(space: Space, index: int, move: str) -> Architecture | None:
    found = space.look(index)
    return dataclasses.replace(found, move=move) if isinstance(found, Architecture) else None


def _name(space: Space, part: int, move: str) -> str:
    """What a step is called, after the field that it changes.

    A field's name is the last of its path, or of the names within an option.
    """
    *inside, way = move.split(" ")
    field = inside[-1] if inside else space.template.free[part].path.rpartition(".")[2]
    field = {"widths": "width", "w_0": "width"}.get(field, field)
    word = {"up": "more", "down": "less", "other": "other"}[way]
    return _NAMES.get((field, way), f"{word} {field}")
