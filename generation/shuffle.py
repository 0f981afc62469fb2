"""Chance that is a function: of a seed and a number, the same in any process, on any machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import shake_128
from math import gcd, isqrt
from typing import TypeVar

Item = TypeVar("Item")

_ROUNDS = 6


class Shuffle:
    """The numbers from 0 to ``size - 1`` in an order of the seed's, any of them on its own.

    A Feistel network over pairs of digits to the base of the root of ``size``; what falls beyond
    ``size`` is sent through again (Black and Rogaway 2002, Ciphers with Arbitrary Finite Domains).

    >>> sorted(Shuffle(10, seed=0)[k] for k in range(10))
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    >>> Shuffle(10**18, seed=0)[10**17]
    513311625148279890
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._base = isqrt(size - 1) + 1 if size > 1 else 1
        self._bytes = self._base.bit_length() // 8 + 1
        # One key for each round.
        self._keys = [shake_128(repr((seed, turn)).encode()) for turn in range(_ROUNDS)]

    def __getitem__(self, number: int) -> int:
        base, length = self._base, self._bytes
        while True:
            left, right = divmod(number, base)
            for key in self._keys:
                turn = key.copy()
                turn.update(right.to_bytes(length, "big"))
                # Eight bytes more than are needed leave no bias.
                thrown = int.from_bytes(turn.digest(length + 8), "big")
                left, right = right, (left + thrown) % base
            number = left * base + right
            if number < self.size:
                return number


class Dice:
    """Throws that follow from a seed, one after another.

    >>> dice = Dice(0, "mutate")
    >>> [dice.below(6) for _ in range(5)]
    [3, 5, 0, 4, 0]
    """

    def __init__(self, *seed: int | str) -> None:
        self._state = shake_128(repr(seed).encode())

    def below(self, size: int) -> int:
        """A number from 0 to ``size - 1``."""
        self._state.update(b"+")
        return int.from_bytes(self._state.digest(size.bit_length() // 8 + 9), "big") % size

    def shuffled(self, items: Sequence[Item]) -> Iterator[Item]:
        """The items in an order of chance, thrown as they are asked for."""
        left = list(items)
        while left:
            yield left.pop(self.below(len(left)))


def stride_over(size: int) -> int:
    """A stride without a common divisor with ``size``, near its golden section: positions that
    follow one another at this stride stay far apart, and all are met.

    >>> stride_over(10), stride_over(1)
    (7, 1)
    """
    stride = max(1, size * 61803398875 // 10**11)
    while gcd(stride, size) > 1:
        stride += 1
    return stride
