"""Successive halving: the networks of a batch, trained in stages and stopped between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite

from ...generation.pareto import best_first
from ..planning.plan import SweepPlan
from ..planning.searching import StopSpec
from ..results.store import Store
from .checkpoint import discard, remove_empty_folder
from .progress import Progress

Values = tuple[float, ...]


class Halving:
    """The rungs of a search: which networks reached each, and with what values.

    Of the networks of a batch that reach a rung, those go on that are among the best of all that
    reached it so far, one in ``eta`` and at least one; the order is that of the objectives
    (:func:`~resforge.generation.pareto.best_first`). So the decisions depend on recorded results
    alone, not on which trial ended first: the asynchronous halving of Li et al. 2018 (arXiv
    1810.05934) with the trials of a batch taken together.
    """

    def __init__(
        self, stop: StopSpec, rungs: Sequence[int], store: Store, progress: Progress
    ) -> None:
        self.eta, self.rungs = stop.eta, tuple(rungs)
        self.store, self.progress = store, progress
        self._reached: list[dict[str, Values]] = [{} for _ in self.rungs]
        self._steps: dict[tuple[str, int], int] = {}
        self._missed: dict[str, int] = {}

    def missed(self, identity: str) -> int:
        """Number of rungs that a stopped network did not pass; 0 for one that was not stopped."""
        return self._missed.get(identity, 0)

    def stages(
        self,
        whole: SweepPlan,
        identities: Sequence[str],
        values: Callable[[SweepPlan, Sequence[str]], Mapping[str, Values]],
    ) -> Iterator[SweepPlan]:
        """Plans of a batch: one to each rung, and the last without further stops.

        ``whole`` has all networks up to this batch, whose networks are ``identities``; ``values``
        gives values for each objective once the trials of a plan are recorded.
        """
        left = [each for each in identities if each not in self._reached[0]]
        plan = whole
        for number, step in enumerate(self.rungs):
            self._limit(plan, left, step)
            plan = whole.until(self._steps)
            yield plan
            left = self._kept(number, values(plan, left))
            self._discard(plan)
        self._limit(plan, left, None)
        yield whole.until(self._steps)

    def _limit(self, plan: SweepPlan, identities: Sequence[str], step: int | None) -> None:
        """Let networks train up to ``step``, but for seeds that have ended otherwise."""
        trials = [trial for trial in plan.trials if trial.arm.identity in {*identities}]
        ended = self.store.outcomes(trial.key for trial in trials if trial.until is not None)
        for trial in trials:
            if trial.key in ended and ended[trial.key].status != "stopped":
                continue
            self._steps.pop((trial.arm.identity, trial.seed), None)
            if step is not None:
                self._steps[trial.arm.identity, trial.seed] = step

    def _kept(self, number: int, values: Mapping[str, Values]) -> list[str]:
        """The networks that go on from a rung."""
        reached = self._reached[number]
        reached |= values
        names, points = [*reached], [*reached.values()]
        most = max(1, len(names) // self.eta)
        best = {names[i] for i in best_first(points)[:most] if all(map(isfinite, points[i]))}
        kept = [identity for identity in values if identity in best]
        for identity in values:
            if identity not in best:
                self._missed[identity] = len(self.rungs) - number
        if values:
            step = self.rungs[number]
            self.progress.note(f"{len(kept)} of {len(values)} networks go on after {step} steps")
        return kept

    def _discard(self, plan: SweepPlan) -> None:
        """Remove the checkpoints of networks that are stopped."""
        folder = self.store.path.parent
        for trial in plan.trials:
            if trial.arm.identity in self._missed:
                discard(folder, trial.checkpoint)
        if not self.store.drivers():
            remove_empty_folder(folder)
