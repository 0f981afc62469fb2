"""The results store: every trial of a sweep, the driver that holds it, and its outcome.

A trial is executed at least once and recorded exactly once. It is claimed under a lease with an
attempt number that increases with every claim; one transaction marks it finished and inserts its
result, for the current attempt only.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from ...errors import StoreError
from . import STORE_NAME
from .contents import parse_manifest, parse_outcome
from .disk import DamagedError, disk_errors, transaction
from .outcome import Outcome
from .owner import Owner
from .planned import PlanRecord, plan_changes, write_plan
from .schema import make_writable, open_database
from .seals import changed_column
from .tables import MANIFESTS, version_of

#: Seconds after which a claim expires unless it is renewed; drivers renew every few seconds.
LEASE = 60.0


@dataclass(frozen=True)
class Claim:
    """Right to record one trial, until another driver claims it."""

    key: str
    attempt: int
    crashes: int
    """Number of times that the trial's process has died."""


class Store:
    """A results store on disk, in the ``folder`` of a sweep.

    Every method raises :class:`~resforge.errors.StoreError` where reading or writing fails.
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

    def adopt(self, plan: PlanRecord, owner: Owner, lease: float = LEASE) -> None:
        """Make ``plan`` the store's plan, and ``owner`` one of its drivers.

        Results of earlier plans are kept; new trials are added. Raises ``StoreError`` while another
        driver runs another plan, with the differences, and for a store of resforge 0.1.0.
        """
        with disk_errors(self.path):
            make_writable(self.database, self.path)
            with transaction(self.database) as database:
                self._drop_gone_drivers()
                others = database.execute("SELECT plan FROM drivers").fetchall()
                if any(digest != plan.digest for (digest,) in others):
                    raise StoreError(
                        f"{self.path}: another run is using this folder for another plan"
                        f" ({plan_changes(database, plan)}): wait for it, or choose another --out"
                    )
                database.execute(
                    "INSERT INTO drivers (owner, plan, lease) VALUES (?, ?, ?)",
                    (owner.text, plan.digest, time.time() + lease),
                )
                write_plan(database, plan)

    def note_run(self, owner: Owner, manifest: dict[str, Any]) -> None:
        """Record the manifest of a run, or replace it.

        Raises ``StoreError`` while a run of other code trains into the store.
        """
        row = (owner.text, _now(), json.dumps(manifest))
        with disk_errors(self.path), transaction(self.database) as database:
            for other in self.active_runs():
                self._require_same_code(manifest, other)
            database.execute(
                "INSERT INTO runs (owner, started, manifest) VALUES (?, ?, ?)"
                " ON CONFLICT (owner) DO UPDATE SET manifest = excluded.manifest",
                row,
            )

    def _require_same_code(self, mine: dict[str, Any], other: dict[str, Any]) -> None:
        texts = [f"resforge {m.get('resforge')} ({str(m.get('code'))[:12]})" for m in (mine, other)]
        if texts[0] != texts[1]:
            raise StoreError(
                f"{self.path}: another run is using this folder with other code ({texts[1]}, this"
                f" is {texts[0]}): wait for it, or install the same on both machines"
            )

    def leave(self, owner: Owner) -> None:
        """Release all trials that ``owner`` holds, and remove it from the drivers."""
        with disk_errors(self.path), transaction(self.database) as database:
            database.execute("DELETE FROM drivers WHERE owner = ?", (owner.text,))
            database.execute(
                "UPDATE trials SET state = 'waiting', owner = NULL, lease = NULL"
                " WHERE state = 'running' AND owner = ?",
                (owner.text,),
            )

    def claim(self, owner: Owner, lease: float = LEASE) -> Claim | None:
        """Claim the next waiting trial; None where no trial is waiting.

        Expired claims of others are released first, those of ``owner`` are not: it may be about to
        record their outcomes.
        """
        with disk_errors(self.path), transaction(self.database) as database:
            self._release_expired(but=owner.text)
            row = database.execute(
                "UPDATE trials SET state = 'running', owner = ?, lease = ?, attempt = attempt + 1"
                " WHERE key = (SELECT key FROM trials WHERE state = 'waiting' AND rank NOT NULL"
                " ORDER BY rank LIMIT 1) RETURNING key, attempt, crashes",
                (owner.text, time.time() + lease),
            ).fetchone()
        return Claim(*row) if row else None

    def reclaim(self) -> None:
        """Return trials to waiting whose owner is gone or whose lease has expired."""
        with disk_errors(self.path):
            if self._expired():  # checked without a lock first: usually there are none
                with transaction(self.database):
                    self._release_expired()

    def renew(self, owner: Owner, lease: float = LEASE) -> None:
        """Extend the leases of all that ``owner`` has claimed."""
        until = time.time() + lease
        with disk_errors(self.path), transaction(self.database) as database:
            for table in ("trials", "drivers"):
                database.execute(
                    f"UPDATE {table} SET lease = ? WHERE owner = ?", (until, owner.text)
                )

    def record(self, claim: Claim, outcome: Outcome) -> bool:
        """Write a trial's outcome; return False without writing if the claim is lost."""
        row = (claim.key, outcome.status, claim.attempt, _now(), outcome.to_json())
        with disk_errors(self.path), transaction(self.database) as database:
            held = self._end_claim(claim, "finished", crashed=False)
            if held:
                database.execute(
                    "INSERT INTO results (key, status, attempt, recorded, outcome)"
                    " VALUES (?, ?, ?, ?, ?)",
                    row,
                )
        return held

    def release(self, claim: Claim, crashed: bool = False) -> bool:
        """Return the trial to waiting; ``crashed`` states that its process died."""
        with disk_errors(self.path), transaction(self.database):
            return self._end_claim(claim, "waiting", crashed)

    def counts(self) -> dict[str, int]:
        """Number of ``waiting``, ``running`` and ``finished`` trials of the current plan."""
        with disk_errors(self.path):
            rows = self.database.execute(
                "SELECT state, count(*) FROM trials WHERE rank NOT NULL GROUP BY state"
            ).fetchall()
        return {"waiting": 0, "running": 0, "finished": 0} | dict(rows)

    def statuses(self) -> dict[str, str]:
        """Status of each finished trial of the current plan, by key."""
        with disk_errors(self.path):
            rows = self.database.execute(
                "SELECT key, status FROM results JOIN trials USING (key) WHERE rank NOT NULL"
            )
            return dict(rows.fetchall())

    def outside_plan(self) -> int:
        """Number of recorded results that no trial of the current plan has.

        A trial that was stopped is not counted: one that goes on from its checkpoint takes its
        place in the plan.
        """
        with disk_errors(self.path):
            rows = self.database.execute(
                "SELECT count(*) FROM results JOIN trials USING (key)"
                " WHERE rank IS NULL AND status != 'stopped'"
            )
            return int(rows.fetchone()[0])

    def outcomes(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """Outcomes of the recorded trials among ``keys``, of any plan."""
        query = "SELECT key, status, attempt, recorded, outcome, seal FROM results WHERE key = ?"
        with disk_errors(self.path):
            rows = {key: self.database.execute(query, (key,)).fetchone() for key in keys}
            return {key: _outcome(row) for key, row in rows.items() if row}

    def states(self) -> list[tuple[str, str]]:
        """Digest and state of each trial of the current plan.

        The state is the status of the outcome, ``running`` or ``waiting``.
        """
        with disk_errors(self.path):
            rows = self.database.execute(
                "SELECT digest, coalesce(status, state), owner, lease FROM trials"
                " LEFT JOIN results USING (key) WHERE rank NOT NULL ORDER BY rank"
            ).fetchall()
            return [
                (digest, "waiting" if state == "running" and _has_expired(*held) else state)
                for digest, state, *held in rows
            ]

    def drivers(self) -> int:
        """Number of active runs."""
        with disk_errors(self.path):
            rows = self.database.execute("SELECT owner, lease FROM drivers").fetchall()
            return sum(not _has_expired(*held) for held in rows)

    def active_runs(self) -> list[dict[str, Any]]:
        """Manifests of the active runs that have trained something."""
        with disk_errors(self.path):
            if version_of(self.database) < MANIFESTS:
                return []
            rows = self.database.execute(
                "SELECT owner, lease, manifest FROM drivers JOIN runs USING (owner)"
            ).fetchall()
        return [parse_manifest(text) for *held, text in rows if not _has_expired(*held)]

    def retry(self, statuses: Collection[str], digests: Collection[str]) -> list[tuple[Any, ...]]:
        """Delete outcomes of the current plan and return their trials to waiting.

        Returns digest, seed and status of each. Raises ``StoreError`` for a store of resforge
        0.1.0, in which the trials could not be run again.
        """
        with disk_errors(self.path):
            make_writable(self.database, self.path)
        with disk_errors(self.path), transaction(self.database) as database:
            rows = database.execute(
                "SELECT key, digest, seed, status FROM results JOIN trials USING (key)"
                " WHERE rank NOT NULL ORDER BY rank"
            ).fetchall()
            deleted = [row for row in rows if row[3] in statuses and row[1] in digests]
            keys = [(key,) for key, *_ in deleted]
            database.executemany("DELETE FROM results WHERE key = ?", keys)
            database.executemany(
                "UPDATE trials SET state = 'waiting', crashes = 0 WHERE key = ?", keys
            )
        return [tuple(rest) for _, *rest in deleted]

    def _end_claim(self, claim: Claim, state: str, crashed: bool) -> bool:
        # The attempt number is the fence: every claim by any driver increases it.
        done = self.database.execute(
            "UPDATE trials SET state = ?, owner = NULL, lease = NULL, crashes = crashes + ?"
            " WHERE key = ? AND attempt = ? AND state = 'running'",
            (state, crashed, claim.key, claim.attempt),
        )
        return done.rowcount == 1

    def _release_expired(self, but: str = "") -> None:
        self.database.executemany(
            "UPDATE trials SET state = 'waiting', owner = NULL, lease = NULL"
            " WHERE state = 'running' AND owner = ? AND lease = ?",
            self._expired(but),
        )

    def _expired(self, but: str = "") -> list[tuple[str, float]]:
        running = self.database.execute(
            "SELECT DISTINCT owner, lease FROM trials WHERE state = 'running' AND owner != ?",
            (but,),
        ).fetchall()
        return [held for held in running if _has_expired(*held)]

    def _drop_gone_drivers(self) -> None:
        for owner, lease in self.database.execute("SELECT owner, lease FROM drivers").fetchall():
            if _has_expired(owner, lease):
                self.database.execute("DELETE FROM drivers WHERE owner = ?", (owner,))


def _outcome(row: tuple[Any, ...]) -> Outcome:
    """The outcome of a record, which is checked again: a run can last for days."""
    *values, sealed = row
    column = changed_column("results", values, sealed)
    if column is not None:
        raise DamagedError(f"trial {row[0]}: its {column} is not as it was written")
    return parse_outcome(row[0], values[-1])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _has_expired(owner: str, lease: float) -> bool:
    """Whether a lease has expired, or its owner is known to have ended."""
    return lease < time.time() or Owner.parse(owner).is_gone
