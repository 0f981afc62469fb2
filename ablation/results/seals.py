"""Seals: digests beside the values of each record, which show and name a value that has changed.

SQLite checks the structure of its file, not the values in it. The seal of a record holds one digest
for each column, of the value and its place. Triggers renew it whenever resforge writes the record,
after they have checked it. They belong to the connection and are not in the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from hashlib import blake2b

from .tables import TABLES

#: Bytes of the digest of one value: an accidental change is missed once in 2**64 times.
_SIZE = 8

Value = str | int | float | None


def seal(table: str, *row: Value) -> str:
    """Seal of a record, whose first value is its name.

    >>> seal("meta", "text", "a"), seal("meta", "text", "b")
    ('b7821b4800c20cd56bbfd1495a75dae4', 'b7821b4800c20cd5ef28f186bfbb33dd')
    """
    name = row[0]
    return "".join(
        _digest(f"{table}\0{name!r}\0{column}\0{type(value).__name__}\0{value}")
        for column, value in zip(TABLES[table], row, strict=True)
    )


def changed_column(table: str, row: Sequence[Value], sealed: Value) -> str | None:
    """The first column whose value differs from its digest; None if the record is as written."""
    expected = seal(table, *row)
    if sealed == expected:
        return None
    held, width = str(sealed), 2 * _SIZE
    for index, column in enumerate(TABLES[table]):
        part = slice(index * width, (index + 1) * width)
        if held[part] != expected[part]:
            return column
    return "seal"


def changed_records(connection: sqlite3.Connection) -> Iterator[tuple[str, Sequence[Value], str]]:
    """Table, values and changed column of each record that is not as it was written."""
    for table, columns in TABLES.items():
        for *row, sealed in connection.execute(f"SELECT {', '.join(columns)}, seal FROM {table}"):
            column = changed_column(table, row, sealed)
            if column is not None:
                yield table, row, column


def keep_sealed(connection: sqlite3.Connection) -> None:
    """Seal every record that ``connection`` writes, and refuse to write over a changed one."""
    connection.create_function("seal", -1, seal, deterministic=True)
    trigger = "CREATE TEMP TRIGGER IF NOT EXISTS"
    for table, columns in TABLES.items():
        names = ", ".join(columns)
        new, old = (", ".join(f"{of}.{name}" for name in columns) for of in ("NEW", "OLD"))
        renew = f"UPDATE {table} SET seal = seal('{table}', {new}) WHERE rowid = NEW.rowid"
        for statement in (
            f"check_{table} BEFORE UPDATE OF {names} ON main.{table}"
            f" WHEN OLD.seal IS NOT seal('{table}', {old})"
            f" BEGIN SELECT RAISE(ABORT, 'a record of {table} is not as it was written'); END",
            f"renew_{table} AFTER UPDATE OF {names} ON main.{table} BEGIN {renew}; END",
            f"seal_{table} AFTER INSERT ON main.{table} BEGIN {renew}; END",
        ):
            connection.execute(f"{trigger} {statement}")


def _digest(text: str) -> str:
    # Bytes that are not UTF-8 are decoded to surrogates, see open_database.
    return blake2b(text.encode(errors="surrogateescape"), digest_size=_SIZE).hexdigest()
