"""Files with a line for each network, read again and cut off where a write was interrupted."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from ..errors import StoreError
from .points import Architecture
from .records import FIGURES, record_of, table_of
from .space import Space


class Lines:
    """``networks.jsonl``: a line of JSON for each network of ``space``, with its spec."""

    file = "networks.jsonl"
    header = ""
    """The first line, where that is no network."""

    def __init__(self, space: Space) -> None:
        self.space = space

    def line(self, found: Architecture) -> str:
        """The line of a network."""
        return json.dumps(record_of(found, self.space), separators=(",", ":")) + "\n"

    def parse(self, line: str) -> tuple[int, str]:
        """Number and digest in a line. Raises ``ValueError`` for what is none."""
        record = json.loads(line)
        if not isinstance(record, dict):
            raise ValueError("no mapping")
        return int(record["number"]), str(record["digest"])

    def read(self, folder: Path) -> Iterator[tuple[int, str, str]]:
        """Number, digest and line of each network in a folder's file.

        A last line without an end is cut off: its write was interrupted. Raises
        :class:`StoreError` for a file that :meth:`line` did not write.
        """
        path, end = folder / self.file, 0
        if not path.exists():
            return
        with path.open("rb+") as file:
            for raw in file:
                if not raw.endswith(b"\n"):
                    break
                try:
                    line = raw.decode()
                    if end or not self.header:
                        yield (*self.parse(line), line)
                    elif line != self.header:
                        raise ValueError("another header")
                except (ValueError, KeyError, TypeError, IndexError, csv.Error):
                    message = f"{path} is damaged after byte {end:,}: choose another --out"
                    raise StoreError(message) from None
                end += len(raw)
            file.truncate(end)

    def append(self, folder: Path, line: str) -> None:
        """Add the ``line`` of a network. Raises :class:`StoreError` where the disk cannot be
        written."""
        path = folder / self.file
        try:
            with path.open("a", encoding="utf-8", newline="") as file:
                file.write((self.header if file.tell() == 0 else "") + line)
        except OSError as error:
            message = f"{path} cannot be written ({error.strerror}): free space"
            raise StoreError(f"{message}, then run the same command") from error


class Table(Lines):
    """``networks.csv``: a row for each network of ``space``, with its figures and choices."""

    file = "networks.csv"

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.header = table_of(space, [])

    def line(self, found: Architecture) -> str:
        return table_of(self.space, [found], header=False)

    def parse(self, line: str) -> tuple[int, str]:
        (row,) = csv.reader([line])
        if len(row) != len(next(csv.reader([self.header]))):
            raise ValueError("another number of columns")
        return int(row[FIGURES.index("number")]), row[FIGURES.index("digest")]


#: The class of each format that is one file for all networks.
LINES = {"jsonl": Lines, "csv": Table}
