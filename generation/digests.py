"""A set of digests in 16 to 32 bytes each."""

from __future__ import annotations

from array import array

_FIRST = 1024


class DigestSet:
    """A set of digests that only grows.

    An open-addressing hash table, at most half full, of the first 64 bits of each digest: among a
    million networks two are confused with a probability of 3 in 10^8.

    >>> digests = DigestSet()
    >>> digests.add("ab" * 32), digests.add("ab" * 32), len(digests)
    (True, False, 1)
    """

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * _FIRST))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Bytes of its table."""
        return 8 * len(self._table)

    def add(self, digest: str) -> bool:
        """Add ``digest`` (hexadecimal); whether it is new."""
        key = int(digest[:16], 16) or 1  # 0 marks an empty slot
        if not self._insert(key):
            return False
        self._count += 1
        if 2 * self._count > len(self._table):
            self._grow()
        return True

    def _insert(self, key: int) -> bool:
        table, mask = self._table, len(self._table) - 1
        slot = key & mask
        while table[slot]:
            if table[slot] == key:
                return False
            slot = (slot + 1) & mask
        table[slot] = key
        return True

    def _grow(self) -> None:
        old = self._table
        self._table = array("Q", bytes(16 * len(old)))
        for key in old:
            if key:
                self._insert(key)
