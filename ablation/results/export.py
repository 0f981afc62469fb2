"""Results as CSV and JSON: a row or an object for each trial."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ...errors import ResforgeError
from ...files import write_whole
from ...text.csv_text import as_csv
from .planned import ArmRecord
from .records import Records, TrialRecord, read_records

CSV_NAME = "results.csv"
FORMATS = ("csv", "json", "jsonl")
_COLUMNS = (
    *("arm", "seed", "status", "test_error", "test_loss", "train_loss", "steps", "seconds"),
    *("params", "macs", "depth", "digest", "key", "recorded", "error"),
    *("selected_step", "validation_error"),
)
_POINTS = ("arm", "seed", "key", "images", "step", "error", "loss")


def write_csv(folder: str | os.PathLike[str]) -> Path:
    """Write ``results.csv`` beside the store in ``folder``, and return its path.

    Errors are fractions from 0 to 1; each axis has a column of its own, named ``axis:<axis>``. A
    text that a spreadsheet would read as a formula is prefixed with an apostrophe.
    Raises ``StoreError`` where the store cannot be read or the file cannot be written.
    """
    path = Path(folder) / CSV_NAME
    write_whole(path, export_results(read_records(folder)))
    return path


def export_results(records: Records, format: str = "csv", curves: bool = False) -> str:
    """All recorded trials as text.

    ``csv`` has a row for each trial, or with ``curves`` one for each point of the learning curves,
    whose ``images`` are ``train``, ``validation`` or ``test``. ``json`` is one list and ``jsonl`` a
    line for each trial, both with the curves. Raises :class:`~resforge.ResforgeError` for any other
    format.
    """
    if format not in FORMATS:
        raise ResforgeError(f"unknown format {format!r}: use {', '.join(FORMATS)}")
    trials = [(arm, trial) for arm in records.arms for trial in records.trials[arm.name]]
    if format == "csv":
        return as_csv(_points(trials) if curves else _rows(records, trials))
    objects = [_object(arm, trial) for arm, trial in trials]
    if format == "json":
        return json.dumps(objects, indent=2, allow_nan=False) + "\n"
    return "".join(json.dumps(item, allow_nan=False) + "\n" for item in objects)


_Trials = list[tuple[ArmRecord, TrialRecord]]


def _rows(records: Records, trials: _Trials) -> Iterator[list[object]]:
    axes = list(dict.fromkeys(axis for arm in records.arms for axis, _ in arm.labels))
    yield [*_COLUMNS, *(f"axis:{axis}" for axis in axes)]
    for arm, trial in trials:
        labels = dict(arm.labels)
        yield [*_cells(arm, trial).values(), *(labels.get(axis, "") for axis in axes)]


def _points(trials: _Trials) -> Iterator[Iterable[object]]:
    yield _POINTS
    for arm, trial in trials:
        trial_id = (arm.name, trial.seed, trial.key)
        for step, loss in trial.outcome.train_curve:
            yield *trial_id, "train", step, None, loss
        curves = {"validation": trial.outcome.validation_curve, "test": trial.outcome.test_curve}
        for images, curve in curves.items():
            for step, error, loss in curve:
                yield *trial_id, images, step, error, loss


def _object(arm: ArmRecord, trial: TrialRecord) -> dict[str, Any]:
    outcome = trial.outcome
    return {
        **_cells(arm, trial),
        "error": outcome.error,
        "labels": dict(arm.labels),
        "train_curve": [{"step": step, "loss": loss} for step, loss in outcome.train_curve],
        "test_curve": _curve(outcome.test_curve),
        "validation_curve": _curve(outcome.validation_curve),
        "correct": outcome.correct,
        "gradients": [dict(step) for step in outcome.gradients],
        "timings": outcome.timings,
        "notes": outcome.notes,
        "environment": outcome.environment,
    }


def _curve(points: Iterable[tuple[int, float, float]]) -> list[dict[str, float]]:
    return [{"step": step, "error": error, "loss": loss} for step, error, loss in points]


def _cells(arm: ArmRecord, trial: TrialRecord) -> dict[str, object]:
    outcome = trial.outcome
    cells = (
        *(arm.name, trial.seed, outcome.status, outcome.test_error, outcome.test_loss),
        *(outcome.train_loss, outcome.steps, round(outcome.seconds, 3)),
        *(arm.params, arm.macs, arm.depth, arm.digest, trial.key, trial.recorded.isoformat()),
        (outcome.error or "").strip().rpartition("\n")[2],
        *(outcome.selected, outcome.validation_error),
    )
    return dict(zip(_COLUMNS, cells, strict=True))
