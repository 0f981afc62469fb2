"""Tables of a results store, and the versions of their format."""

from __future__ import annotations

import sqlite3
from functools import lru_cache

#: Version of the format. Since format 5 each record has a digest; formats 3 and 4 have the same
#: tables, and in format 4 networks have the identities (digests) of resforge 0.2.0.
STORE_FORMAT = 5
#: The first format with the identities of resforge 0.2.0; earlier stores are only read.
IDENTITIES = 4
#: The first format with a manifest of each run.
MANIFESTS = 2
#: "rfsw" in ASCII identifies the file as a results store of resforge.
APPLICATION_ID = 0x72667377

#: Columns of each table; the first one is the name of a record. ``rank`` is a trial's position in
#: the current plan, NULL for a trial of earlier plans only. ``attempt`` increases with every claim;
#: a result with an older attempt is rejected.
TABLES: dict[str, dict[str, str]] = {
    "meta": {"name": "TEXT PRIMARY KEY", "value": "TEXT NOT NULL"},
    "arms": {
        "position": "INTEGER PRIMARY KEY",
        "name": "TEXT NOT NULL UNIQUE",
        "labels": "TEXT NOT NULL",
        "digest": "TEXT NOT NULL",
        "params": "INTEGER NOT NULL",
        "macs": "INTEGER NOT NULL",
        "depth": "INTEGER NOT NULL",
        "spec": "TEXT NOT NULL",
    },
    "trials": {
        "key": "TEXT PRIMARY KEY",
        "digest": "TEXT NOT NULL",
        "seed": "INTEGER NOT NULL",
        "rank": "INTEGER",
        "state": "TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'finished'))",
        "attempt": "INTEGER NOT NULL DEFAULT 0",
        "crashes": "INTEGER NOT NULL DEFAULT 0",
        "owner": "TEXT",
        "lease": "REAL",
    },
    "results": {
        "key": "TEXT PRIMARY KEY REFERENCES trials (key)",
        "status": "TEXT NOT NULL",
        "attempt": "INTEGER NOT NULL",
        "recorded": "TEXT NOT NULL",
        "outcome": "TEXT NOT NULL",
    },
    "drivers": {
        "owner": "TEXT PRIMARY KEY",
        "plan": "TEXT NOT NULL",
        "lease": "REAL NOT NULL",
    },
    "runs": {
        "owner": "TEXT PRIMARY KEY",
        "started": "TEXT NOT NULL",
        "manifest": "TEXT NOT NULL",
    },
}


def create_tables(connection: sqlite3.Connection) -> None:
    """Create the empty tables of :data:`STORE_FORMAT`."""
    for table, columns in TABLES.items():
        own = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        connection.execute(f"CREATE TABLE {table} ({own}, seal TEXT NOT NULL DEFAULT '')")
    connection.execute("CREATE INDEX trials_by_rank ON trials (state, rank)")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {STORE_FORMAT}")


def version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def tables_of(connection: sqlite3.Connection) -> set[tuple[str, ...]]:
    """Type, name, table and SQL of everything that the file defines."""
    query = "SELECT type, name, tbl_name, sql FROM main.sqlite_master"
    return set(connection.execute(query).fetchall())


@lru_cache(maxsize=1)
def expected_tables() -> frozenset[tuple[str, ...]]:
    """What :func:`tables_of` returns for a new store."""
    connection = sqlite3.connect(":memory:")
    try:
        create_tables(connection)
        return frozenset(tables_of(connection))
    finally:
        connection.close()
