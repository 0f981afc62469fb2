"""Processes killed at random moments: nothing lost, nothing twice, next to nothing done again."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import sweep_trials
from resforge.ablation import plan_sweep, read_records, retry_trials, run_sweep
from resforge.ablation.running.task import make_task
from resforge.ablation.running.trial import run_trial
from resforge.errors import StoreError

SUPPORT = str(Path(__file__).parent / "support")

STEPS = 8
DRIVER = f"""
import sys
sys.path.insert(0, {SUPPORT!r})
from resforge.ablation import run_sweep
import sweep_trials
run_sweep(
    sweep_trials.real(int(sys.argv[2])), sys.argv[1], workers=2,
    trial="sweep_trials:stepwise", checkpoint_seconds=0.0,
)
"""


class Killer:
    """Runs a sweep in a process of its own and kills it or one of its workers now and then."""

    def __init__(self, out: Path, seeds: int, chance: random.Random) -> None:
        self.out, self.seeds, self.chance = out, seeds, chance
        self.killed: Counter[str] = Counter()
        self.recorded: dict[str, int] = {}
        self.process = self._start()

    def kill(self, longest: float) -> None:
        """Wait for a moment of up to so many seconds and kill one process."""
        time.sleep(self.chance.uniform(0.0, longest))
        if self.process.poll() is not None:  # it had come to the end
            assert self.process.returncode == 0
            self._take_back_crashes()
            self.process = self._start()
        workers = self._workers()
        if workers and self.chance.random() < 0.5:
            with suppress(ProcessLookupError):
                os.kill(self.chance.choice(workers), signal.SIGKILL)
            self.killed["worker"] += 1
            return
        self.process.kill()
        self.process.wait()
        self.killed["driver"] += 1
        self._check()
        self.process = self._start()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._check()
        self._take_back_crashes()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", DRIVER, str(self.out), str(self.seeds)]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def _workers(self) -> list[int]:
        """Processes that were forked from the one that the driver started for that."""
        origins = [pid for pid in children_of(self.process.pid) if b"forkserver" in command_of(pid)]
        return [worker for pid in origins for worker in children_of(pid)]

    def _check(self) -> None:
        """The store is whole, and what was ever recorded still is."""
        if not (self.out / "results.sqlite").exists():
            return
        with closing(sqlite3.connect(self.out / "results.sqlite")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            now = attempts(database)
        assert self.recorded.items() <= now.items()
        self.recorded = now

    def _take_back_crashes(self) -> None:
        """A trial whose process was killed twice in a row is recorded as crashed."""
        with suppress(StoreError):  # nothing was planned yet
            retry_trials(self.out, ["crashed"])


def children_of(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(pid) for pid in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def command_of(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def attempts(database: sqlite3.Connection) -> dict[str, int]:
    """By which attempt each trial that is done was recorded; none where the tables are not made."""
    with suppress(sqlite3.OperationalError):
        found = database.execute("SELECT key, attempt FROM results WHERE status = 'done'")
        return dict(found.fetchall())
    return {}


@pytest.mark.parametrize(
    ("kills", "seeds", "longest"),
    [(4, 3, 6.0), pytest.param(200, 150, 6.0, marks=pytest.mark.slow)],
)
def test_nothing_is_lost_whoever_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int, seeds: int, longest: float
) -> None:
    log, out = tmp_path / "log", tmp_path / "out"
    monkeypatch.setenv("RESFORGE_TEST_LOG", str(log))
    killer = Killer(out, seeds, random.Random(7))
    for _ in range(kills):
        killer.kill(longest)
    killer.end()
    sweep = sweep_trials.real(seeds)
    summary = run_sweep(sweep, out, 2, trial="sweep_trials:stepwise", checkpoint_seconds=0.0)
    total = 2 * seeds
    assert summary.statuses == {"done": total}

    plan = plan_sweep(sweep)
    quiet: dict[str, Any] = {t.key: run_trial(make_task(plan, t)).numbers for t in plan.trials}
    assert {t.key: t.outcome.numbers for t in read_records(out).all_trials} == quiet
    again = len(sweep_trials.notes(log, "afresh")) - total
    repeated = len(sweep_trials.notes(log, "step")) - total * STEPS
    done = sum(killer.killed.values()) + 1  # the last one ended it
    print(f"{total} trials, {done} kills {dict(killer.killed)}: {again} begun again, ", end="")
    print(f"{repeated} of {total * STEPS} steps repeated")
    assert 0 <= again <= done
    assert 0 <= repeated <= done * STEPS
