"""Provenance of the results: data, recipe, and the manifest of each run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..results.records import Records, RunRecord

_DIGEST = 12  # characters of a digest that are shown


def provenance(records: Records) -> dict[str, str]:
    """Facts about the whole sweep, by name."""
    trials, sweep = records.all_trials, records.sweep
    recorded = sorted(trial.recorded for trial in trials)
    return {
        "trials": f"{records.finished} of {records.total} recorded",
        "seeds": ", ".join(map(str, sweep["seeds"])),
        "recorded": f"{recorded[0]:%Y-%m-%d %H:%M} to {recorded[-1]:%Y-%m-%d %H:%M} UTC"
        if recorded
        else "nothing yet",
        "time": f"{sum(trial.outcome.seconds for trial in trials):,.0f} s, of all trials together",
        "data": _flat(sweep["data"]),
        "data fingerprint": f"SHA-256 {records.fingerprint}",
        "recipe": _flat(sweep["recipe"]),
    }


def environments(records: Records) -> list[dict[str, Any]]:
    """Different environments that trials ran in; more than one is a reason for a warning."""
    trials = records.all_trials
    found: list[dict[str, Any]] = []
    for trial in trials:
        if trial.outcome.environment and trial.outcome.environment not in found:
            found.append(trial.outcome.environment)
    return found


def runs_table(runs: Sequence[RunRecord]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings, and one row for each run with its start and its manifest."""
    rows = [
        {"began, UTC": f"{run.started:%Y-%m-%d %H:%M}", **_as_text(run.manifest)} for run in runs
    ]
    heads = tuple(dict.fromkeys(head for row in rows for head, text in row.items() if text))
    return heads, [tuple(row.get(head, "") for head in heads) for row in rows]


def _as_text(manifest: dict[str, Any]) -> dict[str, str]:
    tree = {key: str(value) for key, value in manifest.items()}
    for key in ("code", "data"):
        tree[key] = tree.get(key, "")[:_DIGEST]
    commit, dirty, _ = tree.get("commit", "").partition("-dirty")
    tree["commit"] = commit[:_DIGEST] + (", changed since" if dirty else "")
    aside = manifest.get("set_aside") or {}
    tree["set_aside"] = "; ".join(f"{node}: {why}" for node, why in dict(aside).items())
    memory = manifest.get("memory_bytes")
    tree["memory"] = f"{memory / 2**30:.1f} GiB" if memory else ""
    return {key.replace("_", " "): text for key, text in tree.items() if key != "memory_bytes"}


def _flat(tree: dict[str, Any]) -> str:
    parts = []
    for key, value in tree.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{k} {v}" for k, v in value.items() if k != "kind")
            kind = str(value.get("kind", key))
            parts.append(f"{kind} ({inner})" if inner else kind)
        else:
            parts.append(f"{key} {value}")
    return "; ".join(parts)
