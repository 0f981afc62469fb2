"""Progress of a sweep: a bar on a terminal or in a notebook, plain lines elsewhere."""

from __future__ import annotations

import html
import sys
import time
from importlib import import_module
from typing import Any, Protocol, TextIO

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


class Counting:
    """Tells a bar of the running and failed trials, and of the best arm so far.

    A failed trial is told on a line of its own.
    """

    def __init__(self) -> None:
        self.active = 0
        self.failed = 0
        self.errors: dict[str, list[float]] = {}

    def open(self, total: int, done: int, text: str) -> None:
        raise NotImplementedError

    def update(self, text: str, done: int | None = None) -> None:
        raise NotImplementedError

    def note(self, text: str) -> None:
        raise NotImplementedError

    def start(self, total: int, finished: int) -> None:
        self.open(total, finished, "starting the workers")

    def ended(self, trial: Trial, outcome: Outcome, finished: int) -> None:
        if outcome.test_error is not None:
            self.errors.setdefault(trial.arm.name, []).append(outcome.test_error)
        elif outcome.status != "stopped":
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


class LiveBar(BarDisplay, Counting):
    """The bar of a terminal, with the time left; other lines are printed above it."""

    def __init__(self, stream: TextIO) -> None:
        BarDisplay.__init__(self, stream, transient=False)
        Counting.__init__(self)


def in_notebook() -> bool:
    """Whether this process runs the cells of a notebook, whose outputs can be written anew."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


class NotebookBar(Counting):
    """The bar of a terminal as HTML: trials, time left, failures and the best arm so far."""

    def __init__(self) -> None:
        super().__init__()
        self.total = self.finished = self.already = 0
        self.text = ""
        self._began = 0.0
        self._shown: Any = None

    def open(self, total: int, done: int, text: str) -> None:
        self.total, self.finished, self.already, self.text = total, done, done, text
        self._began = time.monotonic()
        self._show()

    def update(self, text: str, done: int | None = None) -> None:
        self.text = text
        self.finished = self.finished if done is None else done
        self._show()

    def note(self, text: str) -> None:
        print(text, flush=True)

    def close(self) -> None:
        """The last state stays in the notebook."""

    def _show(self) -> None:
        ipython = import_module("IPython.display")
        page = ipython.HTML(self._page())
        if self._shown is None:
            self._shown = ipython.display(page, display_id=True)
        else:
            self._shown.update(page)

    def _page(self) -> str:
        left = self._seconds_left()
        remaining = f", about {_duration(left)} left" if left else ""
        return (
            f'<progress value="{self.finished}" max="{max(self.total, 1)}"></progress>'
            f" {self.finished} of {self.total} trials{remaining}; {html.escape(self.text)}"
        )

    def _seconds_left(self) -> float | None:
        ran = self.finished - self.already
        if not ran:
            return None
        return (time.monotonic() - self._began) / ran * (self.total - self.finished)


def progress_on(stream: TextIO | None = None) -> Progress:
    """A bar if ``stream`` (default: standard error) is a terminal, else plain lines.

    Without a stream, a notebook has a bar of its own.
    """
    if stream is None and in_notebook():
        return NotebookBar()
    stream = stream or sys.stderr
    return LiveBar(stream) if stream.isatty() else Lines(stream)


def default_progress() -> Progress:
    """The bar of a notebook; silence elsewhere, where a program may have the streams."""
    return NotebookBar() if in_notebook() else Silence()


def describe(trial: Trial, outcome: Outcome) -> str:
    """One line about a finished trial."""
    result = outcome.status.replace("_", " ")
    if outcome.test_error is not None:
        result = f"{100 * outcome.test_error:.1f}% test error"
    elif outcome.status == "stopped":
        error = outcome.last_validation_error
        shown = "" if error is None else f", {100 * error:.1f}% validation error"
        result = f"stopped after {outcome.steps} steps{shown}"
    elif outcome.error:
        result += f": {outcome.error.strip().splitlines()[-1]}"
    return f"{trial.arm.name}, seed {trial.seed}: {result}, {outcome.seconds:.1f} s"


def _duration(seconds: float) -> str:
    """A time for people.

    >>> _duration(42), _duration(200), _duration(7300)
    ('42 s', '3 min', '2.0 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
