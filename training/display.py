"""Progress display: a bar on a terminal, plain lines on any other stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


class Display:
    """Plain lines on a stream."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def note(self, text: str) -> None:
        """Print a line."""
        print(text, file=self.stream, flush=True)

    def close(self) -> None:
        """Release the terminal."""


class BarDisplay(Display):
    """A progress bar with the expected time left; lines are printed above it."""

    def __init__(self, stream: TextIO, *, transient: bool) -> None:
        super().__init__(stream)
        self.transient = transient
        """Whether the bar disappears at the end."""
        self.bar: Bar | None = None
        self.task: TaskID | None = None

    def open(self, total: int, done: int, text: str) -> None:
        """Show the bar with ``text`` at its end."""
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
            transient=self.transient,
        )
        self.bar.start()
        self.task = self.bar.add_task(text, total=total, completed=done)

    def update(self, text: str, done: int | None = None) -> None:
        """Change the text of the bar, and its length where ``done`` is given."""
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=done, description=text)

    def note(self, text: str) -> None:
        if self.bar is None:
            super().note(text)
        else:
            self.bar.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
