"""Shards of a sample: parts that machines draw without communicating."""

from __future__ import annotations

from typing import NamedTuple


class Shard(NamedTuple):
    """The draws ``number``, ``number + of``, ``number + 2 of``, ... of a seed.

    The shards 0, ..., ``of - 1`` have every draw between them, and no two have one in common.

    >>> [[*Shard(number, 3).numbers(0, 8)] for number in range(3)]
    [[0, 3, 6], [1, 4, 7], [2, 5]]
    """

    number: int = 0
    of: int = 1

    def numbers(self, start: int, stop: int) -> range:
        """The draws of this shard from ``start`` up to ``stop``, which is not one."""
        return range(start + (self.number - start) % self.of, stop, self.of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


WHOLE = Shard()
