"""Engines: who runs the trials. None is part of a sweep, or of what its results are."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from ...errors import ResforgeError
from ..results.outcome import Outcome
from .device import DeviceKind, DeviceName
from .task import Cut, Task

EngineName = Literal["process", "inline", "ray"]


@dataclass(frozen=True)
class Job:
    """What an engine is to do: run ``function``, ``module:name`` of a
    :data:`~resforge.ablation.running.task.RunTask`, ``timeout`` seconds at most for each task, and
    ``workers`` at once (None: as many as there are cores, or GPUs) on a ``device``.

    ``meanwhile`` is for engines that run tasks in the driver's own process: called after each
    step, it does what the driver has to do and says whether to stop.
    """

    function: str
    timeout: float
    workers: int | None
    meanwhile: Callable[[], bool]
    device: DeviceName = "auto"


class Engine(Protocol):
    """Runs tasks, some at a time, and outlives their crashes."""

    device: DeviceKind
    """What they are trained on."""
    size: int
    """How many at a time."""

    @property
    def running(self) -> list[Task]:
        """The tasks it is at."""

    @property
    def has_room(self) -> bool:
        """Whether a task could be given now."""

    def grow(self, wanted: int) -> None:
        """Make room for ``wanted`` tasks in all, as far as it can."""

    def give(self, task: Task) -> None:
        """Start a task; there must be room."""

    def events(self, wait_seconds: float) -> Iterator[tuple[Task, Outcome | Cut]]:
        """Wait until something happens, or for ``wait_seconds``, and say which tasks ended how:
        with an outcome, or cut off because they were stopped or their process died.

        Raises :class:`~resforge.ResforgeError` where no task can be run at all.
        """

    def stop(self) -> None:
        """Tell every running task to write its checkpoint and stop."""

    def close(self) -> None:
        """End everything, whatever it is at."""


def make_engine(name: str, job: Job) -> Engine:
    """The engine of that name. Raises :class:`~resforge.ResforgeError` for another name, and where
    its library or its device is missing."""
    if name == "process":
        from .pool import Pool

        return Pool(job)
    if name == "inline":
        from .inline import Inline

        return Inline(job)
    if name == "ray":
        from .on_ray import OnRay

        return OnRay(job)
    raise ResforgeError(f"there is no engine {name!r}: use process, inline or ray")


def cores() -> int:
    """Cores this process may use: fewer than the machine has, under taskset and some batch
    systems."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
