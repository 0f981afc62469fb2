"""The check of a whole store, before anything in it is used."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from ...errors import printable
from .contents import (
    check_types,
    parse_arm,
    parse_images,
    parse_manifest,
    parse_outcome,
    parse_sweep,
    parse_tested,
    parse_time,
)
from .disk import DamagedError
from .owner import Owner
from .planned import plan_counts
from .seals import changed_records
from .tables import MANIFESTS, STORE_FORMAT, TABLES, expected_tables, tables_of, version_of


def check_store(connection: sqlite3.Connection) -> None:
    """Raise :class:`DamagedError` for a store that is not as resforge wrote it.

    Where records have no digests, in stores of earlier formats, each value is checked to be one
    that resforge could have written.
    """
    sealed = version_of(connection) == STORE_FORMAT
    if sealed:  # first, since it says more than SQLite's own check
        _check_seals(connection)
    (integrity,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if integrity != "ok":
        raise DamagedError(integrity)
    if sealed:
        _check_counts(connection)
    else:
        _check_contents(connection)
    _check_results(connection)


def _check_seals(connection: sqlite3.Connection) -> None:
    if tables_of(connection) != expected_tables():
        raise DamagedError("its tables are not those of a store")
    for changed in changed_records(connection):
        raise DamagedError(_named(connection, *changed))


def _named(connection: sqlite3.Connection, table: str, row: Sequence[Any], column: str) -> str:
    """Description of a changed value."""
    name = printable(str(row[0])[:80])
    subjects = {
        "meta": f"{name!r} of the plan",
        "arms": f"arm {printable(str(row[1])[:80])!r}",
        "trials": f"trial {name}{_whose(connection, row[0])}",
        "results": f"the result of trial {name}{_whose(connection, row[0])}",
    }
    value = "the record" if column == "seal" else f"its {column}"
    return f"{subjects.get(table, f'a record of {table}')}: {value} is not as it was written"


def _whose(connection: sqlite3.Connection, key: Any) -> str:
    """Arm and seed of a trial, as far as they can be read."""
    query = "SELECT name, seed FROM trials JOIN arms USING (digest) WHERE key = ? LIMIT 1"
    try:
        found = connection.execute(query, (key,)).fetchone()
    except UnicodeEncodeError:  # a key whose bytes are no text any more
        return ""
    return f" ({printable(str(found[0]))}, seed {found[1]})" if found else ""


def _check_counts(connection: sqlite3.Connection) -> None:
    """Records that are gone altogether leave no digest behind, but are counted."""
    meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    wanted = {"sweep", "text", "fingerprint", "images", "counts"}
    # Stores of earlier versions do not hold the number of test images.
    if meta and meta.keys() - {"tested"} != wanted:
        raise DamagedError(f"{', '.join(sorted(meta.keys() ^ wanted))} of the plan")
    counts = plan_counts(connection)
    planned = json.loads(meta["counts"]) if meta else [0, 0]
    if counts != planned:
        found, all_ = (f"{arms} arms and {trials} trials" for arms, trials in (counts, planned))
        raise DamagedError(f"{found} of {all_}")


def _check_results(connection: sqlite3.Connection) -> None:
    """Exactly the finished trials have a result."""
    query = (
        "SELECT key, state FROM trials LEFT JOIN results USING (key)"
        " WHERE (state = 'finished') IS NOT (outcome NOT NULL)"
        " UNION SELECT key, NULL FROM results WHERE key NOT IN (SELECT key FROM trials) LIMIT 1"
    )
    for key, state in connection.execute(query):
        what = "a finished one without a result" if state == "finished" else "a result too many"
        raise DamagedError(f"trial {printable(str(key)[:80])}: {what}")


def _check_contents(connection: sqlite3.Connection) -> None:
    if any("seal" in (sql or "") for *_, sql in tables_of(connection)):
        raise DamagedError("the number of its format")
    rows = {
        table: connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
        for table, columns in TABLES.items()
        if table != "runs" or version_of(connection) >= MANIFESTS
    }
    for table, records in rows.items():
        for row in records:
            check_types(table, row)
    _check_plan(dict(rows["meta"]))
    arms = [parse_arm(*row[1:]) for row in rows["arms"]]
    if len({tuple(axis for axis, _ in arm.labels) for arm in arms}) > 1:
        raise DamagedError("the arms have different axes")
    for key, status, _, recorded, outcome in rows["results"]:
        parse_time(f"trial {key}", recorded)
        if parse_outcome(key, outcome).status != status:
            raise DamagedError(f"status of trial {key}: its outcome has another one")
    for _, started, manifest in rows.get("runs", ()):
        parse_time("a run", started)
        parse_manifest(manifest)
    held = [owner for owner, *_ in rows["drivers"]]
    for owner in (*held, *(row[7] for row in rows["trials"] if row[7] is not None)):
        Owner.parse(owner)


def _check_plan(meta: dict[str, str]) -> None:
    if not meta:
        return
    for name in ("sweep", "text", "fingerprint"):
        if name not in meta:
            raise DamagedError(f"{name} of the plan is missing")
    parse_sweep(meta["sweep"])
    if "images" in meta:
        parse_images(meta["images"])
    if "tested" in meta:
        parse_tested(meta["tested"])
