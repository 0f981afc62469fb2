"""Trials of searches: numbers that follow from the network and the seed alone."""

from __future__ import annotations

import json
import os
import signal

import sweep_trials
from resforge.ablation import Outcome
from resforge.ablation.running.task import Task

Stop = sweep_trials.Stop
CUT_AT = 15


def scored(task: Task, stopped: Stop) -> Outcome:
    """Smaller is better on the images set aside, and worse on the test images; every eighth trial
    diverges."""
    sweep_trials.note("start", task)
    if int(task.key[:8], 16) % 8 == 0:
        return Outcome("diverged", ((1, 2.5),), steps=1, seconds=0.1)
    stages = json.loads(task.spec)["stages"]
    error = sum(stage["depth"] * stage["width"] for stage in stages) / 4000 + task.seed / 100
    curves = {"test_curve": ((1, 1 - error, 1.0),), "validation_curve": ((1, error, 1.0),)}
    return Outcome("done", ((1, error),), steps=1, seconds=0.5, **curves)


def interrupted(task: Task, stopped: Stop) -> Outcome:
    """Somebody presses Ctrl-C in the middle of the second batch."""
    return _cut(task, stopped, signal.SIGINT)


def killed(task: Task, stopped: Stop) -> Outcome:
    return _cut(task, stopped, signal.SIGKILL)


def _cut(task: Task, stopped: Stop, by: signal.Signals) -> Outcome:
    found = scored(task, stopped)
    if len(sweep_trials.notes(sweep_trials.log_file(), "start")) == CUT_AT:
        os.kill(os.getpid(), by)
    return found
