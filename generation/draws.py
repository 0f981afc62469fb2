"""Networks of a space, drawn at random or listed in order, always lazily."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice

from ..errors import Fault, SpecError
from ..specs.plain import as_count, as_seed
from .digests import DigestSet
from .misses import Misses, many
from .permutation import Permutation, stride_over
from .points import TOGETHER, Architecture, Points
from .searching import Search, search_together
from .shards import WHOLE, Shard
from .sharing import Sent, Text, looked_at
from .workers import Shared

#: Number of rejected points after which a draw is given up, unless another is asked for.
TRIES = 10_000
#: Spaces up to this size are searched completely, so that their end is known exactly.
_SMALL = 16_384


class Draws:
    """The draws of one seed, each of which can be computed alone.

    Draw k looks at positions k, k + s, k + 2s, ... of the seed's permutation of all tickets, up to
    the first legal network within the limits; s is near the golden section of their number. No two
    draws begin at the same ticket.
    """

    #: Draws in a row that one of several processes makes.
    together = TOGETHER
    #: What may find networks that a draw did not find.
    remedy = "draw rare networks with guided (--guided, in a sweep guided: true)"

    def __init__(self, points: Points, seed: int, tries: int = TRIES) -> None:
        self.points = points
        self.count: int = points.choices.weight
        self._order = Permutation(self.count, as_seed("a space", seed))
        self._stride = stride_over(self.count)
        self._small = points.size <= _SMALL
        self._most = as_count("tries", tries)
        self._tries = max(self._most, points.size) if self._small else self._most
        #: Number of draws in a row that may give nothing new.
        self._patience = self._most
        self._workers, self.shard = 1, WHOLE
        #: Draws that search at the same time.
        self._at_once = 1

    def shared(self, workers: int, again: Callable[[], Draws]) -> Draws:
        """The same draws, made by so many processes, each of which makes them ``again``.

        Those of a small space depend on the draws before them: one process makes them.
        """
        self._workers, self._again = as_count("workers", workers), again
        return self

    def part(self, shard: Shard) -> Draws:
        """The same draws, of which those of a shard alone are made in turn."""
        self.shard = shard
        return self

    def index(self, position: int) -> int:
        """The index of the point at a position of the seed's order."""
        return self.points.choices.pick(self._order[position])

    def nth(self, number: int) -> Architecture:
        """The network of draw ``number``, computed without the others.

        Raises :class:`SpecError` where nothing is found, with how near it came, and for a number
        beyond the last draw.
        """
        number = as_count("number", number, 0)
        if number >= self.count:
            message = f"the space has {many(self.count)} draws, and number is {number:,}"
            raise SpecError(Fault("range", message, "number", "count draws from 0"))
        found = next(self._made([number], {}))
        assert found is not None  # nothing was looked at before
        return found

    def __iter__(self) -> Iterator[Architecture]:
        return self.starting_at(0, DigestSet())

    def starting_at(self, start: int, seen: DigestSet) -> Iterator[Architecture]:
        """The networks of draw ``start`` and the draws after it that are not in ``seen``; each is
        added to it."""
        return (found for found, _ in self.with_texts(start, seen))

    def with_texts(
        self, start: int, seen: DigestSet, text: Text | None = None
    ) -> Iterator[tuple[Architecture, str]]:
        """As :meth:`starting_at`, with the ``text`` of each network, which the process makes that
        draws it; empty without."""
        known: dict[int, bool] = {}
        idle = 0
        for found in self._found(start, known, text):
            if found is not None and seen.add(found[0].digest):
                idle = 0
                yield found
            elif (idle := idle + 1) >= self._patience:
                message = f"{idle:,} draws in a row gave nothing new after {len(seen):,} networks"
                raise SpecError(Fault("space", message, "free", "ask for fewer, or free more"))
            if len(known) == self.points.size:
                return

    def _found(
        self, start: int, known: dict[int, bool], text: Text | None
    ) -> Iterator[tuple[Architecture, str] | None]:
        """What draw ``start`` and the draws after it give; see :meth:`_search`."""
        numbers = self.shard.numbers(start, self.count)
        if self._workers > 1 and not self._small:
            make = partial(_searching, self._again, text)
            for sent in Shared(make, numbers, self._workers, self.together):
                yield None if sent is None else (sent.received(self.points), sent.text)
            return
        for found in self._made(numbers, known):
            yield None if found is None else (found, text(found) if text else "")

    def _made(
        self, numbers: Iterable[int], known: dict[int, bool]
    ) -> Iterator[Architecture | None]:
        """What draws give, in turn; see :meth:`_search`."""
        left = iter(numbers)
        while some := [*islice(left, self._at_once)]:
            # No draw of a large space depends on another.
            searches = {n: self._search(n, known if self._small else {}) for n in some}
            found, looks = search_together(self.points, searches)
            for each in found:
                if isinstance(each, Exception):
                    raise each
                yield each
            # Of rare networks, the first would have to wait for all others.
            if not (self._small or self.points.measures):
                self._at_once = max(1, min(TOGETHER, 2 * TOGETHER * len(some) // max(1, looks)))

    def _search(self, number: int, known: dict[int, bool]) -> Search:
        """The network of draw ``number``; None where the draw ends at a point in ``known``.

        ``known`` maps the index of each point that was looked at to whether it is a legal network
        within the limits.
        """
        misses: Misses | None = None
        position = number % self.count
        for _ in range(min(self.count, 20 * self._tries)):
            index = self.index(position)
            position = (position + self._stride) % self.count
            if known.get(index):
                return None
            if index in known:
                continue
            found = yield index
            known[index] = isinstance(found, Architecture)
            if isinstance(found, Architecture):
                return found
            misses = misses or Misses(self.points, self.remedy)
            misses.add(found)
            if misses.count >= self._tries:
                break
        assert misses is not None  # something was looked at
        raise misses.error()


def _searching(
    again: Callable[[], Draws], text: Text | None
) -> Callable[[range], Iterator[Sent | None]]:
    """Makes the draws of one of several processes."""
    draws = again()

    def search(numbers: range) -> Iterator[Sent | None]:
        for found in draws._made(numbers, {}):
            yield None if found is None else Sent.of(found, text)

    return search


def in_order(
    points: Points,
    start: int,
    step: int,
    tries: int | None,
    workers: int,
    again: Callable[[], Points],
) -> Iterator[Architecture]:
    """The networks at ``start``, ``start + step``, ... in the order of the space; see
    :meth:`Space.enumerate`. With ``tries`` one process looks at them."""
    start, step = as_count("start", start, 0), as_count("step", step)
    most = None if tries is None else as_count("tries", tries)
    if as_count("workers", workers) > 1 and most is None:
        yield from looked_at(points, again, range(start, points.size, step), workers)
        return
    misses = Misses(points)
    for found in points.look_through(range(start, points.size, step)):
        if isinstance(found, Architecture):
            misses = Misses(points)
            yield found
        else:
            misses.add(found)
            if most is not None and misses.count >= most:
                raise misses.error(f", up to index {found.index:,}")
