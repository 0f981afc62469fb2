"""Transactions, and errors of the store's file with a remedy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import StoreError, printable

_REMEDY = "restore the file from a copy, or choose another --out"
# Names of SQLite's errors, or their beginnings, that are no damage of the file.
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_DISK = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")


class DamagedError(Exception):
    """A record is not what resforge wrote; the text says which one, and why."""


@contextmanager
def transaction(connection: sqlite3.Connection, write: bool = True) -> Iterator[sqlite3.Connection]:
    """Atomic transaction; an exception rolls it back.

    One that is to ``write`` excludes other writers; one that reads sees one state of the store.
    """
    connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # After some errors, such as a full disk, SQLite has already rolled back.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Convert errors of SQLite and damaged records to ``StoreError`` with a remedy."""
    try:
        yield
    except (sqlite3.Error, DamagedError, UnicodeDecodeError) as error:
        # sqlite3 raises the last one where a message quotes damaged bytes.
        raise StoreError(f"{printable(str(path))}: {_explained(error)}") from error


def _explained(error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(_BUSY):
        return (
            f"another process held the store for a minute ({error}): wait for it, then run the"
            " same command"
        )
    if name.startswith(_DISK):
        return (
            f"{error}. Recorded results are kept: free space or make the folder writable, then run"
            " the same command"
        )
    if name == "SQLITE_NOTADB":
        return f"not a results store, or damaged ({error}): {_REMEDY}"
    return f"damaged ({printable(str(error))}): {_REMEDY}"
