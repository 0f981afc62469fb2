"""Telling a person how a run goes: a bar on a terminal, and a line for each epoch."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from .runs.record import Epoch

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


class Progress(Protocol):
    """Whoever wants to follow a run."""

    def start(self, total: int, done: int) -> None:
        """Before anything is trained: the steps there are, and those done already."""

    def step(self, done: int, loss: float) -> None:
        """So many steps are done; the loss before the last."""

    def epoch(self, epoch: Epoch, best: bool) -> None:
        """An epoch is over; whether it is the best so far."""

    def note(self, text: str) -> None:
        """Something worth a line."""

    def close(self) -> None:
        """Nothing more will come."""


class Silence:
    """Tells nobody."""

    def start(self, total: int, done: int) -> None: ...

    def step(self, done: int, loss: float) -> None: ...

    def epoch(self, epoch: Epoch, best: bool) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class Lines(Silence):
    """The epochs as a table of plain lines."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def start(self, total: int, done: int) -> None:
        self.note(HEADER)

    def epoch(self, epoch: Epoch, best: bool) -> None:
        self.note(line(epoch, best))

    def note(self, text: str) -> None:
        print(text, file=self.stream, flush=True)


class LiveBar(Lines):
    """The same with a bar below it."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.bar: Bar | None = None
        self.task: TaskID | None = None

    def start(self, total: int, done: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            Remaining(),
            TextColumn("{task.description}", markup=False),
            console=Console(file=self.stream),
            transient=True,
        )
        self.bar.start()
        self.task = self.bar.add_task("reading pictures", total=total, completed=done)
        super().start(total, done)

    def step(self, done: int, loss: float) -> None:
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=done, description=f"loss {loss:.3f}")

    def note(self, text: str) -> None:
        if self.bar is None:
            super().note(text)
        else:
            self.bar.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


HEADER = "epoch  train loss  val loss  val accuracy  learning rate      time"


def line(epoch: Epoch, best: bool) -> str:
    """An epoch as a row under :data:`HEADER`."""
    return (
        f"{epoch.epoch:>5}  {epoch.train_loss:>10.4f}  {epoch.val_loss:>8.4f}"
        f"  {100 * epoch.val_accuracy:>11.2f}%  {epoch.learning_rate:>13.3g}"
        f"  {epoch.seconds:>6.1f} s{'  best' if best else ''}"
    )


def progress_on(stream: TextIO | None = None) -> Progress:
    """A bar where ``stream`` (default: standard error) is a terminal, plain lines elsewhere."""
    stream = stream or sys.stderr
    return LiveBar(stream) if stream.isatty() else Lines(stream)
