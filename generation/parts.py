"""The parts of a space's networks, and the choices that each depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from ..specs.paths import Path
from .derived import Rule

Marks = Sequence[int]
"""A number for the value at each free place of a network: equal numbers at a place are equal
values."""


class Part:
    """A field of a network, a stage, or a field of a stage, by the ``marks`` that its value depends
    on, which are given by their numbers."""

    def __init__(self, place: Path, marks: Iterable[int]) -> None:
        self.place, self.marks = place, tuple(marks)
        self.name: Any = place[-1]
        self.key: Callable[[Marks], Any] = itemgetter(*self.marks)
        """Those of the marks of a network that its value depends on."""
        self.known: dict[Any, Any] = {}
        """The values that are known, by their keys."""

    # A copy learns for itself.
    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "known": {}}


def parts_of(
    written: Sequence[tuple[Path, int]], derived: Iterable[Path], rules: Sequence[Rule]
) -> list[Part]:
    """The parts that differ between the networks of a space.

    ``written`` has the places of free values, each with the number of its mark, and ``derived``
    those whose values ``rules`` compute from others.
    """
    places = dict.fromkeys(_part_around(place) for place in [*(p for p, _ in written), *derived])
    # What lies in another part is a piece of that one's value.
    outer = [place for place in places if not {place[:1], place[:2]} & ({*places} - {place})]
    return [Part(place, sorted(_marks_of(place, written, rules, set())) or [0]) for place in outer]


def _part_around(place: Path) -> Path:
    """The part that a place lies in."""
    return place[:3] if place[0] == "stages" else place[:1]


def _marks_of(
    place: Path, written: Sequence[tuple[Path, int]], rules: Sequence[Rule], seen: set[Path]
) -> set[int]:
    """The numbers of the marks that the value at a place, or at one of several, depends on."""
    if place in seen:
        return set()
    seen.add(place)
    found = {mark for other, mark in written if _may_meet(place, other)}
    for rule in rules:
        if _may_meet(rule.path, place):
            found |= _marks_of(_source_for(rule, place), written, rules, seen)
    return found


def _source_for(rule: Rule, place: Path) -> Path:
    """Where a rule reads what it writes at a place: its source, with the indexes of that place."""
    indexes = (
        place[depth] if depth < len(place) else "*"
        for depth, part in enumerate(rule.path)
        if part == "*"
    )
    return tuple(next(indexes, part) if part == "*" else part for part in rule.source)


def _may_meet(one: Path, other: Path) -> bool:
    """Whether a place of the one may lie in a place of the other, or be it."""
    return all(a == b or _is_open(a) or _is_open(b) for a, b in zip(one, other, strict=False))


def _is_open(part: str | int) -> bool:
    """Whether a part of a path may stand for several items."""
    return part == "*" or (isinstance(part, int) and part < 0)
