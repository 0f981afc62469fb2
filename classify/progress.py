"""Progress of a run: a line for each epoch, and a bar on a terminal."""

from __future__ import annotations

import sys
from typing import TextIO

from ..training.display import BarDisplay, Display
from .runs.record import Epoch


class Progress:
    """Receiver of the events of a run, which ignores them."""

    def start(self, total: int, done: int) -> None:
        """Called before training, with the number of steps and of those done already."""

    def step(self, done: int, loss: float) -> None:
        """Called after each step, with the number of steps done and the loss before the last."""

    def epoch(self, epoch: Epoch, best: bool) -> None:
        """Called after each epoch; ``best``: whether it is the best so far."""

    def note(self, text: str) -> None:
        """Called with a message for the user."""

    def close(self) -> None:
        """Called at the end."""


class Lines(Display, Progress):
    """One line for each epoch."""

    def start(self, total: int, done: int) -> None:
        self.note(HEADER)

    def epoch(self, epoch: Epoch, best: bool) -> None:
        self.note(line(epoch, best))


class LiveBar(BarDisplay, Progress):
    """One line for each epoch, above a bar of steps."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream, transient=True)

    def start(self, total: int, done: int) -> None:
        self.open(total, done, "reading pictures")
        self.note(HEADER)

    def step(self, done: int, loss: float) -> None:
        self.update(f"loss {loss:.3f}", done)

    def epoch(self, epoch: Epoch, best: bool) -> None:
        self.note(line(epoch, best))


HEADER = "epoch  train loss  train acc.  val loss  val acc.  learning rate      time"


def line(epoch: Epoch, best: bool) -> str:
    """An epoch as a row under :data:`HEADER`."""
    return (
        f"{epoch.epoch:>5}  {epoch.train_loss:>10.4f}  {_percent(epoch.train_accuracy):>10}"
        f"  {epoch.val_loss:>8.4f}  {_percent(epoch.val_accuracy):>8}  {epoch.learning_rate:>13.3g}"
        f"  {epoch.seconds:>6.1f} s{'  best' if best else ''}"
    )


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{100 * fraction:.2f}%"


def progress_on(stream: TextIO | None = None) -> Progress:
    """A bar where ``stream`` (default: standard error) is a terminal, plain lines elsewhere."""
    stream = stream or sys.stderr
    return LiveBar(stream) if stream.isatty() else Lines(stream)
