"""Trials on the pretend accelerator, for workers too: each installs it when a trial begins."""

from __future__ import annotations

from collections.abc import Callable

import pretend
from resforge.ablation.results.outcome import Outcome
from resforge.ablation.running.task import Task
from resforge.ablation.running.trial import run_trial


def on_pretend(task: Task, stopped: Callable[[], bool] = lambda: False) -> Outcome:
    """Trains in earnest, with the device present."""
    with pretend.present():
        return run_trial(task, stopped)
