"""Where a sweep stands, and taking back how trials ended."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import ResforgeError, StoreError, printable
from ...specs.paths import nearest
from .schema import disk_errors
from .store import Store

#: All that a trial can be.
STATES = ("done", "diverged", "failed", "crashed", "timed_out", "running", "waiting")
#: What a trial may be retried for; ``diverged`` is a result, and retried only by name.
RETRIED = ("failed", "crashed", "timed_out")
RETRIABLE = (*RETRIED, "diverged")


@dataclass(frozen=True)
class SweepStatus:
    """How many trials are in each of :data:`STATES`, arm by arm and of all."""

    title: str
    arms: dict[str, dict[str, int]]
    trials: dict[str, int]
    """Of the whole sweep; arms that mean the same network share theirs."""
    drivers: int
    """Runs at work on it now."""

    @property
    def total(self) -> int:
        return sum(self.trials.values())

    @property
    def finished(self) -> int:
        return self.total - self.trials["running"] - self.trials["waiting"]

    @property
    def bad(self) -> int:
        """Trials that raised, crashed or ran out of time."""
        return sum(self.trials[status] for status in RETRIED)

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.title,
            "total": self.total,
            "finished": self.finished,
            "drivers": self.drivers,
            "trials": self.trials,
            "arms": [{"arm": name, **counts} for name, counts in self.arms.items()],
        }


@dataclass(frozen=True)
class Retried:
    """A trial that waits again, and how it had ended."""

    arm: str
    seed: int
    status: str


def sweep_status(folder: str | os.PathLike[str]) -> SweepStatus:
    """Where the sweep in ``folder`` stands.

    Raises ``StoreError`` where there is no store, or not one that can be read.
    """
    with Store(folder) as store, disk_errors(store.path):
        store.database.execute("BEGIN")
        arms = _arms(store)
        found = store.states()
        drivers = store.drivers()
        store.database.execute("COMMIT")
        meta = store.database.execute("SELECT value FROM meta WHERE name = 'sweep'").fetchone()
    by_digest: dict[str, Counter[str]] = {}
    for digest, state in found:
        by_digest.setdefault(digest, Counter())[state] += 1
    return SweepStatus(
        title=printable(json.loads(meta[0])["name"]),
        arms={name: _in_order(by_digest.get(digest, Counter())) for name, digest in arms},
        trials=_in_order(Counter(state for _, state in found)),
        drivers=drivers,
    )


def retry_trials(
    folder: str | os.PathLike[str],
    statuses: Collection[str] = RETRIED,
    arms: Sequence[str] = (),
) -> list[Retried]:
    """Let trials that ended as one of ``statuses`` wait again, of all arms or of those named.

    The next run of the sweep trains them. Raises :class:`~resforge.ResforgeError` for a status
    that is none of :data:`RETRIABLE` and for an arm that is not there, ``StoreError`` where the
    store cannot be read or the disk refuses.
    """
    for status in statuses:
        if status not in RETRIABLE:
            raise ResforgeError(f"{status!r} is not retried: use {', '.join(RETRIABLE)}")
    with Store(folder) as store:
        with disk_errors(store.path):
            digests = dict(_arms(store))
        for name in arms:
            if name not in digests:
                meant = nearest(name, list(digests))
                there = f"did you mean {meant!r}?" if meant else f"there are {', '.join(digests)}"
                raise ResforgeError(f"no arm is called {name!r}: {there}")
        names = {digest: name for name, digest in reversed(digests.items())}
        wanted = {digests[name] for name in arms} or set(names)
        taken_back = store.retry(statuses, wanted)
    return [Retried(names[digest], seed, status) for digest, seed, status in taken_back]


def _arms(store: Store) -> list[tuple[str, str]]:
    """Name and digest of each arm."""
    found = store.database.execute("SELECT name, digest FROM arms ORDER BY position").fetchall()
    if not found:
        raise StoreError(f"{store.path}: nothing was planned here yet: run the sweep first")
    return found


def _in_order(counts: Counter[str]) -> dict[str, int]:
    return {state: counts[state] for state in STATES}
