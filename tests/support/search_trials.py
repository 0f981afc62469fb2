"""Trials of searches: numbers that follow from the network and the seed alone."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import sweep_trials
from resforge.ablation import Outcome
from resforge.ablation.running.task import Task

SPACE = """\
space: 1
base: digits_resnet8
free:
  stages[*].depth: {int: [1, 4]}
  stages[*].width: {int: [8, 32], step: 8}
  shortcut: [zero_pad, projection]
"""

Stop = sweep_trials.Stop
CUT_AT = 15
KILLED_AT = (9, 15)


def prepare(folder: Path, sweep: str, patch: pytest.MonkeyPatch) -> Path:
    """Write a space and a sweep that searches it into a folder; trials are noted there."""
    patch.setenv("RESFORGE_TEST_LOG", str(folder / "log"))
    (folder / "space.yaml").write_text(SPACE)
    (folder / "sweep.yaml").write_text(sweep)
    # Charts of every run would take most of the time here; one test draws them.
    patch.setattr("resforge.ablation.reporting.report.write_report", lambda out, **_: out)
    return folder


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


def halved(task: Task, stopped: Stop) -> Outcome:
    """A recipe of 12 steps, evaluated six times, each step noted; goes on from the checkpoint of
    the whole trial. Large networks are better. Errors rise with the steps, so that a network that
    was stopped early looks better than it would at the end."""
    sweep_trials.note("start", task)
    checkpoint, last = Path(task.checkpoint), task.until or 12
    for _ in range(int(checkpoint.read_text()) if checkpoint.exists() else 0, last):
        sweep_trials.note("step", task)
    if int((task.whole or task.key)[:8], 16) % 3 == 0:
        return Outcome("diverged", ((1, 2.5),), steps=1, seconds=0.1)
    stages = json.loads(task.spec)["stages"]
    error = 1 - sum(stage["depth"] * stage["width"] for stage in stages) / 4000
    curve = tuple(
        (step, error * (0.3 + step / 40) + task.seed / 100, 1.0) for step in range(2, last + 1, 2)
    )
    checkpoint.write_text(str(last))
    return Outcome(
        "stopped" if task.until else "done",
        ((last, 1.0),),
        curve,
        steps=last,
        seconds=0.5,
        validation_curve=curve,
        selected=last,
    )


def halved_and_killed(task: Task, stopped: Stop) -> Outcome:
    """Killed twice: at the first rung, and at a later one."""
    found = halved(task, stopped)
    if len(sweep_trials.notes(sweep_trials.log_file(), "start")) in KILLED_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    return found


def opposed(task: Task, stopped: Stop) -> Outcome:
    """Large networks have small errors; every eighth trial diverges."""
    if int(task.key[:8], 16) % 8 == 0:
        return Outcome("diverged", ((1, 2.5),), steps=1, seconds=0.1)
    stages = json.loads(task.spec)["stages"]
    error = 1 / (1 + sum(stage["depth"] * stage["width"] for stage in stages) / 100)
    curve = ((1, error + task.seed / 100, 1.0),)
    return Outcome("done", ((1, error),), curve, steps=1, seconds=0.5, validation_curve=curve)
