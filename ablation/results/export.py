"""Results as CSV and JSON: a row or an object for each trial."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import ResforgeError
from ...files import write_whole
from ...text.csv_text import as_csv
from ...training.cost import Cost
from ..recipe_paths import changes_text
from .objectives import measured_figures
from .outcome import Outcome
from .planned import ArmRecord
from .records import Records, TrialRecord, read_records

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]

CSV_NAME = "results.csv"
FORMATS = ("csv", "json", "jsonl")
_COLUMNS = (
    *("arm", "seed", "status", "test_error", "test_loss", "train_loss", "steps", "seconds"),
    *("params", "macs", "depth", "digest", "key", "recorded", "error"),
    *("selected_step", "validation_error", "train_error", "recipe"),
    *("latency", "batch_latency", "training_memory"),
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
    trials = _trials(records)
    if format == "csv":
        return as_csv(_points(trials) if curves else _rows(records, trials))
    objects = [_object(*trial) for trial in trials]
    if format == "json":
        return json.dumps(objects, indent=2, allow_nan=False) + "\n"
    return "".join(json.dumps(item, allow_nan=False) + "\n" for item in objects)


class _Extra(NamedTuple):
    """An arm's changes of the recipe, and its measured cost."""

    recipe: dict[str, Any]
    cost: Cost | None


_Trials = list[tuple[ArmRecord, _Extra, TrialRecord]]


def to_dataframe(
    source: Records | str | os.PathLike[str], curves: bool = False
) -> pandas.DataFrame:
    """The table of :func:`export_results` as a pandas data frame, numbers as numbers.

    ``source`` is a sweep's records, or the folder that it was run into. A figure that a trial does
    not have is ``NaN``. Raises :class:`~resforge.ResforgeError` without pandas.

    >>> to_dataframe("results").groupby("arm").test_error.mean()  # doctest: +SKIP
    """
    try:
        import pandas
    except ImportError as error:
        raise ResforgeError("to_dataframe needs pandas: pip install pandas") from error
    records = source if isinstance(source, Records) else read_records(source)
    trials = _trials(records)
    heads, *rows = _points(trials) if curves else _rows(records, trials)
    frame = pandas.DataFrame([list(row) for row in rows], columns=list(heads))
    # None among numbers is NaN already. Only figures are None, texts are empty.
    without = [name for name in frame if len(frame) and frame[name].isna().all()]
    return frame.infer_objects().astype(dict.fromkeys(without, float))


def _trials(records: Records) -> _Trials:
    return [
        (arm, _Extra(records.recipe_changes(arm), records.measured.get(arm.digest)), trial)
        for arm in records.arms
        for trial in records.trials[arm.name]
    ]


def _rows(records: Records, trials: _Trials) -> Iterator[list[object]]:
    axes = list(dict.fromkeys(axis for arm in records.arms for axis, _ in arm.labels))
    yield [*_COLUMNS, *(f"axis:{axis}" for axis in axes)]
    for arm, extra, trial in trials:
        labels = dict(arm.labels)
        yield [*_cells(arm, extra, trial).values(), *(labels.get(axis, "") for axis in axes)]


def _points(trials: _Trials) -> Iterator[Iterable[object]]:
    yield _POINTS
    for arm, _, trial in trials:
        trial_id = (arm.name, trial.seed, trial.key)
        for step, error, loss in _training(trial.outcome):
            yield *trial_id, "train", step, error, loss
        curves = {"validation": trial.outcome.validation_curve, "test": trial.outcome.test_curve}
        for images, curve in curves.items():
            for step, error, loss in curve:
                yield *trial_id, images, step, error, loss


def _object(arm: ArmRecord, extra: _Extra, trial: TrialRecord) -> dict[str, Any]:
    outcome = trial.outcome
    return {
        **_cells(arm, extra, trial),
        "error": outcome.error,
        "recipe": extra.recipe,
        "measured": asdict(extra.cost) if extra.cost else None,
        "labels": dict(arm.labels),
        "train_curve": _curve(_training(outcome)),
        "test_curve": _curve(outcome.test_curve),
        "validation_curve": _curve(outcome.validation_curve),
        "correct": outcome.correct,
        "gradients": [dict(step) for step in outcome.gradients],
        "timings": outcome.timings,
        "notes": outcome.notes,
        "environment": outcome.environment,
    }


def _training(outcome: Outcome) -> Iterator[tuple[int, float | None, float]]:
    """Step, error and loss of the training batches; older trials have no errors."""
    errors = dict(outcome.train_errors)
    return ((step, errors.get(step), loss) for step, loss in outcome.train_curve)


def _curve(points: Iterable[tuple[int, float | None, float]]) -> list[dict[str, float | None]]:
    return [{"step": step, "error": error, "loss": loss} for step, error, loss in points]


def _cells(arm: ArmRecord, extra: _Extra, trial: TrialRecord) -> dict[str, object]:
    outcome = trial.outcome
    cells = (
        *(arm.name, trial.seed, outcome.status, outcome.test_error, outcome.test_loss),
        *(outcome.train_loss, outcome.steps, round(outcome.seconds, 3)),
        *(arm.params, arm.macs, arm.depth, arm.network, trial.key, trial.recorded.isoformat()),
        (outcome.error or "").strip().rpartition("\n")[2],
        *(
            outcome.selected,
            outcome.validation_error,
            outcome.train_error,
            changes_text(extra.recipe),
        ),
        *measured_figures(extra.cost).values(),
    )
    return dict(zip(_COLUMNS, cells, strict=True))
