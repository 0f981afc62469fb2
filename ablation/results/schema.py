"""Opening a results store, and the checks before it is used."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from ...errors import StoreError
from .check import check_store
from .disk import DamagedError, disk_errors, transaction
from .planned import note_counts
from .seals import keep_sealed
from .tables import APPLICATION_ID, IDENTITIES, STORE_FORMAT, TABLES, create_tables, version_of

_LOGGER = logging.getLogger(__name__)
#: What a run writes beside its store.
_BESIDE = ("results.csv", "report.html", "checkpoints")


def open_database(path: Path, create: bool) -> sqlite3.Connection:
    """Connection to a store, which is created with ``create`` where there is none.

    Raises ``StoreError`` for a missing store, a file that is not a store, a damaged store, and a
    store of a newer resforge; such a file is left untouched.
    """
    if path.exists() and not path.is_file():
        raise StoreError(f"{path}: not a file, and so no results store; choose another --out")
    if not path.exists():
        if not create:
            raise StoreError(f"{path}: there is no results store; run the sweep first")
    elif path.stat().st_size == 0 and any((path.parent / name).exists() for name in _BESIDE):
        # Alone, it is what a run leaves that was killed before it could create the tables.
        raise StoreError(
            f"{path}: empty, and it held results: restore it from a copy, or remove it"
        )
    with disk_errors(path):
        connection = sqlite3.connect(path, timeout=60.0, isolation_level=None)
        # Bytes that are not UTF-8 are damage that the check is to name.
        connection.text_factory = lambda text: text.decode(errors="surrogateescape")
        try:
            _prepare(connection, path, create)
        except BaseException:
            connection.close()
            raise
    _LOGGER.debug("opened %s", path.absolute())
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, create: bool) -> None:
    _check_version(connection, path)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    if create:
        with transaction(connection):
            # Checked again under the lock: another driver may have created them.
            if not _has_tables(connection):
                if path.stat().st_size:
                    raise DamagedError("too short for a results store")
                create_tables(connection)
    if not _has_tables(connection):
        raise StoreError(f"{path}: the results store is empty; run the sweep first")
    with transaction(connection, write=False):
        check_store(connection)
    if version_of(connection) == STORE_FORMAT:
        keep_sealed(connection)


def make_writable(connection: sqlite3.Connection, path: Path) -> None:
    """Give the records of a store of format 4 their digests, once they have been checked.

    Raises ``StoreError`` for a store in which networks have the identities of resforge 0.1.0.
    """
    version = version_of(connection)
    if version < IDENTITIES:
        raise StoreError(
            f"{path}: recorded by resforge 0.1.0, whose identities of networks were other ones:"
            " this version would train every trial again. The results remain readable with"
            " `resforge report`, `resforge sweep status` and `resforge sweep export`; to train with"
            " this version, choose a new folder with --out"
        )
    with transaction(connection):
        check_store(connection)
        if version_of(connection) < STORE_FORMAT:  # another process may have been first
            _seal(connection)
    keep_sealed(connection)


def _seal(connection: sqlite3.Connection) -> None:
    """Write all records into tables of this format."""
    records = {
        table: connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
        for table, columns in TABLES.items()
    }
    for table in reversed(TABLES):
        connection.execute(f"DROP TABLE {table}")
    create_tables(connection)
    keep_sealed(connection)
    for table, rows in records.items():
        columns = TABLES[table]
        connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            rows,
        )
    if records["meta"]:
        note_counts(connection)


def _has_tables(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    if not _has_tables(connection):
        return
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    version = version_of(connection)
    if application != APPLICATION_ID:
        raise StoreError(f"{path}: not a results store of resforge; choose another --out")
    if version > STORE_FORMAT:
        raise StoreError(
            f"{path}: written by a newer resforge (store format {version}, this one reads up to"
            f" {STORE_FORMAT}); it was left untouched: upgrade resforge, or choose another --out"
        )
