"""Telling a person how a sweep goes: a bar on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from ...training.display import BarDisplay, Display

if TYPE_CHECKING:
    from ..planning.plan import Trial
    from ..results.outcome import Outcome


class Progress(Protocol):
    """Whoever wants to follow a sweep."""

    def start(self, total: int, finished: int) -> None:
        """Before anything runs: how many trials there are, and how many are recorded already."""

    def ended(self, trial: Trial, outcome: Outcome, finished: int) -> None:
        """A trial was recorded; ``finished`` counts those recorded by now."""

    def running(self, count: int) -> None:
        """So many trials are being trained now."""

    def note(self, text: str) -> None:
        """Something worth a line."""

    def close(self) -> None:
        """Nothing more will come."""


class Silence:
    """Tells nobody."""

    def start(self, total: int, finished: int) -> None: ...

    def ended(self, trial: Trial, outcome: Outcome, finished: int) -> None: ...

    def running(self, count: int) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class Lines(Display):
    """One plain line for each finished trial, for logs."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.total = 0

    def start(self, total: int, finished: int) -> None:
        self.total = total
        self.note(f"{total} trials, {finished} of them recorded already")

    def ended(self, trial: Trial, outcome: Outcome, finished: int) -> None:
        count = str(finished).rjust(len(str(self.total)))
        self.note(f"[{count}/{self.total}] {describe(trial, outcome)}")

    def running(self, count: int) -> None: ...


class LiveBar(BarDisplay):
    """A bar with the expected time left, the trials running and failed, and the best arm so far;
    trials that went wrong get a line above it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream, transient=False)
        self.at_work = 0
        self.failed = 0
        self.errors: dict[str, list[float]] = {}

    def start(self, total: int, finished: int) -> None:
        self.open(total, finished, "starting the workers")

    def ended(self, trial: Trial, outcome: Outcome, finished: int) -> None:
        if outcome.test_error is not None:
            self.errors.setdefault(trial.arm.name, []).append(outcome.test_error)
        else:
            self.failed += 1
            self.note(describe(trial, outcome))
        self.update(self._told(), finished)

    def running(self, count: int) -> None:
        self.at_work = count
        self.update(self._told())

    def _told(self) -> str:
        told = f"{self.at_work} running, {self.failed} failed"
        if not self.errors:
            return told
        means = {arm: sum(found) / len(found) for arm, found in self.errors.items()}
        best = min(means, key=means.__getitem__)
        return f"{told}; best so far: {best}, {100 * means[best]:.1f}% test error"


def progress_on(stream: TextIO | None = None) -> Progress:
    """A bar where ``stream`` (default: standard error) is a terminal, plain lines elsewhere."""
    stream = stream or sys.stderr
    return LiveBar(stream) if stream.isatty() else Lines(stream)


def describe(trial: Trial, outcome: Outcome) -> str:
    """A finished trial in a line."""
    told = outcome.status.replace("_", " ")
    if outcome.test_error is not None:
        told = f"{100 * outcome.test_error:.1f}% test error"
    elif outcome.error:
        told += f": {outcome.error.strip().splitlines()[-1]}"
    return f"{trial.arm.name}, seed {trial.seed}: {told}, {outcome.seconds:.1f} s"
