"""Results as CSV, one row for each trial."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from .files import write_whole
from .records import ArmRecord, TrialRecord, read_records

CSV_NAME = "results.csv"
_COLUMNS = (
    *("arm", "seed", "status", "test_error", "test_loss", "train_loss", "steps", "seconds"),
    *("params", "macs", "depth", "digest", "key", "recorded", "error"),
)


def write_csv(folder: str | os.PathLike[str]) -> Path:
    """Write ``results.csv`` beside the store in ``folder``; where it is.

    Errors are shares, 0 to 1; an arm's axes follow in columns of their own, named
    ``axis:<axis>``. Raises ``StoreError`` where the store cannot be read or the disk refuses.
    """
    records = read_records(folder)
    axes = list(dict.fromkeys(axis for arm in records.arms for axis, _ in arm.labels))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, *(f"axis:{axis}" for axis in axes)])
    for arm in records.arms:
        labels = dict(arm.labels)
        for trial in records.trials[arm.name]:
            writer.writerow([*_cells(arm, trial), *(labels.get(axis, "") for axis in axes)])
    path = Path(folder) / CSV_NAME
    write_whole(path, text.getvalue())
    return path


def _cells(arm: ArmRecord, trial: TrialRecord) -> list[object]:
    outcome = trial.outcome
    return [
        *(arm.name, trial.seed, outcome.status, outcome.test_error, outcome.test_loss),
        *(outcome.train_loss, outcome.steps, round(outcome.seconds, 3)),
        *(arm.params, arm.macs, arm.depth, arm.digest, trial.key, trial.recorded.isoformat()),
        (outcome.error or "").strip().rpartition("\n")[2],
    ]
