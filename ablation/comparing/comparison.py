"""The comparison: one row of plain numbers for each arm."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from ..results.outcome import Status
from ..results.records import ArmRecord, Records, TrialRecord, read_records


@dataclass(frozen=True, slots=True)
class Spread:
    """Where some numbers lie. ``deviation`` is the sample's (n - 1), None for a single number."""

    mean: float
    deviation: float | None
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """The spread of ``values``; None where there are none.

        >>> Spread.of([1.0, 2.0, 3.0])
        Spread(mean=2.0, deviation=1.0, low=1.0, high=3.0)
        """
        if not values:
            return None
        # Each sum is over at most a few hundred seeds: no need for anything cleverer.
        mean = sum(values) / len(values)
        squares = sum((value - mean) ** 2 for value in values)
        deviation = sqrt(squares / (len(values) - 1)) if len(values) > 1 else None
        return cls(mean, deviation, min(values), max(values))


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm's figures. Errors are shares, 0 to 1, over the ``done`` trials.

    Trials that diverged or failed have no test error; they are counted beside it, never dropped
    in silence.
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
    """Of its network; arms with the same share their trials."""

    @property
    def lost(self) -> int:
        """Trials that ended without a test error."""
        return self.diverged + self.failed + self.crashed + self.timed_out

    def as_dict(self) -> dict[str, Any]:
        """For JSON: ``labels`` as a mapping."""
        return {**asdict(self), "labels": dict(self.labels)}


def compare(source: Records | str | os.PathLike[str]) -> tuple[ArmRow, ...]:
    """A row for each arm, in the order of the sweep file; give records or a sweep's folder."""
    records = source if isinstance(source, Records) else read_records(source)
    seeds = len(records.sweep["seeds"])
    return tuple(_row(arm, records.trials[arm.name], seeds) for arm in records.arms)


def _row(arm: ArmRecord, trials: tuple[TrialRecord, ...], seeds: int) -> ArmRow:
    done = [trial.outcome for trial in trials if trial.outcome.status == "done"]

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
        test_error=Spread.of([o.test_error for o in done if o.test_error is not None]),
        train_loss=Spread.of([o.train_loss for o in done if o.train_loss is not None]),
        seconds=sum(o.seconds for o in done) / len(done) if done else None,
        digest=arm.digest,
    )
