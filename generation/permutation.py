"""A random order of the numbers below any size, each computed on its own.

``random.sample(range(size), k)`` stops at 2^63, has to draw a whole sample to know its last element
and holds it in memory. See docs/design-spaces-theory.md, "The keyed permutation".
"""

from __future__ import annotations

from hashlib import shake_128
from math import gcd, isqrt

_ROUNDS = 6


class Permutation:
    """A permutation of 0, ..., ``size - 1`` that ``seed`` picks, without a table.

    A Feistel network over pairs of digits in base ceil(sqrt(size)), whose domain has base^2 >= size
    elements. A result of ``size`` or more is permuted again until it is below, which leaves a
    permutation of the smaller domain (cycle walking: Black and Rogaway 2002, Ciphers with Arbitrary
    Finite Domains).

    >>> sorted(Permutation(10, seed=0)[k] for k in range(10))
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    >>> Permutation(10**18, seed=0)[10**17]
    513311625148279890
    """

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._base = isqrt(size - 1) + 1 if size > 1 else 1
        self._bytes = self._base.bit_length() // 8 + 1
        self._round_keys = [shake_128(repr((seed, number)).encode()) for number in range(_ROUNDS)]

    def __getitem__(self, number: int) -> int:
        while True:
            number = self._permute(number)
            if number < self.size:
                return number

    def _permute(self, number: int) -> int:
        base, length = self._base, self._bytes
        left, right = divmod(number, base)
        for key in self._round_keys:
            state = key.copy()
            state.update(right.to_bytes(length, "big"))
            # Eight bytes more than the base has make the bias of the remainder negligible.
            mask = int.from_bytes(state.digest(length + 8), "big")
            left, right = right, (left + mask) % base
        return left * base + right


def stride_over(size: int) -> int:
    """A stride that is coprime to ``size`` and near its golden section.

    Positions 0, s, 2s, ... modulo ``size`` stay far apart and meet every number once.

    >>> stride_over(10), stride_over(1)
    (7, 1)
    """
    stride = max(1, size * 61803398875 // 10**11)
    while gcd(stride, size) > 1:
        stride += 1
    return stride
