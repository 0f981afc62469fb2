"""A trial as it is handed to whoever runs it: texts and numbers, fit for any wire."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..results.outcome import Outcome
from .checkpoint import EVERY, checkpoint_path
from .device import DeviceKind

if TYPE_CHECKING:
    from ..planning.plan import SweepPlan, Trial


@dataclass(frozen=True, slots=True)
class Task:
    """``spec``, ``recipe`` and ``data`` are JSON; ``fingerprint`` is what the data must have.

    ``checkpoint`` is the file for the trial's state, written every ``checkpoint_seconds``; empty
    for none.
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
    device: DeviceKind = "cpu"


def make_task(
    plan: SweepPlan,
    trial: Trial,
    folder: Path | None = None,
    checkpoint_seconds: float = EVERY,
    device: DeviceKind = "cpu",
) -> Task:
    """The task of one trial of a plan; with the ``folder`` of the sweep, it keeps checkpoints.

    Its paths are absolute: whoever runs it may be at work in another folder.
    """
    return Task(
        key=trial.key,
        arm=trial.arm.name,
        spec=trial.arm.spec.to_json(),
        recipe=plan.sweep.recipe.model_dump_json(),
        data=plan.sweep.data.beside(Path.cwd()).model_dump_json(),
        fingerprint=plan.fingerprint,
        seed=trial.seed,
        checkpoint=str(checkpoint_path(folder.absolute(), trial.key)) if folder else "",
        checkpoint_seconds=checkpoint_seconds,
        device=device,
    )


@dataclass(frozen=True, slots=True)
class Cut:
    """A task that came to no end and may be given out again; ``crashed``: its process died."""

    crashed: bool = False
    note: str = ""


class StoppedError(Exception):
    """Raised by a trial that was told to stop; its text is for people, and mostly empty."""


#: Runs a task; asks now and then whether it should stop, and then raises :class:`StoppedError`.
RunTask = Callable[[Task, Callable[[], bool]], Outcome]


def resolve(function: str) -> RunTask:
    """The function that ``module:name`` names."""
    module, _, name = function.partition(":")
    found: RunTask = getattr(import_module(module), name)
    return found


def run_task(run: RunTask, task: Task, stopped: Callable[[], bool]) -> Outcome | Cut:
    """What the task came to; an error it raises is an outcome like any other."""
    try:
        return run(task, stopped)
    except StoppedError as stop:
        return Cut(note=str(stop))
    except Exception:
        return Outcome("failed", error=traceback.format_exc())
