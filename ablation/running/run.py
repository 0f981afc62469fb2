"""Running a sweep: the driver that assigns trials to workers and records their outcomes."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ...errors import ResforgeError, StoreError
from ...files import make_folder
from ...specs.plain import is_whole
from ..planning.plan import SweepPlan, Trial, plan_sweep
from ..planning.sweep import Sweep, check_sweep
from ..results.outcome import Outcome
from ..results.owner import Owner
from ..results.store import LEASE, Claim, Store
from .checkpoint import EVERY, discard, make_checkpoint_folder, remove_empty_folder
from .engine import EngineName, Job
from .engines import make_engine
from .kinds import registered_kinds
from .manifest import make_manifest
from .progress import Progress, Silence
from .search import plans, to_come
from .stop import StopSignals
from .task import Interrupted, Task, make_task

TRIAL = "resforge.ablation.running.trial:run_trial"
MAX_CRASHES = 2
#: Seconds that running trials have to write their checkpoints after the first Ctrl-C.
GRACE = 20.0
_POLL = 0.25
_BAD = ("failed", "crashed", "timed_out")


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Result of a run; ``total``, ``finished`` and ``statuses`` are those of the whole sweep."""

    folder: Path
    total: int
    finished: int
    ran: int
    """Number of trials that this run recorded."""
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


def run_sweep(
    sweep: Sweep,
    out: str | os.PathLike[str],
    workers: int | None = None,
    progress: Progress | None = None,
    trial: str = TRIAL,
    checkpoint_seconds: float = EVERY,
    engine: EngineName = "process",
    device: str = "auto",
) -> RunSummary:
    """Train the missing trials of ``sweep`` into the folder ``out``, then write table and report.

    Each trial is trained on one thread: with ``engine="process"`` in a process of its own, with
    ``"inline"`` in this process, for debugging, and with ``"ray"`` on a Ray cluster, either the one
    that the environment variable ``RAY_ADDRESS`` names or one on this machine. On one kind of
    ``device`` the results are bitwise equal; ``auto`` is the machine's accelerator (CUDA, MPS, XPU
    or another that PyTorch finds), or the CPU where there is none. ``workers`` is by default the
    number of cores, or of GPUs.

    Kinds that :func:`resforge.register` made known are registered in every worker, too, which
    imports their classes: those of a script or a module can be used with each engine, those of an
    interactive session or within a function with ``"inline"`` alone.

    A search plans one batch after another, each after the last has ended.

    An interrupted run is resumed by running it again: recorded trials are skipped, and a trial is
    resumed from its checkpoint, which is written every ``checkpoint_seconds`` and when the trial is
    stopped. The first Ctrl-C or SIGTERM stops running trials, the second ends at once; both return
    with ``interrupted`` set. ``trial`` names the function that is run for each trial.

    Raises :class:`~resforge.SpecError` for an illegal arm, :class:`~resforge.ResforgeError` where
    a library or the device is missing, and ``StoreError`` where the store cannot be written, was
    recorded by resforge 0.1.0, or is in use by a run of another plan.
    """
    from ..reporting.report import write_report
    from ..results.export import write_csv

    check_sweep("run_sweep", sweep)
    if workers is not None:
        if not is_whole(workers) or workers < 1:
            raise ResforgeError(
                f"workers is {workers!r}: use at least 1, or None for one for each core"
            )
        workers = int(workers)
    _require("matplotlib", "jinja2", "scipy")
    start = time.monotonic()
    with StopSignals() as stop:
        first = plan_sweep(sweep)
        make_folder(Path(out))
        with Store(out, create=True) as store:
            driver = _Driver(store, stop, progress or Silence(), checkpoint_seconds)
            kinds = registered_kinds()
            job = Job(trial, sweep.timeout, workers, driver.is_to_stop, device, kinds)
            for plan in plans(first, store, driver.progress):
                driver.drive(plan, engine, job)
                if stop.requested:
                    break
            statuses = store.statuses()
        if not stop.requested:
            with stop.at_once():
                write_csv(out)
                write_report(out)
    return RunSummary(
        folder=Path(out),
        total=len(plan.trials) + to_come(plan),
        finished=len(statuses),
        ran=driver.recorded,
        statuses={kind: list(statuses.values()).count(kind) for kind in {*statuses.values()}},
        interrupted=stop.requested,
        seconds=time.monotonic() - start,
    )


def _require(*libraries: str) -> None:
    """Raise :class:`ResforgeError` for missing libraries before the training, not after it."""
    missing = [name for name in libraries if find_spec(name) is None]
    if missing:
        raise ResforgeError(
            f"a sweep's report needs {' and '.join(missing)}: pip install 'resforge[ablation]'"
        )


