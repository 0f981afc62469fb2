"""Rows: one row of plain numbers for each arm, grouped into panels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from ...training.cost import Cost
from ..results.outcome import Status
from ..results.planned import ArmRecord
from ..results.records import Records, read_records
from .learning import has_collapsed


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean, sample deviation (n - 1; None for a single number) and range of some numbers."""

    mean: float
    deviation: float | None
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """Spread of ``values``; None for an empty sequence.

        >>> Spread.of([1.0, 2.0, 3.0])
        Spread(mean=2.0, deviation=1.0, low=1.0, high=3.0)
        """
        if not values:
            return None
        # A sum over at most a few hundred seeds needs no compensated summation.
        mean = sum(values) / len(values)
        squares = sum((value - mean) ** 2 for value in values)
        deviation = sqrt(squares / (len(values) - 1)) if len(values) > 1 else None
        return cls(mean, deviation, min(values), max(values))


@dataclass(frozen=True, slots=True)
class ArmRow:
    """Figures of one arm. Errors are fractions from 0 to 1, over the ``done`` trials.

    Trials that diverged or failed have no test error; each kind is counted in a field of its own.
    """

    arm: str
    labels: tuple[tuple[str, str], ...]
    params: int
    macs: int
    depth: int
    done: int
    diverged: int
    failed: int
    crashed: int
    timed_out: int
    pending: int
    test_error: Spread | None
    train_loss: Spread | None
    seconds: float | None
    """Mean time of a done trial."""
    digest: str = ""
    """Digest of the arm's network; arms with equal digests share their trials."""
    train_error: Spread | None = None
    """Training error over the steps since the evaluation before the selected step; None where the
    trials are of a version that did not record it."""
    measured: Cost | None = None
    """Measured cost of the network; None where no arm of the sweep was measured."""
    collapsed: int = 0
    """Number of done trials with more than half the test error of guessing."""
    threshold: float | None = None
    """Test error, as a fraction, that trials are to reach; None where the sweep names none."""
    steps_to: Spread | None = None
    """Steps to the first evaluation with at most that error, over the trials that reached it."""
    reached: int = 0
    """Number of trials that reached it."""
    stopped: int = 0
    """Number of trials that successive halving ended before their last step."""
    stopped_after: int | None = None
    """Steps after which they were ended."""

    @property
    def lost(self) -> int:
        """Number of trials that ended without a test error."""
        return self.diverged + self.failed + self.crashed + self.timed_out

    def as_dict(self) -> dict[str, Any]:
        """Fields for JSON, ``labels`` as a mapping."""
        return {**asdict(self), "labels": dict(self.labels)}


def compare(source: Records | str | os.PathLike[str]) -> tuple[ArmRow, ...]:
    """One row for each arm, in the order of the sweep file.

    ``source`` is a sweep's records, or the folder that it was run into.
    """
    records = source if isinstance(source, Records) else read_records(source)
    seeds = len(records.sweep["seeds"])
    costs = records.measured
    return tuple(
        _row(arm, records, seeds, costs.get(arm.digest, Cost()) if costs else None)
        for arm in records.arms
    )


def _row(arm: ArmRecord, records: Records, seeds: int, measured: Cost | None) -> ArmRow:
    trials, goal = records.trials[arm.name], records.threshold
    reached = [t.outcome.steps_to(goal) for t in trials] if goal is not None else []
    steps = [float(step) for step in reached if step is not None]
    done = [trial.outcome for trial in trials if trial.outcome.status == "done"]
    early = [trial.outcome.steps for trial in trials if trial.outcome.status == "stopped"]

    def count(status: Status) -> int:
        return sum(trial.outcome.status == status for trial in trials)

    return ArmRow(
        arm=arm.name,
        labels=arm.labels,
        params=arm.params,
        macs=arm.macs,
        depth=arm.depth,
        done=len(done),
        diverged=count("diverged"),
        failed=count("failed"),
        crashed=count("crashed"),
        timed_out=count("timed_out"),
        pending=seeds - len(trials),
        collapsed=sum(has_collapsed(outcome, records.num_classes) for outcome in done),
        test_error=Spread.of([o.test_error for o in done if o.test_error is not None]),
        train_loss=Spread.of([o.train_loss for o in done if o.train_loss is not None]),
        seconds=sum(o.seconds for o in done) / len(done) if done else None,
        digest=arm.digest,
        measured=measured,
        threshold=goal,
        steps_to=Spread.of(steps),
        reached=len(steps),
        train_error=Spread.of([o.train_error for o in done if o.train_error is not None]),
        stopped=count("stopped"),
        stopped_after=max(early, default=None),
    )


@dataclass(frozen=True, slots=True)
class Panel:
    """Arms with one label of the first axis.

    ``rows`` is keyed by the name of the series, which means the same in every panel.
    """

    heading: str
    rows: dict[str, ArmRow]


def panels(rows: Sequence[ArmRow]) -> tuple[Panel, ...]:
    """One panel for each label of the first axis.

    With fewer than two axes there is one panel, and its heading is empty.
    """
    grouped: dict[str, dict[str, ArmRow]] = {}
    for row in rows:
        (axis, label), *rest = row.labels
        if not rest:
            grouped.setdefault("", {})[label] = row
        else:
            grouped.setdefault(f"{axis} {label}", {})[_series(rest)] = row
    return tuple(Panel(heading, held) for heading, held in grouped.items())


def _series(labels: Sequence[tuple[str, str]]) -> str:
    if len(labels) == 1:
        return labels[0][1]
    return ", ".join(f"{axis} {label}" for axis, label in labels)
