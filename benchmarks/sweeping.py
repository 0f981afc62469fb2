"""Sweeps of small trials: ``resforge sweep run`` with two workers of one thread, against the same
trials written by hand, one after another in one process.

Both are whole commands, from the start of Python to its end, the report among what ours does. A row
is of one trial: 60,000 over its milliseconds are trials per minute. How well the workers are used
is that of ``examples/shortcuts.yaml``, whose 40 trials take minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from resforge.ablation import read_records

from .rows import AnyRow, Figure
from .turns import compare

ROOT = Path(__file__).parents[1]
BASE = "digits_resnet8"
WORKERS = 2
ARMS: dict[str, dict[str, Any]] = {
    "plain": {"shortcut": "none"},
    "A": {"shortcut": "zero_pad"},
    "B": {"shortcut": "projection"},
}
SEEDS = 4
TRIALS = len(ARMS) * SEEDS


class Case(NamedTuple):
    """Networks of three stages of so many blocks, and their recipe."""

    depth: int
    recipe: dict[str, Any]

    @property
    def arms(self) -> dict[str, dict[str, Any]]:
        return {name: {"stages[*].depth": self.depth, **arm} for name, arm in ARMS.items()}


CASES = {
    "8 layers": Case(1, {"steps": 120, "batch_size": 64}),
    "56 layers": Case(9, {"steps": 60, "batch_size": 128}),
}


def run(pairs: int) -> Iterator[AnyRow]:
    # A turn takes a minute, not a moment.
    turns = max(3, pairs // 5)
    for name, threads in (("8 layers", 2), ("8 layers", 1), ("56 layers", 2)):
        peer = f"a loop by hand, {threads} thread{'s' * (threads > 1)}"
        theirs = partial(command, "-m", "benchmarks.naive", name, str(threads))
        row = compare(
            f"a trial of {name}, {TRIALS} in a sweep", peer, partial(ours, name), theirs, turns
        )
        yield row._replace(ours_ms=row.ours_ms / TRIALS, theirs_ms=row.theirs_ms / TRIALS)
    yield from use()


def ours(name: str) -> None:
    case = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.json"
        sweep = {"sweep": 1, "base": BASE, "arms": case.arms, "seeds": SEEDS, "recipe": case.recipe}
        file.write_text(json.dumps(sweep))
        command(*words(str(file), f"{folder}/out"))


def words(file: str, out: str) -> list[str]:
    """The command of a sweep."""
    end = ["--out", out, "--workers", str(WORKERS), "--device", "cpu"]
    return ["-m", "resforge", "sweep", "run", file, *end]


def command(*words: str) -> None:
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)


def use() -> Iterator[Figure]:
    """Use of the workers by a whole sweep, from the times of its trials."""
    with tempfile.TemporaryDirectory() as out:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words("examples/shortcuts.yaml", out)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        # One line for each trial, which is printed when it was recorded.
        lines = [(time.perf_counter(), line) for line in process.stderr if line.startswith("[")]
        if process.wait():
            raise RuntimeError("the sweep failed")
        ended = time.perf_counter()
        trials = read_records(out).all_trials
    busy = sum(trial.outcome.seconds for trial in trials) / (WORKERS * (ended - begun))
    what = f"`examples/shortcuts.yaml`, {len(trials)} trials on {WORKERS} workers"
    yield Figure(what, ended - begun, "s")
    yield Figure(f"{what}: time of the workers in trials", 100 * busy, "%")
    first, line = lines[0]
    start = first - begun - float(line.split()[-2])
    yield Figure(f"{what}: until the first trial begins", start, "s")
    yield Figure(f"{what}: after the last trial", ended - lines[-1][0], "s")
