"""A trial whose workers cannot start, although it can be imported."""

from __future__ import annotations

import sweep_trials
from resforge.ablation import Outcome
from resforge.ablation.running.task import Task


def run(task: Task, stopped: sweep_trials.Stop) -> Outcome:
    return sweep_trials.outcome(task)


def warm_up() -> None:
    raise RuntimeError("this worker cannot start")
