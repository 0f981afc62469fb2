"""Stores as earlier versions wrote them, made from those of this version."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from resforge.ablation.results.tables import TABLES


def make_old(folder: Path, version: int) -> None:
    """Turn the store in ``folder`` into one of an earlier format, which had no digests."""
    with closing(sqlite3.connect(folder / "results.sqlite", isolation_level=None)) as database:
        for table in TABLES:
            database.execute(f"ALTER TABLE {table} DROP COLUMN seal")
        database.execute("DELETE FROM meta WHERE name = 'counts'")
        if version < 3:
            database.execute("DELETE FROM meta WHERE name = 'images'")
        if version == 1:
            database.execute("DROP TABLE runs")
        database.execute(f"PRAGMA user_version = {version}")
