"""Engine with supervised worker processes, which are replaced when they die.

A ``ProcessPoolExecutor`` is unusable once one of its processes is killed; here a killed worker
interrupts its own trial only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Any

from ....errors import ResforgeError
from ...results.outcome import Outcome
from ..callbacks import Event
from ..device import (
    choose_device,
    cores,
    find_accelerators,
    trials_per_device,
    variables_of,
)
from ..engine import Job
from ..forking import context_of, signals_blocked
from ..kinds import pack
from ..task import Interrupted, Task
from .worker import READY, work

_FAILED_STARTS = 3
#: Seconds between two of them.
_PAUSE = 0.5


class Worker:
    """One process and its task; ``slot`` is its number, from which its GPU follows."""

    def __init__(
        self,
        context: ForkServerContext | SpawnContext,
        function: str,
        slot: int,
        variables: dict[str, str],
        kinds: bytes = b"",
        listens: bool = False,
    ) -> None:
        self.slot = slot
        self.connection, child_end = context.Pipe()
        self.process = context.Process(
            target=work,
            args=(child_end, function, variables, kinds, listens),
            name="resforge-worker",
            daemon=True,
        )
        with signals_blocked():
            self.process.start()
        child_end.close()
        self.ready = False
        self.task: Task | None = None
        self.deadline = float("inf")

    def give(self, task: Task, timeout: float) -> None:
        """Send a task; its time limit starts now."""
        self.task, self.deadline = task, time.monotonic() + timeout
        with suppress(OSError):  # a worker that has just died is detected by the next receive
            self.connection.send(task)

    def receive(self) -> Outcome | Interrupted | Event | None:
        """End of its task, or an event of it; None for the first message.

        Raises ``EOFError`` if the process died.
        """
        try:
            message: Any = self.connection.recv()
        except OSError as error:
            raise EOFError from error
        self.ready = True
        if message == READY:
            return None
        if isinstance(message, Event):
            return message
        self.task, self.deadline = None, float("inf")
        end: Outcome | Interrupted = message
        return end

    def kill(self) -> int | None:
        """Kill the process and return its exit code, negative for the signal that ended it."""
        self.connection.close()
        self.process.kill()
        self.process.join()
        return self.process.exitcode


class Pool:
    """Runs tasks in up to ``job.workers`` processes, by default one for each core or GPU.

    With ``job.per_gpu`` so many share each GPU.
    """

    def __init__(self, job: Job) -> None:
        self.found = find_accelerators(job.device)
        self.device = choose_device(job.device, self.found)
        sharing = trials_per_device(job.per_gpu, self.device)
        places = cores() if self.device == "cpu" else self.found.places * sharing
        # Workers beyond the devices share them in turn, unless it was said how many may.
        self.size = places if job.workers is None else job.workers
        if job.per_gpu is not None:
            self.size = min(self.size, places)
        self.set_aside: dict[str, str] = {}
        self.function = job.function
        self.kinds = pack(job.kinds) if job.kinds else b""
        self.timeout = job.timeout
        self.tell = job.tell
        self.workers: list[Worker] = []
        self._failed_starts = 0

    @property
    def running(self) -> list[Task]:
        return [worker.task for worker in self.workers if worker.task is not None]

    @property
    def has_room(self) -> bool:
        """Whether a worker is idle."""
        return any(worker.ready and worker.task is None for worker in self.workers)

    def grow(self, count: int) -> None:
        """Start workers until there are ``count``, or :attr:`size`."""
        while len(self.workers) < min(count, self.size):
            taken = {worker.slot for worker in self.workers}
            slot = next(slot for slot in range(self.size) if slot not in taken)
            try:
                self.workers.append(self._start(slot))
            except (OSError, EOFError) as error:  # the process to fork from is gone: a new one
                self._failed(f"{type(error).__name__}: {error}")
                # One that was killed refuses for a while before the system says that it ended.
                time.sleep(_PAUSE)

    def _start(self, slot: int) -> Worker:
        variables, listens = self._variables(slot), self.tell is not None
        context = context_of(self.device)
        return Worker(context, self.function, slot, variables, self.kinds, listens)

    def _variables(self, slot: int) -> dict[str, str]:
        """Environment of the worker in a slot: that of this process, with one device visible."""
        own = {} if self.device == "cpu" else variables_of(slot, self.found)
        return {**os.environ, **own}

    def give(self, task: Task) -> None:
        """Send a task to an idle worker; there must be one."""
        idle = next(worker for worker in self.workers if worker.ready and worker.task is None)
        idle.give(task, self.timeout)

    def events(self, wait_seconds: float) -> Iterator[tuple[Task, Outcome | Interrupted]]:
        """Wait for an event for at most ``wait_seconds``, and yield the tasks that ended.

        Raises :class:`~resforge.ResforgeError` where workers repeatedly die before they are ready.
        """
        by_connection = {worker.connection: worker for worker in self.workers}
        now = time.monotonic()
        nearest = min((worker.deadline for worker in self.workers), default=now)
        for ready in wait(by_connection, max(0.0, min(wait_seconds, nearest - now))):
            yield from self._receive(by_connection[_connection(ready)])
        for worker in [w for w in self.workers if w.deadline <= time.monotonic()]:
            yield self._time_out(worker)

    def stop(self) -> None:
        """Signal every running task to write its checkpoint and stop."""
        for worker in self.workers:
            if worker.task is not None:
                worker.process.terminate()

    def close(self) -> None:
        """Kill every worker."""
        for worker in self.workers:  # at once: the end of each takes a while
            worker.process.kill()
        while self.workers:
            self.workers.pop().kill()

    def _receive(self, worker: Worker) -> Iterator[tuple[Task, Outcome | Interrupted]]:
        task = worker.task
        try:
            end = worker.receive()
        except EOFError:
            self._replace(worker)
            if task is not None:
                yield task, Interrupted(crashed=True)
            return
        self._failed_starts = 0
        if isinstance(end, Event):
            if task is not None and self.tell is not None:
                self.tell(task, end)
        elif task is not None and end is not None:
            yield task, end

    def _time_out(self, worker: Worker) -> tuple[Task, Outcome]:
        task = worker.task
        assert task is not None, "only a task has a deadline"
        self.workers.remove(worker)
        worker.kill()
        return task, Outcome.timed_out(self.timeout)

    def _replace(self, worker: Worker) -> None:
        self.workers.remove(worker)
        code = worker.kill()
        if not worker.ready:
            self._failed(f"exit code {code}")

    def _failed(self, last: str) -> None:
        """Count a worker that could not start."""
        self._failed_starts += 1
        if self._failed_starts >= _FAILED_STARTS:
            raise ResforgeError(
                f"{_FAILED_STARTS} worker processes ended before they could start (the last"
                f" with {last}); see what they printed. In a script, call"
                " run_sweep under `if __name__ == '__main__':`"
            )


def _connection(ready: Any) -> Connection[Any, Any]:
    connection: Connection[Any, Any] = ready
    return connection
