"""The plans of a run: one, or where networks are searched for one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import fsum
from typing import TYPE_CHECKING, Any

from ...errors import SpecError
from ...generation import load_space
from ...reading.places import placed
from ..planning.plan import SweepPlan, plan_sweep
from ..planning.sample import arms_of

if TYPE_CHECKING:
    from ...generation import Architecture, RandomSearch
    from ..results.store import Store
    from .progress import Progress

_WORST = 1.0


def plans(first: SweepPlan, store: Store, progress: Progress) -> Iterator[SweepPlan]:
    """``first``, or where its sweep is a search the plan of each batch with all before it.

    The next batch is asked for once all trials of the last are recorded in ``store``, and what is
    asked for follows from the sweep and these records alone: started again, a search asks for the
    same networks. Batches that are recorded whole are passed over, but for the last. A network is
    told by its mean validation error over seeds, where a seed that gave none missed everything.

    Raises :class:`~resforge.SpecError` for a network that does not fit the data, for more than the
    budget and for a space without enough networks.
    """
    sweep = first.sweep
    if sweep.search is None:
        yield first
        return
    search, space = sweep.search, load_space(sweep.search.space)
    searcher = search.searcher(space)
    arms: dict[str, Any] = {}
    while len(arms) < search.n:
        try:
            asked = [searcher.ask() for _ in range(min(search.batch, search.n - len(arms)))]
        except SpecError as error:
            faults = [replace(fault, path="") for fault in error.faults]
            raise SpecError(placed(faults, sweep.document, "search.n")) from None
        arms |= arms_of(space, asked)
        plan = plan_sweep(sweep.with_arms(arms))
        keys = {trial.key for trial in plan.trials}
        if len(arms) == search.n or keys - store.outcomes(keys).keys():
            yield plan
        _tell(searcher, asked, plan, store)
        if searcher.best is not None:
            best = f"{searcher.best.network.digest[:12]}, {100 * searcher.best.value:.1f}%"
            told = f"{len(arms)} of {search.n} networks; best so far: {best} validation error"
            progress.note(told)


def to_come(plan: SweepPlan) -> int:
    """How many trials a run of ``plan`` may have beyond it."""
    search = plan.sweep.search
    return (search.n - len(plan.arms)) * len(plan.sweep.seeds) if search else 0


def _tell(searcher: RandomSearch, asked: list[Architecture], plan: SweepPlan, store: Store) -> None:
    trained = {arm.name: arm.digest for arm in plan.arms}  # another one where arms are matched
    keys: dict[str, list[str]] = {}
    for trial in plan.trials:
        keys.setdefault(trial.arm.digest, []).append(trial.key)
    for network in asked:
        ended = store.outcomes(keys[trained[network.digest[:12]]]).values()
        found = [outcome.validation_error for outcome in ended]
        errors = [_WORST if error is None else error for error in found]
        searcher.tell(network, fsum(errors) / len(errors))
