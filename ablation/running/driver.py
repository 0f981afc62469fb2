"""The driver of a sweep: it assigns trials to the workers of an engine, and records outcomes."""

from __future__ import annotations

import time
from dataclasses import replace

from ...errors import StoreError
from ..planning.plan import SweepPlan, Trial
from ..results.mounts import local_locks
from ..results.outcome import Outcome
from ..results.owner import Owner
from ..results.store import LEASE, Claim, Store
from .callbacks import Callbacks, Event
from .checkpoint import discard, make_checkpoint_folder, remove_empty_folder
from .engine import Job
from .engines import make_engine
from .kinds import registered_kinds
from .live_report import LiveReport
from .manifest import make_manifest
from .measuring import measure_arms
from .preflight import expected_of
from .progress import Progress
from .search import plans
from .stop import StopSignals
from .task import Interrupted, Task, make_task

MAX_CRASHES = 2
#: Seconds that running trials have to write their checkpoints after the first Ctrl-C.
GRACE = 20.0
_POLL = 0.25


class Driver:
    """One run: claims trials of one plan after another for its workers, until none is left."""

    def __init__(
        self,
        store: Store,
        stop: StopSignals,
        progress: Progress,
        checkpoint_seconds: float,
        live: LiveReport,
        callbacks: Callbacks,
        wait: bool = True,
    ) -> None:
        self.store = store
        self.stop = stop
        self.progress = progress
        self.checkpoint_seconds = checkpoint_seconds
        self.folder = store.path.parent
        self.owner = Owner.me()
        self.claims: dict[str, Claim] = {}
        #: Keys of the trials that this run recorded.
        self.recorded: set[str] = set()
        self.live = live
        self.callbacks = callbacks
        self.wait = wait
        self.renewed = time.monotonic()
        self.noted = False
        #: Whether the store has taken a plan of this run.
        self.adopted = False

    def run(self, first: SweepPlan, engine: str, job: Job) -> SweepPlan:
        """Run ``first`` and the plans that follow it; the last one that was run."""
        plan = first
        job = replace(
            job,
            is_to_stop=self.is_to_stop,
            tell=self.told if self.callbacks else None,
            expected=expected_of(first, self.folder),
            note=self.progress.note,
        )
        with self.callbacks.in_force():
            self.engine_name, self.engine = engine, make_engine(engine, job)
            self._warn_of_locks()
            try:
                with self.stop.at_once():
                    for plan in plans(first, self.store, self.progress, self.measure):
                        self.drive(plan)
                        if self.stop.requested or self.store.counts()["running"]:
                            break
            finally:
                with self.stop.shielded():
                    self.live.end()  # it gives up its chart while the workers end
                    self.engine.close()
        return plan

    def drive(self, plan: SweepPlan) -> None:
        """Run ``plan`` to the end, or until a stop is requested."""
        self.plan = plan
        self.trials = {trial.key: trial for trial in plan.trials}
        self.manifest = make_manifest(
            plan.fingerprint,
            self.engine_name,
            self.engine.size,
            self.engine.device,
            plan.sweep.planned_seeds,
        )
        try:
            for arm in plan.arms:
                arm.recipe.check_device(self.engine.device)
            self.store.adopt(plan.record, self.owner, LEASE)
            self._note_other_plans()
            make_checkpoint_folder(self.folder, set(self.store.statuses()))
            self.progress.start(len(self.trials), self.store.counts()["finished"])
            with self.stop.at_once():
                self._until_done()
                if self.stop.requested:
                    self._finish_running()
        finally:
            with self.stop.shielded():
                self.progress.close()
                self.store.leave(self.owner)
                if not self.store.drivers():  # others write their checkpoints into it
                    remove_empty_folder(self.folder)

    def measure(self, plan: SweepPlan) -> bool:
        """Measure the networks of ``plan``, once its trials have ended; false where a stop is
        requested."""
        with self.stop.at_once():
            measure_arms(
                plan.arms,
                plan.sweep.data.input_shape,
                self.folder,
                device=self.engine.device,
                kinds=registered_kinds(),
                note=self.progress.note,
                stopped=lambda: self.stop.requested,
            )
        return not self.stop.requested

    def is_to_stop(self) -> bool:
        """Whether a stop is requested; also renews the claims of this run."""
        if time.monotonic() - self.renewed > LEASE / 6:
            self.store.renew(self.owner, LEASE)
            self.renewed = time.monotonic()
        return self.stop.requested

    def told(self, task: Task, event: Event) -> None:
        """A trial has told something."""
        self.callbacks.told(self.trials[task.key], event)

    def _warn_of_locks(self) -> None:
        if local := local_locks(self.folder):
            self.progress.note(
                f"warning: {self.folder} is on {local}, whose locks hold within one machine: run"
                " commands into it from one machine only"
            )

    def _note_other_plans(self) -> None:
        """Say once that results are kept which table and report no longer show."""
        count = 0 if self.adopted else self.store.outside_plan()
        self.adopted = True
        if count:
            trials = "1 recorded trial" if count == 1 else f"{count:,} recorded trials"
            self.progress.note(
                f"{self.folder} keeps {trials} of other plans: table and report show this plan"
                " alone, and theirs again when their file is run"
            )

    def _until_done(self) -> None:
        while not self.stop.requested:
            self.store.reclaim()
            counts = self.store.counts()
            # Without trials of its own it may wait, in case another driver dies.
            mine = counts["running"] if self.wait else len(self.claims)
            if not counts["waiting"] and not mine:
                return
            self.engine.grow(len(self.claims) + counts["waiting"])
            self._note_nodes()
            self._assign()
            self._handle_events()

    def _finish_running(self) -> None:
        self.progress.note("stopping: running trials write their checkpoints")
        self.engine.stop()
        deadline = time.monotonic() + GRACE
        while self.engine.running and time.monotonic() < deadline:
            self._handle_events()

    def _assign(self) -> None:
        """Give each idle worker a trial, unless a stop is requested."""
        while self.engine.has_room and not self.stop.requested:
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
            self.claims[claim.key] = claim
            if not self.noted:
                self.store.note_run(self.owner, self.manifest)
                self.noted = True
            trial, device = self.trials[claim.key], self.engine.device
            self.engine.give(
                make_task(self.plan, trial, self.folder, self.checkpoint_seconds, device)
            )
            self.progress.running(len(self.claims))

    def _note_nodes(self) -> None:
        """Record nodes of a cluster that joined or were set aside since the run began."""
        workers = max(self.engine.size, self.manifest["workers"])
        nodes = {"workers": workers, "set_aside": dict(self.engine.set_aside)}
        if self.manifest | nodes != self.manifest:
            self.manifest |= nodes
            if self.noted:
                self.store.note_run(self.owner, self.manifest)

    def _handle_events(self) -> None:
        for task, end in self.engine.events(_POLL):
            claim = self.claims.pop(task.key)
            try:
                # The worker trains its next trial while the outcome of the last is recorded: no
                # trial of a plan depends on another.
                self._assign()
            finally:
                self._ended(claim, end)
        self.is_to_stop()

    def _ended(self, claim: Claim, end: Outcome | Interrupted) -> None:
        trial = self.trials[claim.key]
        self.progress.running(len(self.claims))
        if isinstance(end, Interrupted):
            outcome = self._retry(end, claim, trial)
            if outcome is None:
                return
        else:
            outcome = end
        if self.store.record(claim, outcome):
            self.recorded.add(claim.key)
            counts = self.store.counts()
            # After the last trial the run itself writes its pages.
            self.live.changed(ending=counts["running"] > 0 and not counts["waiting"])
            self.callbacks.ended(trial, outcome)
            if outcome.status != "stopped":  # another trial may go on from its checkpoint
                discard(self.folder, trial.checkpoint)
            for note in outcome.notes:
                self.progress.note(f"{_name(trial)}: {note}")
            self.progress.ended(trial, outcome, counts["finished"])

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
