"""The results store: every trial of a sweep, who is at it, and how it ended.

Execution is at least once, recording exactly once. A trial is claimed under a lease with a
rising attempt number; one transaction marks it finished and inserts its result, and only for
the attempt that holds it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ...errors import StoreError
from .outcome import Outcome
from .owner import Owner
from .planned import plan_changes, write_plan
from .schema import disk_errors, open_database, transaction

if TYPE_CHECKING:
    from ..planning.plan import SweepPlan

STORE_NAME = "results.sqlite"
#: Seconds a claim holds without being renewed; drivers renew theirs every few seconds.
LEASE = 60.0


@dataclass(frozen=True)
class Claim:
    """The right to record one trial, as long as nobody else has claimed it since."""

    key: str
    attempt: int
    crashes: int
    """How often its process has died so far."""


class Store:
    """A results store on disk; give it the folder of a sweep.

    Every method raises :class:`~resforge.errors.StoreError` where the disk refuses.
    """

    def __init__(self, folder: str | os.PathLike[str], create: bool = False) -> None:
        self.path = Path(folder) / STORE_NAME
        self.database = open_database(self.path, create)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.database.close()

    def adopt(self, plan: SweepPlan, owner: Owner, lease: float = LEASE) -> None:
        """Make ``plan`` the store's plan, and ``owner`` one of its drivers.

        Results are kept, whatever the plan; trials that are new are added. Raises ``StoreError``
        with the difference while another driver is at work on another plan.
        """
        with disk_errors(self.path):
            told = self.database.execute("PRAGMA integrity_check").fetchone()[0]
            if told != "ok":
                raise StoreError(f"{self.path}: damaged ({told}): choose another --out")
            with transaction(self.database) as database:
                self._drop_gone_drivers()
                others = database.execute("SELECT plan FROM drivers").fetchall()
                if any(digest != plan.digest for (digest,) in others):
                    raise StoreError(
                        f"{self.path}: another run is at work here on another plan"
                        f" ({plan_changes(database, plan)}): wait for it, or choose another --out"
                    )
                database.execute(
                    "INSERT INTO drivers VALUES (?, ?, ?)",
                    (owner.text, plan.digest, time.time() + lease),
                )
                write_plan(database, plan)

    def note_run(self, owner: Owner, manifest: dict[str, Any]) -> None:
        """Keep what this run is made with."""
        row = (owner.text, _now(), json.dumps(manifest))
        with disk_errors(self.path), transaction(self.database) as database:
            database.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", row)

    def leave(self, owner: Owner) -> None:
        """Give back all that ``owner`` still holds."""
        with disk_errors(self.path), transaction(self.database) as database:
            database.execute("DELETE FROM drivers WHERE owner = ?", (owner.text,))
            database.execute(
                "UPDATE trials SET state = 'waiting', owner = NULL, lease = NULL"
                " WHERE state = 'running' AND owner = ?",
                (owner.text,),
            )

    def claim(self, owner: Owner, lease: float = LEASE) -> Claim | None:
        """The next trial that nobody is at; None where there is none just now."""
        with disk_errors(self.path), transaction(self.database) as database:
            self._free_abandoned()
            row = database.execute(
                "UPDATE trials SET state = 'running', owner = ?, lease = ?, attempt = attempt + 1"
                " WHERE key = (SELECT key FROM trials WHERE state = 'waiting' AND rank NOT NULL"
                " ORDER BY rank LIMIT 1) RETURNING key, attempt, crashes",
                (owner.text, time.time() + lease),
            ).fetchone()
        return Claim(*row) if row else None

    def reclaim(self) -> None:
        """Let trials wait again whose owner is gone or whose lease ran out."""
        with disk_errors(self.path):
            if self._abandoned():  # looked at first without a lock: mostly there is nothing
                with transaction(self.database):
                    self._free_abandoned()

    def renew(self, owner: Owner, lease: float = LEASE) -> None:
        """Hold on to all that ``owner`` has claimed."""
        until = time.time() + lease
        with disk_errors(self.path), transaction(self.database) as database:
            for table in ("trials", "drivers"):
                database.execute(
                    f"UPDATE {table} SET lease = ? WHERE owner = ?", (until, owner.text)
                )

    def record(self, claim: Claim, outcome: Outcome) -> bool:
        """Write a trial's end; False, and nothing written, where the claim is no longer held."""
        row = (claim.key, outcome.status, claim.attempt, _now(), outcome.to_json())
        with disk_errors(self.path), transaction(self.database) as database:
            held = self._let_go(claim, "finished", crashed=False)
            if held:
                database.execute("INSERT INTO results VALUES (?, ?, ?, ?, ?)", row)
        return held

    def release(self, claim: Claim, crashed: bool = False) -> bool:
        """Let another attempt have the trial; ``crashed`` says its process died at it."""
        with disk_errors(self.path), transaction(self.database):
            return self._let_go(claim, "waiting", crashed)

    def counts(self) -> dict[str, int]:
        """How many trials of the present plan are ``waiting``, ``running`` and ``finished``."""
        with disk_errors(self.path):
            rows = self.database.execute(
                "SELECT state, count(*) FROM trials WHERE rank NOT NULL GROUP BY state"
            ).fetchall()
        return {"waiting": 0, "running": 0, "finished": 0} | dict(rows)

    def statuses(self) -> dict[str, str]:
        """How each finished trial of the present plan ended, by key."""
        with disk_errors(self.path):
            rows = self.database.execute(
                "SELECT key, status FROM results JOIN trials USING (key) WHERE rank NOT NULL"
            )
            return dict(rows.fetchall())

    def outcomes(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """How those of ``keys`` ended that are recorded, whatever the plan."""
        query = "SELECT outcome FROM results WHERE key = ?"
        with disk_errors(self.path):
            rows = {key: self.database.execute(query, (key,)).fetchone() for key in keys}
        try:
            return {key: Outcome.from_json(row[0]) for key, row in rows.items() if row}
        except (ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"{self.path}: a record is damaged ({error}): choose another --out"
            ) from error

    def states(self) -> list[tuple[str, str]]:
        """Digest and state of each trial of the present plan: how it ended, ``running`` or
        ``waiting``."""
        with disk_errors(self.path):
            rows = self.database.execute(
                "SELECT digest, coalesce(status, state), owner, lease FROM trials"
                " LEFT JOIN results USING (key) WHERE rank NOT NULL ORDER BY rank"
            ).fetchall()
        return [
            (digest, "waiting" if state == "running" and _has_lapsed(*held) else state)
            for digest, state, *held in rows
        ]

    def drivers(self) -> int:
        """How many runs are at work."""
        with disk_errors(self.path):
            rows = self.database.execute("SELECT owner, lease FROM drivers").fetchall()
        return sum(not _has_lapsed(*held) for held in rows)

    def retry(self, statuses: Collection[str], digests: Collection[str]) -> list[tuple[Any, ...]]:
        """Take back how trials of the present plan ended, so that they wait again; digest, seed
        and status of each."""
        with disk_errors(self.path), transaction(self.database) as database:
            rows = database.execute(
                "SELECT key, digest, seed, status FROM results JOIN trials USING (key)"
                " WHERE rank NOT NULL ORDER BY rank"
            ).fetchall()
            found = [row for row in rows if row[3] in statuses and row[1] in digests]
            keys = [(key,) for key, *_ in found]
            database.executemany("DELETE FROM results WHERE key = ?", keys)
            database.executemany(
                "UPDATE trials SET state = 'waiting', crashes = 0 WHERE key = ?", keys
            )
        return [tuple(rest) for _, *rest in found]

    def _let_go(self, claim: Claim, state: str, crashed: bool) -> bool:
        # The attempt is the fence: it rises with every claim, whoever makes it.
        done = self.database.execute(
            "UPDATE trials SET state = ?, owner = NULL, lease = NULL, crashes = crashes + ?"
            " WHERE key = ? AND attempt = ? AND state = 'running'",
            (state, crashed, claim.key, claim.attempt),
        )
        return done.rowcount == 1

    def _free_abandoned(self) -> None:
        self.database.executemany(
            "UPDATE trials SET state = 'waiting', owner = NULL, lease = NULL"
            " WHERE state = 'running' AND owner = ? AND lease = ?",
            self._abandoned(),
        )

    def _abandoned(self) -> list[tuple[str, float]]:
        running = self.database.execute(
            "SELECT DISTINCT owner, lease FROM trials WHERE state = 'running'"
        ).fetchall()
        return [held for held in running if _has_lapsed(*held)]

    def _drop_gone_drivers(self) -> None:
        for owner, lease in self.database.execute("SELECT owner, lease FROM drivers").fetchall():
            if _has_lapsed(owner, lease):
                self.database.execute("DELETE FROM drivers WHERE owner = ?", (owner,))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _has_lapsed(owner: str, lease: float) -> bool:
    """Whether whoever holds a lease has lost it, or is known to be gone."""
    return lease < time.time() or Owner.parse(owner).is_gone
