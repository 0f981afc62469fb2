"""The tables of a results store, and the checks before anything in it is touched."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import StoreError

STORE_FORMAT = 3
# "rfsw" in ASCII: says to any tool, and to us, whose file this is.
_APPLICATION_ID = 0x72667377

# ``rank`` is a trial's place in the present plan, NULL where only an earlier plan wanted it.
# ``attempt`` rises with every claim: whoever comes back with an older one is too late.
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE arms (
    position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, labels TEXT NOT NULL,
    digest TEXT NOT NULL, params INTEGER NOT NULL, macs INTEGER NOT NULL,
    depth INTEGER NOT NULL, spec TEXT NOT NULL
);
CREATE TABLE trials (
    key TEXT PRIMARY KEY, digest TEXT NOT NULL, seed INTEGER NOT NULL, rank INTEGER,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'finished')),
    attempt INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0,
    owner TEXT, lease REAL
);
CREATE INDEX trials_by_rank ON trials (state, rank);
CREATE TABLE results (
    key TEXT PRIMARY KEY REFERENCES trials (key), status TEXT NOT NULL,
    attempt INTEGER NOT NULL, recorded TEXT NOT NULL, outcome TEXT NOT NULL
);
CREATE TABLE drivers (owner TEXT PRIMARY KEY, plan TEXT NOT NULL, lease REAL NOT NULL);
"""
# Since format 2: the manifest of each run.
_RUNS = "CREATE TABLE runs (owner TEXT PRIMARY KEY, started TEXT NOT NULL, manifest TEXT NOT NULL)"


def open_database(path: Path, create: bool) -> sqlite3.Connection:
    """A connection to a store of this format.

    Raises ``StoreError`` where there is none, and for a file that is not a store or that a newer
    resforge wrote; such a file is left untouched.
    """
    if not create and not path.exists():
        raise StoreError(f"{path}: there is no results store; run the sweep first")
    with disk_errors(path):
        connection = sqlite3.connect(path, timeout=60.0, isolation_level=None)
        try:
            _prepare(connection, path, create)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, create: bool) -> None:
    _check_version(connection, path)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA foreign_keys = ON")
    if create:
        with transaction(connection):
            # Looked at again under the lock: another driver may have been first.
            if not _has_tables(connection):
                for statement in (*_TABLES.split(";"), _RUNS):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {STORE_FORMAT}")
    if not _has_tables(connection):
        raise StoreError(f"{path}: the results store is empty; run the sweep first")
    if _version(connection) < STORE_FORMAT:
        _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    """From an earlier format to this one; what is recorded stays as it is.

    Format 3 says in an outcome which step was tested, and how images set aside fared.
    """
    with transaction(connection):
        if _version(connection) == 1:  # still: another process may have been first
            connection.execute(_RUNS)
        connection.execute(f"PRAGMA user_version = {STORE_FORMAT}")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    if not _has_tables(connection):
        return
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    version = _version(connection)
    if application != _APPLICATION_ID:
        raise StoreError(f"{path}: not a results store of resforge; choose another --out")
    if version > STORE_FORMAT:
        raise StoreError(
            f"{path}: written by a newer resforge (store format {version}, this one knows"
            f" {STORE_FORMAT}); it was left untouched: upgrade resforge, or choose another --out"
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of what is inside or none of it, and nobody else's writes in between."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has already rolled back by itself after some errors, a full disk among them.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """SQLite's errors as ``StoreError``, each with its mend."""
    try:
        yield
    except sqlite3.OperationalError as error:
        told = str(error)
        if "no such" in told:
            raise StoreError(f"{path}: damaged ({told}): choose another --out") from error
        if "locked" in told or "busy" in told:
            raise StoreError(
                f"{path}: another process held the store for a minute ({told}):"
                " wait for it, then run the same command"
            ) from error
        raise StoreError(
            f"{path}: {told}. What was recorded is kept: free space or make the folder writable,"
            " then run the same command"
        ) from error
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path}: not a results store, or damaged ({error}): choose another --out"
        ) from error
