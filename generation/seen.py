"""Which networks were given already, in sixteen bytes each."""

from __future__ import annotations

from array import array

_FIRST = 1024


class Seen:
    """A set of digests that only grows.

    Sixty-four bits of each are kept, in a table at most half full: of a million networks one is
    taken for another with a chance of 3 in 10^8.

    >>> seen = Seen()
    >>> seen.add("ab" * 32), seen.add("ab" * 32), len(seen)
    (True, False, 1)
    """

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * _FIRST))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, digest: str) -> bool:
        """Whether ``digest`` (hexadecimal) is new."""
        mark = int(digest[:16], 16) or 1  # 0 is an empty place
        if not self._put(mark):
            return False
        self._count += 1
        if 2 * self._count > len(self._table):
            self._grow()
        return True

    def _put(self, mark: int) -> bool:
        table, last = self._table, len(self._table) - 1
        place = mark & last
        while table[place]:
            if table[place] == mark:
                return False
            place = (place + 1) & last
        table[place] = mark
        return True

    def _grow(self) -> None:
        old = self._table
        self._table = array("Q", bytes(16 * len(old)))
        for mark in old:
            if mark:
                self._put(mark)
