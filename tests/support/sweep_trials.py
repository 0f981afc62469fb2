"""Trials that end in every way, for workers to run; and sweeps made of them.

Workers import this module by name, so the folder it is in must be on the path. None of it
imports torch. Trials write what they did into the folder that ``RESFORGE_TEST_LOG`` names.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from resforge.ablation import Outcome, Sweep
from resforge.ablation.running.origin import VARIABLE
from resforge.ablation.running.task import Task

Stop = Callable[[], bool]
#: Steps.
HELD_AFTER = 3


def sweep(seeds: int = 2, arms: int = 2, timeout: float = 600.0) -> Sweep:
    """A sweep of ``arms`` networks of distinct widths."""
    widths = {f"w{i}": {"stem.width": 8 - i} for i in range(arms)}
    return Sweep(sweep=1, base="digits_resnet8", arms=widths, seeds=seeds, timeout=timeout)


def real(seeds: int = 2, **recipe: Any) -> Sweep:
    """A sweep to train in earnest, for a moment."""
    return Sweep(
        sweep=1,
        base="digits_resnet8",
        arms={"plain": {"shortcut": "none"}, "A": {}},
        seeds=seeds,
        recipe={"steps": 8, "batch_size": 64, "evaluations": 2, **recipe},
    )


def outcome(task: Task) -> Outcome:
    """Numbers that depend on nothing but the task."""
    error = int(task.key[:8], 16) / 2**32
    return Outcome("done", ((1, error),), ((1, error, 2 * error),), steps=1, seconds=0.5)


def quick(task: Task, stopped: Stop) -> Outcome:
    note("start", task)
    return outcome(task)


def inherited(task: Task, stopped: Stop) -> Outcome:
    """Notes what it finds in its process and in the one that it was forked from."""
    imported = {"torch", "resforge.ablation.running.trial"} <= sys.modules.keys()
    frozen = gc.get_freeze_count() > 100_000
    threads = len(os.listdir(f"/proc/{os.getppid()}/task"))
    found = (imported, gc.isenabled(), frozen, threads, VARIABLE in os.environ)
    log_file().write_text(repr(found))
    return outcome(task)


def slow(task: Task, stopped: Stop) -> Outcome:
    """Takes long enough to be killed in the middle; after the first, as long as it is held."""
    note("start", task)
    time.sleep(0.15)
    if notes(log_file(), "end"):
        wait_while_held(stopped)
    note("end", task)
    return outcome(task)


def endless(task: Task, stopped: Stop) -> Outcome:
    note("start", task)
    time.sleep(3600)
    return outcome(task)


def lasting(task: Task, stopped: Stop) -> Outcome:
    """Takes longer, the first time, than the leases of the test that runs it."""
    first = not starts(task)
    note("start", task)
    time.sleep(1.5 if first else 0.0)
    return outcome(task)


def stepwise(task: Task, stopped: Stop) -> Outcome:
    """Trains in earnest, without hurry, and notes every step and every start from nothing; where
    it is held, it takes three steps and waits."""
    from resforge.ablation.running.trial import run_trial

    def after_a_step() -> bool:
        note("step", task)
        time.sleep(0.05)
        done = sum(key == task.key for key, _ in notes(log_file(), "step"))
        if done == HELD_AFTER:
            wait_while_held(stopped)
        return stopped()

    note("start", task)
    if not Path(task.checkpoint).exists():
        note("afresh", task)
    return run_trial(task, after_a_step)


def on_a_node(task: Task, stopped: Stop) -> Outcome:
    """Trains in earnest, without hurry, and notes the node of the cluster."""
    import ray
    from resforge.ablation.running.trial import run_trial

    note(f"node:{ray.get_runtime_context().get_node_id()}", task)

    def after_a_step() -> bool:
        time.sleep(0.2)
        return stopped()

    return run_trial(task, after_a_step)


def visible(task: Task, stopped: Stop) -> Outcome:
    """Notes which GPUs its process sees, and takes long enough for another to take the next."""
    note(f"sees:{os.environ.get('CUDA_VISIBLE_DEVICES')}:{task.device}", task)
    time.sleep(1.0)
    return outcome(task)


def dies_once(task: Task, stopped: Stop) -> Outcome:
    """Killed at the first attempt at each trial."""
    first = not starts(task)
    note("start", task)
    if first:
        os.kill(os.getpid(), signal.SIGKILL)
    return outcome(task)


def each_in_its_way(task: Task, stopped: Stop) -> Outcome:
    """The seed decides."""
    note("start", task)
    if task.seed == 1:
        raise ValueError("no\x1b[31m such <b>luck</b>")
    if task.seed == 2:
        ctypes.string_at(0)
    if task.seed == 3:
        time.sleep(3600)
    if task.seed == 4:
        return Outcome("diverged", ((1, 2.5),), steps=1, seconds=0.1)
    if task.seed == 5:
        sys.exit("a trial that leaves")
    return outcome(task)


def log_file() -> Path:
    return Path(os.environ["RESFORGE_TEST_LOG"])


def hold() -> Path:
    """While this file is there, trials wait in the middle: so a test finds them there, however
    slow the machine. Trials that are told to stop wait no longer."""
    return log_file().with_suffix(".hold")


def wait_while_held(stopped: Stop) -> None:
    while hold().exists() and not stopped():
        time.sleep(0.01)


def note(what: str, task: Task) -> None:
    """One line that a kill cannot tear: appended in a single write."""
    log = os.environ.get("RESFORGE_TEST_LOG")
    if log:
        with Path(log).open("a") as file:
            file.write(f"{what} {task.key} {os.getpid()}\n")


def notes(log: Path, what: str) -> list[tuple[str, int]]:
    """Key and process of each note of that kind."""
    lines = log.read_text().split("\n") if log.exists() else []
    found = [line.split() for line in lines if line.startswith(f"{what} ")]
    return [(key, int(pid)) for _, key, pid in found]


def starts(task: Task) -> int:
    return sum(key == task.key for key, _ in notes(log_file(), "start"))
