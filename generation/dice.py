"""Random numbers that depend on a seed alone, the same in any process and on any machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import shake_128
from typing import TypeVar

Item = TypeVar("Item")


class Dice:
    """A stream of random numbers from a hash of its seed.

    >>> dice = Dice(0, "mutate")
    >>> [dice.below(6) for _ in range(5)]
    [3, 5, 0, 4, 0]
    """

    def __init__(self, *seed: int | str) -> None:
        self._seed = seed
        self._state = shake_128(repr(seed).encode())
        self.rolled = 0
        """How many numbers were drawn."""

    def skip(self, count: int) -> None:
        """Pass over ``count`` numbers."""
        self._state.update(b"+" * count)
        self.rolled += count

    def below(self, size: int) -> int:
        """A number from 0 to ``size - 1``."""
        self.skip(1)
        return int.from_bytes(self._state.digest(size.bit_length() // 8 + 9), "big") % size

    # The state of the hash cannot be pickled or copied deeply.
    def __getstate__(self) -> tuple[tuple[int | str, ...], int]:
        return self._seed, self.rolled

    def __setstate__(self, state: tuple[tuple[int | str, ...], int]) -> None:
        seed, rolled = state
        Dice.__init__(self, *seed)
        self.skip(rolled)

    def shuffled(self, items: Sequence[Item]) -> Iterator[Item]:
        """The items in random order, drawn lazily."""
        left = list(items)
        while left:
            yield left.pop(self.below(len(left)))
