"""Which networks ``resforge generate`` gives, and how they come into a folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ..errors import Fault, SpecError, printable
from .output import followed, say

if TYPE_CHECKING:
    from ..generation import Architecture, Space
    from ..generation.files import Format
    from ..generation.lines import Lines
    from ..generation.shards import Shard

#: Largest space of which every network is listed by a command.
MAX_LISTED = 1_000_000
#: Most options that a command names as absent.
_MAX_ABSENT = 20
#: Points that are looked at to say why a space has no networks.
_SURVEYED = 10_000
#: What each kind of cover counts.
_COUNTED = {"options": "options", "pairs": "options and pairs of options"}


class Selection(Protocol):
    """Some networks of a space, the same each time."""

    summary: dict[str, Any]
    """What is said of them beside their number."""

    def networks(self) -> Iterator[Architecture]:
        """The networks, made lazily. Raises :class:`SpecError` where there is none."""

    def lines(self, lines: Lines) -> Iterator[str]:
        """A line for each of them."""

    def write(self, out: Path, format: Format) -> int:
        """Write them into a folder; how many it holds then."""


class Drawn:
    """The first ``count`` networks of a shard of a seed's sample, or of its guided draws."""

    def __init__(
        self,
        space: Space,
        count: int,
        seed: int,
        tries: int | None,
        guided: bool,
        workers: int,
        shard: Shard,
    ) -> None:
        from ..generation.draws import TRIES

        self._space, self._count = space, min(count, sys.maxsize)
        self._seed = seed
        self._how = TRIES if tries is None else tries, guided, workers
        self._shard = shard
        self.summary: dict[str, Any] = {}

    def networks(self) -> Iterator[Architecture]:
        found = self._space.sample(self._seed, *self._how, *self._shard)
        return islice(found, self._count)

    def lines(self, lines: Lines) -> Iterator[str]:
        from ..generation.digests import DigestSet

        draws = self._space.draws(self._seed, *self._how).part(self._shard)
        found = draws.with_texts(self._shard.number, DigestSet(), lines.line)
        return (text for _, text in islice(found, self._count))

    def write(self, out: Path, format: Format) -> int:
        from ..generation import NetworkFolder

        folder = NetworkFolder(out, self._space, self._seed, format, *self._how, self._shard)
        new = max(0, self._count - folder.count)
        for _ in followed(folder.fill(self._count), new, "networks"):
            pass
        return folder.count


class Listed:
    """The networks that ``found`` gives; ``name`` says which, in the folder that they are in."""

    def __init__(
        self,
        space: Space,
        name: str,
        seed: int,
        found: Callable[[], Iterator[Architecture]],
        most: int,
    ) -> None:
        self._space, self._name, self._seed = space, name, seed
        self._found = found
        self._most = most
        self.summary: dict[str, Any] = {}

    def networks(self) -> Iterator[Architecture]:
        found = self._found()
        first = next(found, None)
        if first is None:
            from ..generation import survey

            looked = survey(self._space, _SURVEYED)
            if looked.within:
                message = f"{self._name} is of no network: no field has several values"
                raise SpecError(Fault("space", message, "free", "leave --cover out"))
            raise looked.misses.error()
        return self._counted(chain([first], found))

    def lines(self, lines: Lines) -> Iterator[str]:
        return map(lines.line, self.networks())

    def _counted(self, found: Iterator[Architecture]) -> Iterator[Architecture]:
        """The networks; afterwards ``summary`` has the number that repeat another, if some do."""
        from ..generation.digests import DigestSet

        digests, count = DigestSet(), 0
        for each in found:
            digests.add(each.digest)
            count += 1
            yield each
        if count > len(digests):
            self.summary["repeated"] = count - len(digests)

    def write(self, out: Path, format: Format) -> int:
        from ..generation import ListedFolder

        folder = ListedFolder(out, self._space, self._name, self._seed, format)
        return sum(1 for _ in followed(folder.fill(self.networks()), self._most, "networks"))


def covering(
    space: Space, cover: Literal["options", "pairs"], seed: int, tries: int | None
) -> Listed:
    """Networks that cover the options of a space, or its pairs of options.

    Messages name the options that stand in none.
    """
    given = {} if tries is None else {"tries": tries}
    found = space.cover(1 if cover == "options" else 2, seed, **given)
    listed = Listed(space, cover, seed, lambda: iter(found.networks), len(found.networks))
    if not found.networks:
        return listed
    listed.summary = {
        "covered": found.covered,
        "absent": [absent._asdict() for absent in found.absent],
    }
    say(f"{found.covered:,} {_COUNTED[cover]} in {len(found.networks):,} networks")
    for absent in found.absent[:_MAX_ABSENT]:
        say(f"absent: {printable(str(absent))}")
    if len(found.absent) > _MAX_ABSENT:
        say(f"absent: {len(found.absent) - _MAX_ABSENT:,} more")
    return listed


def every(space: Space, workers: int, shard: Shard) -> Listed:
    """All networks of a shard of a space in its order; ``workers`` processes look at its points.

    Raises :class:`SpecError` for too many points.
    """
    points = -(-(space.size - shard.number) // shard.of)
    if points > MAX_LISTED:
        message = f"the space has {space.size:,} points, and --all lists at most {MAX_LISTED:,}"
        help = "draw some with --count, free less, or list parts with --shard"
        raise SpecError(Fault("limit", message, "free", help))
    name = "all" if shard.of == 1 else f"all, shard {shard}"
    found = partial(space.enumerate, shard.number, shard.of, workers=workers)
    return Listed(space, name, 0, found, max(points, 0))
