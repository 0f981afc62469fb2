"""Trials that train nothing: made-up results of the size of real ones, in no time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from resforge.ablation import Outcome, Store, Sweep, plan_sweep
from resforge.ablation.results.disk import transaction
from resforge.ablation.results.outcome import pack_bits
from resforge.ablation.results.owner import Owner
from resforge.ablation.running.task import Task, make_task

STEPS = 120
TESTED = 797
WEIGHTS = 8


def stand_in(task: Task, stopped: Callable[[], bool] = lambda: False) -> Outcome:
    """Numbers that depend on nothing but the task."""
    chance = Random(task.key)
    error = chance.uniform(0.02, 0.2)
    curve = tuple((step, chance.random()) for step in range(1, STEPS + 1))
    correct = [chance.random() > error for _ in range(TESTED)]
    found = 1 - sum(correct) / TESTED
    names = [f"layer{number}.weight" for number in range(WEIGHTS)]
    return Outcome(
        "done",
        train_curve=curve,
        train_errors=curve,
        test_curve=tuple((step, found, 2 * found) for step in range(20, STEPS + 1, 20)),
        steps=STEPS,
        seconds=1.0,
        environment={"torch": "none", "device": "cpu", "threads": 1},
        correct=pack_bits(correct),
        gradients=tuple(tuple((name, chance.random()) for name in names) for _ in range(2)),
        timings={"test": 0.1},
        selected=STEPS,
    )


def fill(sweep: Sweep, folder: Path, left: int) -> None:
    """A store of the sweep in which all trials but the last ``left`` are recorded.

    In one transaction: on disk, each trial that is run takes three.
    """
    plan = plan_sweep(sweep)
    done = plan.trials[: len(plan.trials) - left]
    owner = Owner.me()
    with Store(folder, create=True) as store:
        store.adopt(plan.record, owner)
        with transaction(store.database) as database:
            database.executemany(
                "UPDATE trials SET state = 'finished', attempt = 1 WHERE key = ?",
                [(trial.key,) for trial in done],
            )
            database.executemany(
                "INSERT INTO results (key, status, attempt, recorded, outcome)"
                " VALUES (?, 'done', 1, '2026-01-01T00:00:00+00:00', ?)",
                [(t.key, stand_in(make_task(plan, t)).to_json()) for t in done],
            )
        store.leave(owner)
