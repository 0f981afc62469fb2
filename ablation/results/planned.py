"""A plan as the store keeps it: writing it, and describing how another differs from it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from ...errors import path_text

_SHOWN = 5
_Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class ArmRecord:
    """An arm as it was planned."""

    name: Annotated[str, Field(min_length=1)]
    labels: Annotated[tuple[tuple[str, str], ...], Field(min_length=1)]
    digest: str
    """The digest of the network, followed by one of the recipe where that is the arm's own. Arms
    of equal digests share their trials."""
    params: _Count
    macs: _Count
    depth: _Count
    spec: str = ""
    """The spec as JSON."""

    @property
    def network(self) -> str:
        """The digest of the network alone."""
        return self.digest.partition("+")[0]


class TrialEntry(NamedTuple):
    """A planned trial: its key, the digest of its arm and its seed."""

    key: str
    digest: str
    seed: int


@dataclass(frozen=True)
class PlanRecord:
    """A plan in plain values."""

    digest: str
    """Equal for plans of the same arms and trials."""
    sweep: dict[str, Any]
    """The sweep as a tree, with every default written out."""
    text: str
    """The text of the sweep file."""
    fingerprint: str
    """SHA-256 of the data."""
    images: tuple[int, ...]
    """Channels, height, width and number of classes of the data."""
    tested: int
    """Number of images that are tested on."""
    arms: tuple[ArmRecord, ...]
    trials: tuple[TrialEntry, ...]
    """The trials in the order in which they are to be trained."""


def write_plan(database: sqlite3.Connection, plan: PlanRecord) -> None:
    """Replace the store's plan by ``plan``; results of trials outside the new plan are kept."""
    meta = {
        "sweep": json.dumps(plan.sweep),
        "text": plan.text,
        "fingerprint": plan.fingerprint,
        "images": json.dumps(plan.images),
        "tested": json.dumps(plan.tested),
    }
    database.executemany("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", meta.items())
    database.execute("DELETE FROM arms")
    database.executemany(
        "INSERT INTO arms (position, name, labels, digest, params, macs, depth, spec)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(position, arm.name, json.dumps(arm.labels), arm.digest),
                *(arm.params, arm.macs, arm.depth, arm.spec),
            )
            for position, arm in enumerate(plan.arms)
        ],
    )
    database.execute("UPDATE trials SET rank = NULL")
    database.executemany(
        "INSERT INTO trials (key, digest, seed, rank, state) VALUES (?, ?, ?, ?, 'waiting')"
        " ON CONFLICT (key) DO UPDATE SET rank = excluded.rank, digest = excluded.digest",
        [(*trial, rank) for rank, trial in enumerate(plan.trials)],
    )
    note_counts(database)


def note_counts(database: sqlite3.Connection) -> None:
    """Keep the size of the plan, by which missing records are noticed."""
    database.execute(
        "INSERT OR REPLACE INTO meta (name, value) VALUES ('counts', ?)",
        (json.dumps(plan_counts(database)),),
    )


def plan_counts(database: sqlite3.Connection) -> list[int]:
    """Number of arms and of trials of the plan."""
    query = "SELECT (SELECT count(*) FROM arms), (SELECT count(*) FROM trials WHERE rank NOT NULL)"
    return [*database.execute(query).fetchone()]


def plan_changes(database: sqlite3.Connection, plan: PlanRecord) -> str:
    """Differences of ``plan`` from the store's plan: ``seeds[2]: 2 instead of none, ...``."""
    (text,) = database.execute("SELECT value FROM meta WHERE name = 'sweep'").fetchone()
    stored = dict(_leaves(json.loads(text)))
    new = dict(_leaves(plan.sweep))
    changes = [
        f"{path}: {_shown(new, path)} instead of {_shown(stored, path)}"
        for path in dict.fromkeys([*new, *stored])
        if new.get(path) != stored.get(path)
    ]
    if not changes:
        return "the same file, but another network, data set or version of resforge behind it"
    rest = len(changes) - _SHOWN
    return ", ".join(changes[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _shown(leaves: dict[str, Any], path: str) -> str:
    return repr(leaves[path]) if path in leaves else "none"


def _leaves(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, Any]]:
    items: list[tuple[str | int, Any]] = []
    if isinstance(tree, dict):
        items = list(tree.items())
    elif isinstance(tree, list):
        items = list(enumerate(tree))
    if not items:
        yield path_text(path), tree
    for part, value in items:
        yield from _leaves(value, (*path, part))
