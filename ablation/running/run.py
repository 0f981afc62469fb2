"""Running a sweep, from its plan to its report."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...errors import ResforgeError
from ...files import make_folder
from ...specs.plain import is_whole
from ..planning.plan import plan_sweep
from ..planning.sweep import Sweep, check_sweep
from ..results.records import read_records
from ..results.store import Store
from .callbacks import Callback, Callbacks
from .checkpoint import EVERY
from .driver import Driver
from .engine import EngineName, Job
from .kinds import registered_kinds
from .live_report import LiveReport
from .progress import Progress, default_progress
from .runtime_env import check_runtime_env
from .search import to_come
from .stop import StopSignals

TRIAL = "resforge.ablation.running.trial:run_trial"
_BAD = ("failed", "crashed", "timed_out")


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Result of a run; ``total``, ``finished`` and ``statuses`` are those of the whole sweep."""

    folder: Path
    total: int
    finished: int
    ran: int
    """Number of them that this run recorded."""
    statuses: dict[str, int]
    """Number of finished trials of each status."""
    interrupted: bool
    seconds: float

    @property
    def failed(self) -> int:
        """Number of trials that failed, crashed or ran out of time."""
        return sum(self.statuses.get(status, 0) for status in _BAD)

    @property
    def diverged(self) -> int:
        return self.statuses.get("diverged", 0)

    def _repr_html_(self) -> str | None:
        from ..reporting.notebook import to_html

        return to_html(read_records(self.folder))


def run_sweep(
    sweep: Sweep,
    out: str | os.PathLike[str],
    workers: int | None = None,
    progress: Progress | None = None,
    trial: str = TRIAL,
    checkpoint_seconds: float = EVERY,
    engine: EngineName = "process",
    device: str = "auto",
    measure: bool = False,
    callbacks: Sequence[Callback] = (),
    *,
    per_gpu: int | None = None,
    runtime_env: Mapping[str, Any] | None = None,
    wait: bool = True,
) -> RunSummary:
    """Train the missing trials of ``sweep`` into the folder ``out``, then write table and report.

    Each trial is trained on one thread, on every ``engine`` with the same bits: ``"process"`` is a
    process for each, ``"inline"`` this process, for debugging, and ``"ray"`` the Ray cluster that
    the environment variable ``RAY_ADDRESS`` names, or one on this machine. ``device`` is ``auto``
    for the accelerator that PyTorch finds, ``cpu``, ``cuda`` or another. ``workers`` is by default
    the number of cores, or of GPUs, of which each has ``per_gpu`` trials. Nodes of Ray with other
    code or data are set aside; ``runtime_env`` is Ray's description of their environment.

    Running it again resumes an interrupted run: recorded trials are skipped, and others go on from
    their checkpoints, which are written every ``checkpoint_seconds`` and at a stop. The first
    Ctrl-C or SIGTERM stops running trials, the second ends at once; both return with
    ``interrupted`` set. Several calls may share one folder; with ``wait=False`` a call returns when
    no trial is left to start, even while others train theirs.

    With ``measure``, networks that have no ``measured.json`` yet are measured after the trials.
    ``trial`` names the function of a trial, ``callbacks`` hear of every trial, step and evaluation.
    Without ``progress`` a notebook shows a bar; elsewhere nothing is shown.
    Kinds that :func:`resforge.register` made known are registered in every worker, too.

    Raises :class:`~resforge.SpecError` for an illegal arm, :class:`~resforge.ResforgeError` where
    a library, the device or every node is missing, and ``StoreError`` where the store cannot be
    written, was recorded by resforge 0.1.0, or is in use by a run of another plan or other code.
    """
    check_sweep("run_sweep", sweep)
    job = _job(trial, sweep.timeout, workers, device, per_gpu, runtime_env)
    heard = Callbacks(callbacks)
    _require("matplotlib", "jinja2", "scipy")
    start, progress = time.monotonic(), progress or default_progress()
    with StopSignals() as stop:
        first = plan_sweep(sweep)
        make_folder(Path(out))
        with Store(out, create=True) as store, LiveReport(out) as live:
            driver = Driver(store, stop, progress, checkpoint_seconds, live, heard, wait)
            plan = driver.run(first, engine, job)
            statuses = store.statuses()
        if measure and not stop.requested:
            driver.measure(plan)
        _write_pages(out, stop, live)
    return RunSummary(
        folder=Path(out),
        total=len(plan.trials) + to_come(plan),
        finished=len(statuses),
        ran=len(driver.recorded & statuses.keys()),
        statuses=dict(Counter(statuses.values())),
        interrupted=stop.requested,
        seconds=time.monotonic() - start,
    )


def _job(
    trial: str,
    timeout: float,
    workers: int | None,
    device: str,
    per_gpu: int | None,
    runtime_env: Mapping[str, Any] | None,
) -> Job:
    """The settings of an engine, checked; the driver adds what its plan knows."""
    return Job(
        function=trial,
        timeout=timeout,
        workers=_at_least_one("workers", workers, "one for each core"),
        device=device,
        kinds=registered_kinds(),
        per_gpu=_at_least_one("per_gpu", per_gpu, "one trial on each GPU"),
        runtime_env=None if runtime_env is None else check_runtime_env(runtime_env),
    )


def _at_least_one(name: str, given: Any, default: str) -> int | None:
    """``given`` as a whole number; None stays None."""
    if given is None:
        return None
    if not is_whole(given) or given < 1:
        raise ResforgeError(f"{name} is {given!r}: use at least 1, or None for {default}")
    return int(given)


def _write_pages(out: str | os.PathLike[str], stop: StopSignals, live: LiveReport) -> None:
    """Write the table and the report; of a run that was stopped, only a page that reloads itself
    is replaced."""
    with stop.at_once():
        if stop.requested and not live.written:
            return
        from ..reporting.report import write_report
        from ..results.export import write_csv

        if stop.requested:
            write_report(out)
            return
        # Another command on the folder may record more, and write its pages, while these are made.
        finished = None
        while (now := _finished(out)) != finished:
            finished = now
            write_csv(out)
            write_report(out)


def _finished(out: str | os.PathLike[str]) -> int:
    """Number of recorded trials."""
    with Store(out) as store:
        return store.counts()["finished"]


def _require(*libraries: str) -> None:
    """Raise :class:`ResforgeError` for missing libraries before the training, not after it."""
    missing = [name for name in libraries if find_spec(name) is None]
    if missing:
        raise ResforgeError(
            f"a sweep's report needs {' and '.join(missing)}: pip install 'resforge[ablation]'"
        )
