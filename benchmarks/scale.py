"""Sweeps of a thousand and of ten thousand trials that train nothing: what a sweep does besides.

Ten seeds of each network. The store is filled but for its last hundred trials, which are then run;
what else is measured are commands on the whole. Each is a process of its own, whose processor time
(without its workers') and peak of memory are read at its end. The growth is the power of the number
of trials with which the time beyond the start of Python grows: 1 is linear.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from resforge.ablation import load_sweep
from resforge.files import make_folder

from .rows import Figure
from .stand_in import fill

ROOT = Path(__file__).parents[1]
SIZES = (1_000, 10_000)
SEEDS = 10
LEFT = 100
#: The function of a trial cannot be chosen on the command line.
RUN = """
import sys
from resforge.ablation import load_sweep, run_sweep
run_sweep(
    load_sweep(sys.argv[1]), sys.argv[2], 1, trial="benchmarks.stand_in:stand_in", device="cpu"
)
"""


class Cost(NamedTuple):
    """Cost of one command: seconds of the processor, and bytes at the peak."""

    seconds: float
    memory: int


def run(pairs: int) -> Iterator[Figure]:
    start = cost("-c", "from resforge.ablation import load_sweep, render_report, run_sweep").seconds
    yield Figure("start of Python and imports", start, "s")
    before: dict[str, float] = {}
    for trials in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            found = dict(commands(trials, Path(folder)))
            for command, (seconds, memory) in found.items():
                what = f"`{command}`, {trials:,} trials"
                yield Figure(what, seconds, "s")
                yield Figure(f"{what}: peak of memory", memory / 1e6, "MB")
                beyond = max(seconds - start, 1e-3)
                if command in before:
                    yield Figure(f"`{command}`: growth", growth(before[command], beyond), "")
                before[command] = beyond
            for name in ("results.sqlite", "report.html"):
                size = (Path(folder) / "out" / name).stat().st_size
                yield Figure(f"`{name}`, {trials:,} trials", size / 1e6, "MB")


def commands(trials: int, folder: Path) -> Iterator[tuple[str, Cost]]:
    """Name and cost of each command on a sweep of so many trials."""
    file, out = folder / "sweep.json", folder / "out"
    file.write_text(json.dumps(sweep(trials // SEEDS)))
    make_folder(out)
    fill(load_sweep(file), out, LEFT)
    yield "sweep plan", cost("-m", "resforge", "sweep", "plan", str(file))
    yield "sweep run", cost("-c", RUN, str(file), str(out))
    yield "sweep run, all recorded", cost("-c", RUN, str(file), str(out))
    yield "sweep status", cost("-m", "resforge", "sweep", "status", str(out))
    yield "report", cost("-m", "resforge", "report", str(out))


def sweep(networks: int) -> dict[str, Any]:
    """A sweep of so many networks, up to a thousand: by width of the last stage."""
    arms = {f"w{width}": {"stages[2].width": width} for width in range(32, 32 + networks)}
    return {"sweep": 1, "base": "digits_resnet8", "arms": arms, "seeds": SEEDS}


def growth(before: float, now: float) -> float:
    return math.log(now / before) / math.log(SIZES[1] / SIZES[0])


#: Linux counts the memory of the process that starts another to that one's peak: one that is small
#: stands between.
MEASURE = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=2)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_utime + usage.ru_stime, 1024 * usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def cost(*words: str) -> Cost:
    command = [sys.executable, "-c", MEASURE, sys.executable, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    seconds, memory = done.stdout.split()
    return Cost(float(seconds), int(memory))
