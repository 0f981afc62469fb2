"""Tasks: trials in plain text and numbers, as an engine sends them to its workers."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..results.outcome import Outcome
from .callbacks import Event
from .checkpoint import EVERY, checkpoint_path

if TYPE_CHECKING:
    # Workers have no use for what plans are made of.
    from ..planning.plan import SweepPlan, Trial


@dataclass(frozen=True, slots=True)
class Task:
    """A trial to run.

    ``spec``, ``recipe`` and ``data`` are JSON; the data must have the ``fingerprint``.
    ``checkpoint`` is the file for the trial's state, written every ``checkpoint_seconds``; it may
    be empty.
    """

    key: str
    arm: str
    spec: str
    recipe: str
    data: str
    fingerprint: str
    seed: int
    checkpoint: str = ""
    checkpoint_seconds: float = EVERY
    device: str = "cpu"
    until: int | None = None
    """Step after which it is stopped; None for a complete trial."""
    whole: str = ""
    """Key of the complete trial, where this one is stopped: they share their checkpoint."""


def make_task(
    plan: SweepPlan,
    trial: Trial,
    folder: Path | None = None,
    checkpoint_seconds: float = EVERY,
    device: str = "cpu",
) -> Task:
    """The task of one trial of a plan; it writes checkpoints only if ``folder`` is given.

    Its paths are absolute, since a worker may have another current folder.
    """
    return Task(
        key=trial.key,
        arm=trial.arm.name,
        spec=trial.arm.spec.to_json(),
        recipe=trial.arm.recipe.model_dump_json(),
        data=plan.sweep.data.beside(Path.cwd()).model_dump_json(),
        fingerprint=plan.fingerprint,
        seed=trial.seed,
        checkpoint=str(checkpoint_path(folder.absolute(), trial.checkpoint)) if folder else "",
        checkpoint_seconds=checkpoint_seconds,
        device=device,
        until=trial.until,
        whole=trial.whole,
    )


@dataclass(frozen=True, slots=True)
class Interrupted:
    """End of a task without an outcome, to be run again; ``crashed`` if its process died."""

    crashed: bool = False
    note: str = ""


class StoppedError(Exception):
    """Raised by a trial that was asked to stop; its text, often empty, is a note for people."""


class Watch:
    """What a trial asks and tells while it trains.

    A call says whether it is to stop; :meth:`tell` passes an event on, where anybody listens.
    """

    def __init__(
        self, stopped: Callable[[], bool], tell: Callable[[Event], object] | None = None
    ) -> None:
        self.stopped = stopped
        self.listener = tell

    def __call__(self) -> bool:
        return self.stopped()

    def tell(self, event: Event) -> None:
        if self.listener is not None:
            self.listener(event)


#: Runs a task; its second argument, a :class:`Watch`, says whether to stop, which raises
#: :class:`StoppedError`.
RunTask = Callable[[Task, Callable[[], bool]], Outcome]


def resolve(function: str) -> RunTask:
    """The function that ``module:name`` names."""
    module, _, name = function.partition(":")
    run: RunTask = getattr(import_module(module), name)
    return run


def run_task(run: RunTask, task: Task, stopped: Callable[[], bool]) -> Outcome | Interrupted:
    """Run a task; an exception that it raises becomes an outcome with the status ``failed``."""
    try:
        return run(task, stopped)
    except StoppedError as stop:
        return Interrupted(note=str(stop))
    except Exception:
        return Outcome("failed", error=traceback.format_exc())
