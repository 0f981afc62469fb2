"""Progress of a sweep: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import Protocol, TextIO

from ...training.display import BarDisplay, Display
from ..planning.plan import Trial
from ..results.outcome import Outcome


class Progress(Protocol):
    """Receiver of the events of a run."""

    def start(self, total: int, finished: int) -> None:
        """The run starts, with ``total`` trials of which ``finished`` are recorded already."""

    def ended(self, trial: Trial, outcome: Outcome, finished: int) -> None:
        """A trial was recorded; ``finished`` trials are recorded now."""

    def running(self, count: int) -> None:
        """The number of trials being trained has changed to ``count``."""

    def note(self, text: str) -> None:
        """A message for people."""

    def close(self) -> None:
        """The run has ended."""


class Silence:
    """Ignores all events."""

    def start(self, total: int, finished: int) -> None: ...

    def ended(self, trial: Trial, outcome: Outcome, finished: int) -> None: ...

    def running(self, count: int) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class Lines(Display):
    """Prints one plain line for each finished trial, for logs."""

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
    """Bar with the time left, the running and failed trials, and the best arm so far.

    Each failed trial is printed on a line above it.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream, transient=False)
        self.active = 0
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
        self.update(self._description(), finished)

    def running(self, count: int) -> None:
        self.active = count
        self.update(self._description())

    def _description(self) -> str:
        counts = f"{self.active} running, {self.failed} failed"
        if not self.errors:
            return counts
        means = {arm: sum(errors) / len(errors) for arm, errors in self.errors.items()}
        best = min(means, key=means.__getitem__)
        return f"{counts}; best so far: {best}, {100 * means[best]:.1f}% test error"


def progress_on(stream: TextIO | None = None) -> Progress:
    """A bar if ``stream`` (default: standard error) is a terminal, else plain lines."""
    stream = stream or sys.stderr
    return LiveBar(stream) if stream.isatty() else Lines(stream)


def describe(trial: Trial, outcome: Outcome) -> str:
    """One line about a finished trial."""
    result = outcome.status.replace("_", " ")
    if outcome.test_error is not None:
        result = f"{100 * outcome.test_error:.1f}% test error"
    elif outcome.error:
        result += f": {outcome.error.strip().splitlines()[-1]}"
    return f"{trial.arm.name}, seed {trial.seed}: {result}, {outcome.seconds:.1f} s"