class _Driver:
    """One run: claims trials of one plan after another for its workers, until none is left."""

    def __init__(
        self,
        store: Store,
        stop: StopSignals,
        progress: Progress,
        checkpoint_seconds: float,
    ) -> None:
        self.store = store
        self.stop = stop
        self.progress = progress
        self.checkpoint_seconds = checkpoint_seconds
        self.folder = store.path.parent
        self.owner = Owner.me()
        self.claims: dict[str, Claim] = {}
        self.recorded = 0
        self.renewed = time.monotonic()

    def drive(self, plan: SweepPlan, engine: str, job: Job) -> None:
        """Run ``plan`` to the end, or until a stop is requested."""
        self.plan = plan
        self.trials = {trial.key: trial for trial in plan.trials}
        self.engine = make_engine(engine, job)
        self.manifest = make_manifest(
            self.plan.fingerprint, engine, self.engine.size, self.engine.device
        )
        try:
            self.plan.sweep.recipe.check_device(self.engine.device)
            self.store.adopt(self.plan.record, self.owner, LEASE)
            make_checkpoint_folder(self.folder, set(self.store.statuses()))
            self.progress.start(len(self.trials), self.store.counts()["finished"])
            with self.stop.at_once():
                self._until_done()
                if self.stop.requested:
                    self._finish_running()
        finally:
            self.engine.close()
            self.progress.close()
            self.store.leave(self.owner)
            remove_empty_folder(self.folder)

    def is_to_stop(self) -> bool:
        """Whether a stop is requested; also renews the claims of this run."""
        if time.monotonic() - self.renewed > LEASE / 6:
            self.store.renew(self.owner, LEASE)
            self.renewed = time.monotonic()
        return self.stop.requested

    def _until_done(self) -> None:
        while not self.stop.requested:
            self.store.reclaim()
            counts = self.store.counts()
            if not counts["waiting"] and not counts["running"]:
                return
            # Without trials of its own it waits, in case another driver dies.
            self._assign(counts["waiting"])
            self._handle_events()

    def _finish_running(self) -> None:
        self.progress.note("stopping: running trials write their checkpoints")
        self.engine.stop()
        deadline = time.monotonic() + GRACE
        while self.engine.running and time.monotonic() < deadline:
            self._handle_events()

    def _assign(self, waiting: int) -> None:
        self.engine.grow(len(self.claims) + waiting)
        while self.engine.has_room:
            claim = self.store.claim(self.owner, LEASE)
            if claim is None:
                return
            if claim.key not in self.trials:
                # After a pause longer than its lease, this run has lost its claims.
                self.store.release(claim)
                raise StoreError(
                    f"{self.store.path}: another run is using this folder for another plan:"
                    " choose another --out"
                )
            if not self.claims and not self.recorded:
                self.store.note_run(self.owner, self.manifest)
            self.claims[claim.key] = claim
            trial, device = self.trials[claim.key], self.engine.device
            self.engine.give(
                make_task(self.plan, trial, self.folder, self.checkpoint_seconds, device)
            )
            self.progress.running(len(self.claims))

    def _handle_events(self) -> None:
        for task, end in self.engine.events(_POLL):
            self._ended(task, end)
        self.is_to_stop()

    def _ended(self, task: Task, end: Outcome | Interrupted) -> None:
        claim, trial = self.claims.pop(task.key), self.trials[task.key]
        self.progress.running(len(self.claims))
        if isinstance(end, Interrupted):
            outcome = self._retry(end, claim, trial)
            if outcome is None:
                return
        else:
            outcome = end
        if self.store.record(claim, outcome):
            self.recorded += 1
            discard(self.folder, claim.key)
            for note in outcome.notes:
                self.progress.note(f"{_name(trial)}: {note}")
            self.progress.ended(trial, outcome, self.store.counts()["finished"])

    def _retry(self, end: Interrupted, claim: Claim, trial: Trial) -> Outcome | None:
        """Return the trial to waiting, or its outcome if it has crashed too often."""
        # The signal that stopped this process may have stopped the worker, too.
        crashed = end.crashed and not self.stop.requested
        if crashed and claim.crashes + 1 >= MAX_CRASHES:
            return Outcome("crashed", error=f"its process died {MAX_CRASHES} times")
        self.store.release(claim, crashed)
        if crashed:
            self.progress.note(f"{_name(trial)}: its process died; it is retried once")
        if end.note:
            self.progress.note(f"{_name(trial)}: {end.note}")
        return None


def _name(trial: Trial) -> str:
    return f"{trial.arm.name}, seed {trial.seed}"
