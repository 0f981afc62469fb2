"""A plan in a store: writing it, and how another differs from it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...errors import path_text

if TYPE_CHECKING:
    from ..planning.plan import SweepPlan

_SHOWN = 5


def write_plan(database: sqlite3.Connection, plan: SweepPlan) -> None:
    """Make ``plan`` the store's; trials that only an earlier plan wanted keep their results."""
    meta = {
        "sweep": json.dumps(plan.sweep.model_dump(mode="json")),
        "text": plan.sweep.text,
        "fingerprint": plan.fingerprint,
        "images": json.dumps([*plan.sweep.data.input_shape, plan.sweep.data.num_classes]),
    }
    database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())
    database.execute("DELETE FROM arms")
    database.executemany(
        "INSERT INTO arms VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(position, arm.name, json.dumps(arm.labels), arm.digest),
                *(arm.params, arm.macs, arm.depth, arm.spec.to_json()),
            )
            for position, arm in enumerate(plan.arms)
        ],
    )
    database.execute("UPDATE trials SET rank = NULL")
    database.executemany(
        "INSERT INTO trials (key, digest, seed, rank, state) VALUES (?, ?, ?, ?, 'waiting')"
        " ON CONFLICT (key) DO UPDATE SET rank = excluded.rank",
        [(trial.key, trial.arm.digest, trial.seed, rank) for rank, trial in enumerate(plan.trials)],
    )


def plan_changes(database: sqlite3.Connection, plan: SweepPlan) -> str:
    """What ``plan`` changes: ``seeds[2]: 2 instead of none, ...``."""
    (text,) = database.execute("SELECT value FROM meta WHERE name = 'sweep'").fetchone()
    there = dict(_leaves(json.loads(text)))
    here = dict(_leaves(plan.sweep.model_dump(mode="json")))
    found = [
        f"{path}: {_shown(here, path)} instead of {_shown(there, path)}"
        for path in dict.fromkeys([*here, *there])
        if here.get(path) != there.get(path)
    ]
    if not found:
        return "the same file, but another network, data set or version of resforge behind it"
    rest = len(found) - _SHOWN
    return ", ".join(found[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


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
