"""Status of a sweep, and retrying trials."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import ResforgeError, StoreError, printable
from ...specs.paths import nearest
from .contents import parse_sweep
from .disk import disk_errors, transaction
from .store import Store

#: All states of a trial.
STATES = ("done", "stopped", "diverged", "failed", "crashed", "timed_out", "running", "waiting")
#: Statuses that are retried by default; ``diverged`` is a result, and retried only by name.
RETRIED = ("failed", "crashed", "timed_out")
RETRIABLE = (*RETRIED, "diverged")


@dataclass(frozen=True)
class SweepStatus:
    """Number of trials in each of :data:`STATES`, for each arm and for the whole sweep."""

    title: str
    arms: dict[str, dict[str, int]]
    trials: dict[str, int]
    """Counts of the whole sweep; arms of the same network share their trials."""
    drivers: int
    """Number of active runs."""
    set_aside: dict[str, str] = field(default_factory=dict)
    """Nodes of clusters that get no trials of active runs, and why."""

    @property
    def total(self) -> int:
        return sum(self.trials.values())

    @property
    def finished(self) -> int:
        return self.total - self.trials["running"] - self.trials["waiting"]

    @property
    def bad(self) -> int:
        """Number of trials that failed, crashed or ran out of time."""
        return sum(self.trials[status] for status in RETRIED)

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.title,
            "total": self.total,
            "finished": self.finished,
            "drivers": self.drivers,
            "set_aside": self.set_aside,
            "trials": self.trials,
            "arms": [{"arm": name, **counts} for name, counts in self.arms.items()],
        }


@dataclass(frozen=True)
class Retried:
    """A trial that is waiting again, and its former status."""

    arm: str
    seed: int
    status: str


def sweep_status(folder: str | os.PathLike[str]) -> SweepStatus:
    """Status of the sweep in ``folder``.

    Raises ``StoreError`` for a missing store and one that cannot be read.
    """
    with Store(folder) as store, disk_errors(store.path), transaction(store.database, write=False):
        arms = _arms(store)
        states = store.states()
        manifests = store.active_runs()
        drivers = store.drivers()
        query = "SELECT value FROM meta WHERE name = 'sweep'"
        sweep = parse_sweep(store.database.execute(query).fetchone()[0])
    by_digest: dict[str, Counter[str]] = {}
    for digest, state in states:
        by_digest.setdefault(digest, Counter())[state] += 1
    return SweepStatus(
        title=printable(sweep["name"]),
        arms={name: _in_order(by_digest.get(digest, Counter())) for name, digest in arms},
        trials=_in_order(Counter(state for _, state in states)),
        drivers=drivers,
        set_aside={
            node: str(why)
            for manifest in manifests
            for node, why in dict(manifest.get("set_aside") or {}).items()
        },
    )


def retry_trials(
    folder: str | os.PathLike[str],
    statuses: Collection[str] = RETRIED,
    arms: Sequence[str] = (),
) -> list[Retried]:
    """Return trials with one of ``statuses`` to waiting, of all arms or of those named in ``arms``.

    The next run of the sweep trains them. Raises :class:`~resforge.ResforgeError` for a status
    outside :data:`RETRIABLE` and for an unknown arm, and ``StoreError`` where the store cannot be
    read or written, or is one of resforge 0.1.0.
    """
    for status in statuses:
        if status not in RETRIABLE:
            raise ResforgeError(f"{status!r} is not retried: use {', '.join(RETRIABLE)}")
    with Store(folder) as store:
        with disk_errors(store.path):
            digests = dict(_arms(store))
        for name in arms:
            if name not in digests:
                close = nearest(name, list(digests))
                help_ = (
                    f"did you mean {close!r}?" if close else f"the arms are {', '.join(digests)}"
                )
                raise ResforgeError(f"unknown arm {name!r}: {help_}")
        names = {digest: name for name, digest in reversed(digests.items())}
        wanted = {digests[name] for name in arms} or set(names)
        retried = store.retry(statuses, wanted)
    return [Retried(names[digest], seed, status) for digest, seed, status in retried]


def _arms(store: Store) -> list[tuple[str, str]]:
    """Name and digest of each arm."""
    arms = store.database.execute("SELECT name, digest FROM arms ORDER BY position").fetchall()
    if not arms:
        raise StoreError(f"{store.path}: nothing was planned here yet: run the sweep first")
    return arms


def _in_order(counts: Counter[str]) -> dict[str, int]:
    return {state: counts[state] for state in STATES}
