"""Sweeps of small trials: ``resforge sweep run`` with two workers of one thread, against the same
trials written by hand, one after another in one process of two threads.

Both are whole commands, from the start of Python to its end, the report among what ours does. A row
is of one trial: 60,000 over its milliseconds are trials per minute. The rates are those while
trials are trained, without start and end. The deep networks have ten seeds: with four, only large
differences would be found (``docs/verdicts.md``), and twelve trials are mostly start and report, as
those of the small networks are. How well the workers are used is that of
``examples/shortcuts.yaml``, whose 40 trials take a minute.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from resforge.ablation import read_records

from .rows import AnyRow, Figure, Row
from .turns import figure_of

ROOT = Path(__file__).parents[1]
BASE = "digits_resnet8"
WORKERS = 2
ARMS: dict[str, dict[str, Any]] = {
    "plain": {"shortcut": "none"},
    "A": {"shortcut": "zero_pad"},
    "B": {"shortcut": "projection"},
}


class Case(NamedTuple):
    """Networks of three stages of so many blocks, their recipe, and the number of seeds."""

    depth: int
    recipe: dict[str, Any]
    seeds: int

    @property
    def arms(self) -> dict[str, dict[str, Any]]:
        return {name: {"stages[*].depth": self.depth, **arm} for name, arm in ARMS.items()}

    @property
    def trials(self) -> int:
        return len(self.arms) * self.seeds


CASES = {
    "56 layers": Case(9, {"steps": 30, "batch_size": 128, "evaluations": 2}, seeds=10),
    "8 layers": Case(1, {"steps": 60, "batch_size": 64, "evaluations": 2}, seeds=4),
}
#: A turn of both takes a minute and a half.
MOST_TURNS = 3


class Told(NamedTuple):
    """Times of one command: those of its lines, from its start on."""

    lines: list[tuple[float, str]]
    seconds: float


def run(pairs: int) -> Iterator[AnyRow]:
    for name in CASES:
        yield from against_a_loop(name, min(pairs, MOST_TURNS))
    yield from use()


def against_a_loop(name: str, turns: int) -> Iterator[AnyRow]:
    found = [(ours(name), command("-m", "benchmarks.naive", name, "2")) for _ in range(turns)]
    sweeps, loops = zip(*found, strict=True)
    trials = CASES[name].trials
    mine, their = ([1e3 * told.seconds / trials for told in column] for column in (sweeps, loops))
    ratios = [t / m for m, t in zip(mine, their, strict=True)]
    middle = median(their) / median(mine)
    what, peer = f"a trial of {name}, {trials} in a sweep", "a loop by hand, 2 threads"
    yield Row(what, peer, median(mine), median(their), middle, min(ratios), max(ratios))
    for who, rates in (
        ("a sweep", [60 * trials / (told.lines[-1][0] - first(told)) for told in sweeps]),
        ("the loop", [60 * (trials - 1) / (t.lines[-1][0] - t.lines[0][0]) for t in loops]),
    ):
        yield figure_of(f"trials of {name} per minute while {who} trains", rates, "")


def first(told: Told) -> float:
    """Time at which a sweep's first trial began: the line of each ends with its seconds."""
    return min(at - float(line.split()[-2]) for at, line in told.lines)


def ours(name: str) -> Told:
    case = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.json"
        sweep = {"arms": case.arms, "seeds": case.seeds, "recipe": case.recipe}
        file.write_text(json.dumps({"sweep": 1, "base": BASE, **sweep}))
        return command(*words(str(file), f"{folder}/out"))


def words(file: str, out: str) -> list[str]:
    """The command of a sweep."""
    end = ["--out", out, "--workers", str(WORKERS), "--device", "cpu"]
    return ["-m", "resforge", "sweep", "run", file, *end]


def command(*words: str) -> Told:
    """Run a command; the lines kept are those of its trials, which begin with their number."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    heard = [(time.perf_counter() - begun, line) for line in process.stderr]
    if process.wait():
        raise RuntimeError("".join(line for _, line in heard))
    seconds = time.perf_counter() - begun
    # One line for each trial, which is printed when it was recorded.
    return Told([(at, line) for at, line in heard if line.startswith("[")], seconds)


def use() -> Iterator[Figure]:
    """Use of the workers by a whole sweep, from the times of its trials."""
    with tempfile.TemporaryDirectory() as out:
        told = command(*words("examples/shortcuts.yaml", out))
        trials = read_records(out).all_trials
    busy = sum(trial.outcome.seconds for trial in trials) / (WORKERS * told.seconds)
    what = f"`examples/shortcuts.yaml`, {len(trials)} trials on {WORKERS} workers"
    yield Figure(what, told.seconds, "s")
    yield Figure(f"{what}: time of the workers in trials", 100 * busy, "%")
    yield Figure(f"{what}: until the first trial begins", first(told), "s")
    yield Figure(f"{what}: after the last trial", told.seconds - told.lines[-1][0], "s")
