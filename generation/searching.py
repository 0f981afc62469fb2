"""The searches of several draws at the same time."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from .points import Architecture, Miss, Points

Search = Generator[int, Architecture | Miss, Architecture | None]
"""The search of a draw: it asks for points by their indexes, is sent what stands there, and returns
a network, or None. Raises :class:`SpecError` where nothing is found, and what a look raises."""

Found = Architecture | Exception | None
"""What a search returned or raised."""


def search_together(points: Points, searches: Mapping[int, Search]) -> tuple[list[Found], int]:
    """What searches find, given by the numbers of their draws, and how many points they looked at.

    The next points of all searches are looked at together.
    """
    found: dict[int, Found] = dict.fromkeys(searches)
    answers: dict[int, Any] = dict.fromkeys(searches)
    looks = 0
    while True:
        asked: dict[int, int] = {}
        for number, answer in answers.items():
            search = searches[number]
            answer_with: Any = search.throw if isinstance(answer, Exception) else search.send
            try:
                asked[number] = answer_with(answer)
            except StopIteration as end:
                found[number] = end.value
            except Exception as error:
                found[number] = error
        if not asked:
            return [*found.values()], looks
        looks += len(asked)
        looked = points.look_each([(index, number) for number, index in asked.items()])
        answers = dict(zip(asked, looked, strict=True))
