"""Trials for clusters: they note where they run, and with how many others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import look_trials
import sweep_trials
from resforge.ablation import Outcome, read_records
from resforge.ablation.running.task import Task

Stop = sweep_trials.Stop


def on_a_node(task: Task, stopped: Stop) -> Outcome:
    """Notes the node of the cluster; while it is held, waits."""
    import ray

    sweep_trials.note(f"node:{ray.get_runtime_context().get_node_id()}", task)
    sweep_trials.wait_while_held(stopped)
    return sweep_trials.outcome(task)


def beside(task: Task, stopped: Stop) -> Outcome:
    """Notes the device and the GPUs that it sees; while it is held, waits."""
    sees = os.environ.get("CUDA_VISIBLE_DEVICES")
    sweep_trials.note(f"sees:{task.device}:{sees}", task)
    sweep_trials.wait_while_held(stopped)
    return sweep_trials.outcome(task)


def scored(task: Task, stopped: Stop) -> Outcome:
    """A trial of a sweep with looks that notes a variable of its environment."""
    sweep_trials.note(f"env:{os.environ.get('RESFORGE_TEST_ENV')}", task)
    return look_trials.scored(task, stopped)


def killing(task: Task, stopped: Stop) -> Outcome:
    """The driver is killed in the middle of the second look, once it has recorded the trial before
    this one: it gives a trial before it records another."""
    if len(sweep_trials.notes(sweep_trials.log_file(), "start")) == look_trials.CUT_AT:
        deadline = time.monotonic() + 60.0
        while len(read_records(Path(task.checkpoint).parents[1]).all_trials) < look_trials.CUT_AT:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        driver = multiprocessing.parent_process()
        assert driver is not None
        os.kill(driver.pid or 0, signal.SIGKILL)
        time.sleep(60.0)  # this process ends sooner, after its driver
    return look_trials.scored(task, stopped)
