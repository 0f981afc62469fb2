"""Engines run the trials. Results do not depend on the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from ..results.outcome import Outcome
from .kinds import Kind
from .task import Interrupted, Task

EngineName = Literal["process", "inline", "ray"]


@dataclass(frozen=True)
class Job:
    """Settings of an engine.

    ``function`` is ``module:name`` of a :data:`~resforge.ablation.running.task.RunTask`,
    ``timeout`` the time limit of a task in seconds, and ``workers`` the number of tasks at once;
    None is one for each core or GPU. Workers register
    ``kinds`` before their first task. Engines that run tasks in the driver's own process call
    ``is_to_stop`` after each step; it also renews the driver's claims.
    """

    function: str
    timeout: float
    workers: int | None
    is_to_stop: Callable[[], bool]
    device: str = "auto"
    kinds: tuple[Kind, ...] = ()


class Engine(Protocol):
    """Runs several tasks at a time, and survives their crashes."""

    device: str
    """Device that trials are trained on."""
    size: int
    """Number of tasks at a time."""

    @property
    def running(self) -> list[Task]:
        """Tasks that are running."""

    @property
    def has_room(self) -> bool:
        """Whether :meth:`give` can be called."""

    def grow(self, count: int) -> None:
        """Start workers until there are ``count``, or :attr:`size`."""

    def give(self, task: Task) -> None:
        """Start a task; :attr:`has_room` must be true."""

    def events(self, wait_seconds: float) -> Iterator[tuple[Task, Outcome | Interrupted]]:
        """Wait for an event for at most ``wait_seconds``, and yield the tasks that ended.

        A task ends with an outcome, or interrupted, if it was stopped or its process died. Raises
        :class:`~resforge.ResforgeError` where no task can be run at all.
        """

    def stop(self) -> None:
        """Signal every running task to write its checkpoint and stop."""

    def close(self) -> None:
        """Terminate all workers and their tasks."""
