"""Supervised worker processes: started, handed tasks, watched, replaced.

A ``ProcessPoolExecutor`` breaks for good when one of its processes is killed; here a killed
worker costs the trial it was at and nothing else.
"""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from ...errors import ResforgeError
from ..results.outcome import Outcome
from .device import choose_device, count_gpus, gpu_of
from .engine import Job, cores
from .task import Cut, Task
from .worker import BLOCKED, READY, work

_FAILED_STARTS = 3


class Worker:
    """One process and the task it is at; ``slot`` is its place among the others."""

    def __init__(self, function: str, slot: int, variables: dict[str, str]) -> None:
        self.slot = slot
        # Spawned, not forked: a child must not inherit locks held by a thread that it lacks.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=work, args=(theirs, function, variables), name="resforge-worker", daemon=True
        )
        with _signals_blocked():
            self.process.start()
        theirs.close()
        self.ready = False
        self.task: Task | None = None
        self.deadline = float("inf")

    def give(self, task: Task, timeout: float) -> None:
        """Hand over a task; its time runs from now."""
        self.task, self.deadline = task, time.monotonic() + timeout
        with suppress(OSError):  # if it has just died, the next look at it will say so
            self.connection.send(task)

    def receive(self) -> Outcome | Cut | None:
        """How its task ended, if it sent that. Raises ``EOFError`` where the process is gone."""
        try:
            message: Any = self.connection.recv()
        except OSError as error:
            raise EOFError from error
        self.ready = True
        if message == READY:
            return None
        self.task, self.deadline = None, float("inf")
        end: Outcome | Cut = message
        return end

    def kill(self) -> int | None:
        """End the process now; its exit code, negative for the signal that had ended it before."""
        self.connection.close()
        self.process.kill()
        self.process.join()
        return self.process.exitcode


class Pool:
    """Up to ``job.workers`` processes, by default one for each core, or for each GPU.

    Every call to :meth:`events` says what happened since the last: ``(task, outcome)`` for a
    task that came to an end, ``(task, cut)`` for one that stopped or whose process died under it.
    """

    def __init__(self, job: Job) -> None:
        self.gpus = count_gpus(job.device)
        self.device = choose_device(job.device, self.gpus)
        self.size = job.workers or (self.gpus if self.device == "cuda" else cores())
        self.function = job.function
        self.timeout = job.timeout
        self.workers: list[Worker] = []
        self._failed_starts = 0

    @property
    def running(self) -> list[Task]:
        return [worker.task for worker in self.workers if worker.task is not None]

    @property
    def has_room(self) -> bool:
        """Whether a task could be handed out now."""
        return any(worker.ready and worker.task is None for worker in self.workers)

    def grow(self, wanted: int) -> None:
        """Start workers until there are ``wanted``, or ``size``."""
        while len(self.workers) < min(wanted, self.size):
            taken = {worker.slot for worker in self.workers}
            slot = next(slot for slot in range(self.size) if slot not in taken)
            variables = gpu_of(slot, self.gpus) if self.device == "cuda" else {}
            self.workers.append(Worker(self.function, slot, variables))

    def give(self, task: Task) -> None:
        """Hand a task to an idle worker; there must be one."""
        idle = next(worker for worker in self.workers if worker.ready and worker.task is None)
        idle.give(task, self.timeout)

    def events(self, wait_seconds: float) -> Iterator[tuple[Task, Outcome | Cut]]:
        """Wait until something happens, or for ``wait_seconds``, and say what did.

        Raises :class:`~resforge.ResforgeError` where workers die again and again before they
        are ready.
        """
        by_connection = {worker.connection: worker for worker in self.workers}
        now = time.monotonic()
        nearest = min((worker.deadline for worker in self.workers), default=now)
        for ready in wait(by_connection, max(0.0, min(wait_seconds, nearest - now))):
            yield from self._look_at(by_connection[_connection(ready)])
        for worker in [w for w in self.workers if w.deadline <= time.monotonic()]:
            yield self._time_out(worker)

    def stop(self) -> None:
        """Tell every running task to write its checkpoint and stop."""
        for worker in self.workers:
            if worker.task is not None:
                worker.process.terminate()

    def close(self) -> None:
        """End every worker, whatever it is at."""
        while self.workers:
            self.workers.pop().kill()

    def _look_at(self, worker: Worker) -> Iterator[tuple[Task, Outcome | Cut]]:
        task = worker.task
        try:
            end = worker.receive()
        except EOFError:
            self._bury(worker)
            if task is not None:
                yield task, Cut(crashed=True)
            return
        self._failed_starts = 0
        if task is not None and end is not None:
            yield task, end

    def _time_out(self, worker: Worker) -> tuple[Task, Outcome]:
        task = worker.task
        assert task is not None, "only a task has a deadline"
        self.workers.remove(worker)
        worker.kill()
        return task, Outcome.timed_out(self.timeout)

    def _bury(self, worker: Worker) -> None:
        self.workers.remove(worker)
        code = worker.kill()
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS:
                raise ResforgeError(
                    f"{_FAILED_STARTS} worker processes ended before they could start (the last"
                    f" with exit code {code}); what they printed says why. In a script, call"
                    " run_sweep under `if __name__ == '__main__':`"
                )


def _connection(ready: Any) -> Connection[Any, Any]:
    found: Connection[Any, Any] = ready
    return found


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """What goes to a whole group blocked across a start: the child inherits that until it has
    handlers of its own."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
