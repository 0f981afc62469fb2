"""A sweep of small trials: ``resforge sweep run`` with two workers of one thread, against the same
trials written by hand, one after another in one process.

Both are whole commands, from the start of Python to its end, the report among what ours does. A row
is of one trial: 60,000 over its milliseconds are trials per minute.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from .turns import Row, compare

ROOT = Path(__file__).parents[1]
BASE = "digits_resnet8"
ARMS: dict[str, dict[str, Any]] = {
    "plain": {"shortcut": "none"},
    "A": {"shortcut": "zero_pad"},
    "B": {"shortcut": "projection"},
}
SEEDS = 4
RECIPE: dict[str, Any] = {"steps": 120, "batch_size": 64}
TRIALS = len(ARMS) * SEEDS


def run(pairs: int) -> Iterator[Row]:
    # A turn takes a minute, not a moment.
    turns = max(3, pairs // 5)
    for threads in (2, 1):
        peer = f"a loop by hand, {threads} thread{'s' * (threads > 1)}"
        row = compare(f"a trial, of {TRIALS} in a sweep", peer, ours, partial(hand, threads), turns)
        yield row._replace(ours_ms=row.ours_ms / TRIALS, theirs_ms=row.theirs_ms / TRIALS)


def ours() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.json"
        sweep = {"sweep": 1, "base": BASE, "arms": ARMS, "seeds": SEEDS, "recipe": RECIPE}
        file.write_text(json.dumps(sweep))
        words = ["sweep", "run", str(file), "--out", f"{folder}/out", "--workers", "2"]
        command("-m", "resforge", *words, "--device", "cpu")


def hand(threads: int) -> None:
    command("-m", "benchmarks.naive", str(threads))


def command(*words: str) -> None:
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
