"""Engines run the trials. Results do not depend on the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ..results.outcome import Outcome
from .callbacks import Event
from .kinds import Kind
from .task import Interrupted, Task

if TYPE_CHECKING:
    from .preflight import Expected

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
    is_to_stop: Callable[[], bool] = lambda: False
    device: str = "auto"
    kinds: tuple[Kind, ...] = ()
    tell: Callable[[Task, Event], None] | None = None
    """Receives what the trials tell, in the driver's process; None: nobody listens."""
    per_gpu: int | None = None
    """Number of tasks that share each GPU; None is one, and ``workers`` may be more."""
    runtime_env: Mapping[str, Any] | None = None
    """Runtime environment of Ray's workers."""
    expected: Expected | None = None
    """What each node of a cluster is checked for."""
    note: Callable[[str], None] = lambda text: None
    """Receives messages for people."""


class Engine(Protocol):
    """Runs several tasks at a time, and survives their crashes."""

    device: str
    """Device that trials are trained on."""

    @property
    def size(self) -> int:
        """Number of tasks at a time; on a cluster it changes with the nodes."""

    @property
    def set_aside(self) -> Mapping[str, str]:
        """Nodes of a cluster that get no tasks, and why."""

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
