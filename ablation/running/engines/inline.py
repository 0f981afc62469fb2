"""Engine that runs trials in the driver's own process, one after another, for debugging."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from ...results.outcome import Outcome
from ..callbacks import Event
from ..device import choose_device, find_accelerators
from ..engine import Job
from ..task import Interrupted, StoppedError, Task, Watch, resolve, run_task


class _Listener:
    """Passes events on. What is raised there is no fault of the trial, which is stopped."""

    def __init__(self, tell: Callable[[Event], object]) -> None:
        self.tell = tell
        self.error: Exception | None = None

    def __call__(self, event: Event) -> None:
        try:
            self.tell(event)
        except Exception as error:
            self.error = error
            raise StoppedError from error


class Inline:
    """Runs one task at a time, within :meth:`events`.

    A crash of the task ends the driver, and the time limit is checked only between steps.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.device = choose_device(job.device, find_accelerators(job.device))
        self.size = 1
        self.set_aside: dict[str, str] = {}
        self.task: Task | None = None

    @property
    def running(self) -> list[Task]:
        return [self.task] if self.task is not None else []

    @property
    def has_room(self) -> bool:
        return self.task is None

    def grow(self, count: int) -> None:
        """There is one slot, which needs no start."""

    def give(self, task: Task) -> None:
        self.task = task

    def events(self, wait_seconds: float) -> Iterator[tuple[Task, Outcome | Interrupted]]:
        if self.task is None:
            time.sleep(wait_seconds)
            return
        task, deadline = self.task, time.monotonic() + self.job.timeout
        late = False

        def stopped() -> bool:
            nonlocal late
            late = time.monotonic() > deadline
            return self.job.is_to_stop() or late

        listener = _Listener(partial(self.job.tell, task)) if self.job.tell else None
        end = run_task(resolve(self.job.function), task, Watch(stopped, listener))
        self.task = None
        if listener is not None and listener.error is not None:
            raise listener.error
        if late and isinstance(end, Interrupted):
            end = Outcome.timed_out(self.job.timeout)
        yield task, end

    def stop(self) -> None:
        """The running task checks ``is_to_stop`` after each step."""

    def close(self) -> None:
        self.task = None
