"""Networks as other processes send them: by their index, without their specs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from ..planner.figures import Figures
from .points import Architecture, Miss, Points
from .workers import Shared

Text = Callable[[Architecture], str]
"""Writes a network down."""


class Sent(NamedTuple):
    """A network of a space that both processes know."""

    number: int
    place: int
    """Its index."""
    digest: str
    figures: tuple[int, int, int, int, int]
    text: str

    @classmethod
    def of(cls, found: Architecture, text: Text | None = None) -> Sent:
        """What is sent of a network, its text included: written by the process that has its
        spec."""
        sums = found.params, found.macs, found.activations, found.depth, found.receptive_field
        written = text(found) if text else ""
        return cls(found.number, found.index, found.digest, sums, written)

    def received(self, points: Points) -> Architecture:
        """The network. Its spec is put together again where somebody asks for it: that would take
        most of the time that a network takes here."""
        make, figures = partial(points.template.spec_at, self.place), Figures._make(self.figures)
        return Architecture.unmade(make, self.number, self.place, self.digest, figures)


def looked_at(
    points: Points, again: Callable[[], Points], indexes: range, workers: int
) -> Iterator[Architecture]:
    """The networks at ``indexes``, in their order; each process makes the points ``again``."""
    for found in Shared(partial(_looking, again), indexes, workers):
        if found is not None:
            yield found.received(points)


def _looking(again: Callable[[], Points]) -> Callable[[range], Iterator[Sent | None]]:
    points = again()

    def look(indexes: range) -> Iterator[Sent | None]:
        for found in points.look_through(indexes):
            yield None if isinstance(found, Miss) else Sent.of(found)

    return look
