"""Plans of a run: one, or one for each look at results, or for each batch of a search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ...errors import SpecError
from ...generation import Architecture, load_space
from ...reading.places import placed
from ..planning.plan import SweepPlan, plan_sweep
from ..planning.sample import arms_of
from ..planning.searching import Descent, SearchSpec
from ..planning.sweep import Sweep
from ..results.measured import read_measured
from ..results.objectives import COUNTED, MEASURED, WORST, objective_values
from ..results.store import Store
from .halving import Halving
from .looks import look_plans
from .progress import Progress

#: Measures the networks of a plan; false where a stop was requested before all were.
Measure = Callable[[SweepPlan], bool]


def plans(
    first: SweepPlan, store: Store, progress: Progress, measure: Measure
) -> Iterator[SweepPlan]:
    """``first``, or a plan for each look, or for a search one for each batch of networks.

    The next plan is asked for once all trials of the last are recorded in ``store``. It depends on
    the sweep and these records alone. Raises :class:`~resforge.SpecError` for a network that does
    not fit the data, for an exceeded budget and for a space without enough networks.
    """
    sweep = first.sweep
    if sweep.search is not None:
        yield from _Search(sweep, sweep.search, store, progress, measure).plans()
    elif sweep.looks:
        yield from look_plans(first, store, progress)
    else:
        yield first


def to_come(plan: SweepPlan) -> int:
    """Largest number of trials that a search adds to ``plan``."""
    search = plan.sweep.search
    return (search.n - len(plan.arms)) * len(plan.sweep.seeds) if search else 0


class _Search:
    """A search, batch by batch.

    Each batch includes all earlier ones. What it asks for depends on the sweep, on the records and,
    for measured objectives, on ``measured.json``, so that a search that is started again asks for
    the same networks. Complete plans are skipped, except for the last.
    """

    def __init__(
        self, sweep: Sweep, search: SearchSpec, store: Store, progress: Progress, measure: Measure
    ) -> None:
        self.sweep, self.search, self.store = sweep, search, store
        self.progress, self.measure = progress, measure
        self.space = load_space(search.space)
        self.searcher = search.searcher(self.space)
        self.measures = any(name in MEASURED for name in search.objective)
        self.halving: Halving | None = None
        if search.stop is not None:
            rungs = search.stop.rungs(sweep.recipe)
            self.halving = Halving(search.stop, rungs, store, progress)
        self.arms: dict[str, Any] = {}
        self.lineage: dict[str, Descent] = {}

    def plans(self) -> Iterator[SweepPlan]:
        while len(self.arms) < self.search.n:
            asked = self._ask()
            whole = plan = self._planned(asked)
            identities = self._identities(whole, asked)
            complete = True
            for plan in self._stages(whole, identities):
                keys = {trial.key for trial in plan.trials}
                complete = not keys - self.store.outcomes(keys).keys()
                if not complete:
                    yield plan
                if self.measures and not self.measure(plan):
                    return
            if complete and len(self.arms) == self.search.n:
                yield plan
            self._tell(asked, plan, identities)

    def _stages(self, whole: SweepPlan, identities: Sequence[str]) -> Iterator[SweepPlan]:
        if self.halving is None:
            yield whole
        else:
            yield from self.halving.stages(whole, identities, self._values)

    def _ask(self) -> list[Architecture]:
        try:
            count = min(self.search.batch, self.search.n - len(self.arms))
            return [self.searcher.ask() for _ in range(count)]
        except SpecError as error:
            faults = [replace(fault, path="") for fault in error.faults]
            raise SpecError(placed(faults, self.sweep.document, "search.n")) from None

    def _planned(self, asked: Sequence[Architecture]) -> SweepPlan:
        """The plan of all networks so far, each trained completely."""
        self.arms |= arms_of(self.space, asked)
        for network in asked:
            parents = tuple(digest[:12] for digest in network.parents)
            self.lineage[network.digest[:12]] = Descent(move=network.move, parents=parents)
        search = self.search.model_copy(update={"lineage": dict(self.lineage)})
        changes = {"arms": dict(self.arms), "search": search}
        return plan_sweep(self.sweep.model_copy(update=changes))

    def _identities(self, plan: SweepPlan, asked: Sequence[Architecture]) -> list[str]:
        """Identities of the arms of some networks. Matching changes the networks themselves."""
        by_name = {arm.name: arm.identity for arm in plan.arms}
        return [by_name[network.digest[:12]] for network in asked]

    def _values(self, plan: SweepPlan, identities: Sequence[str]) -> dict[str, tuple[float, ...]]:
        """A value for each objective of some arms, from the recorded trials of ``plan``."""
        keys: dict[str, list[str]] = {}
        for trial in plan.trials:
            keys.setdefault(trial.arm.identity, []).append(trial.key)
        costs = read_measured(self.store.path.parent) if self.measures else {}
        arms = {arm.identity: arm for arm in plan.arms}
        return {
            identity: objective_values(
                self.search.objective,
                [*self.store.outcomes(keys[identity]).values()],
                {name: getattr(arms[identity], name) for name in COUNTED},
                costs.get(identity),
            )
            for identity in identities
        }

    def _tell(
        self, asked: Sequence[Architecture], plan: SweepPlan, identities: Sequence[str]
    ) -> None:
        """Report a batch to the search.

        The error of a network that was stopped counts a whole more for each rung that it did not
        pass: it is compared only with those that were stopped there, too.
        """
        values = self._values(plan, identities)
        place = self.search.objective.index("error")
        for network, identity in zip(asked, identities, strict=True):
            found = list(values[identity])
            found[place] += self.halving.missed(identity) if self.halving else 0
            self.searcher.tell(network, found)
        self.progress.note(f"{len(self.arms)} of {self.search.n} networks; {self._so_far(place)}")

    def _so_far(self, place: int) -> str:
        whole = [found for found in self.searcher.front if found.values[place] <= WORST]
        if not whole:
            return "none has an error yet"
        best = min(whole, key=lambda found: found.values[place])
        error = f"{best.network.digest[:12]}, {100 * best.values[place]:.1f}% validation error"
        if len(self.search.objective) == 1:
            return f"best so far: {error}"
        return f"{len(whole)} on the Pareto front; the lowest error: {error}"
