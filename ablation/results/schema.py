"""Tables of a results store, and the checks before it is used."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import StoreError

#: Version of the format. Format 4 has the tables of format 3; in it, networks have the identities
#: (digests) of resforge 0.2.0.
STORE_FORMAT = 4
# The last format of resforge 0.1.0, to which earlier ones are migrated.
_OLD_IDENTITIES = 3
# "rfsw" in ASCII identifies the file as a results store of resforge.
_APPLICATION_ID = 0x72667377

# ``rank`` is a trial's position in the current plan, NULL for a trial of earlier plans only.
# ``attempt`` increases with every claim; a result with an older attempt is rejected.
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
    """Connection to a store, which is created with ``create`` where there is none.

    Raises ``StoreError`` for a missing store, a file that is not a store, and a store of a newer
    resforge; such a file is left untouched.
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
            # Checked again under the lock: another driver may have created them.
            if not _has_tables(connection):
                for statement in (*_TABLES.split(";"), _RUNS):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {STORE_FORMAT}")
    if not _has_tables(connection):
        raise StoreError(f"{path}: the results store is empty; run the sweep first")
    if _version(connection) < _OLD_IDENTITIES:
        _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    """Migrate format 1 or 2 to format 3; the records stay as they are.

    Format 3 adds the selected step and the validation curve to an outcome. No store is migrated to
    format 4, since the identities of its networks cannot be.
    """
    with transaction(connection):
        if _version(connection) == 1:  # checked under the lock: another process may have migrated
            connection.execute(_RUNS)
        connection.execute(f"PRAGMA user_version = {_OLD_IDENTITIES}")


def check_identities(connection: sqlite3.Connection, path: Path) -> None:
    """Raise ``StoreError`` for a store in which networks have the identities of resforge 0.1.0."""
    if _version(connection) < STORE_FORMAT:
        raise StoreError(
            f"{path}: recorded by resforge 0.1.0, whose identities of networks were other ones:"
            " this version would train every trial again. The results remain readable with"
            " `resforge report`, `resforge sweep status` and `resforge sweep export`; to train with"
            " this version, choose a new folder with --out"
        )


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
            f"{path}: written by a newer resforge (store format {version}, this one reads up to"
            f" {STORE_FORMAT}); it was left untouched: upgrade resforge, or choose another --out"
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Atomic transaction that excludes other writers; an exception rolls it back."""
    connection.execute("BEGIN IMMEDIATE")
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
    """Convert SQLite's errors to ``StoreError`` with a remedy."""
    try:
        yield
    except sqlite3.OperationalError as error:
        message = str(error)
        if "no such" in message:
            raise StoreError(f"{path}: damaged ({message}): choose another --out") from error
        if "locked" in message or "busy" in message:
            raise StoreError(
                f"{path}: another process held the store for a minute ({message}):"
                " wait for it, then run the same command"
            ) from error
        raise StoreError(
            f"{path}: {message}. Recorded results are kept: free space or make the folder writable,"
            " then run the same command"
        ) from error
    except sqlite3.DatabaseError as error:
        raise StoreError(
            f"{path}: not a results store, or damaged ({error}): choose another --out"
        ) from error
