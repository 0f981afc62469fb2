"""Plans of a run: one, or one for each look at results, or for each batch of a search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import fsum
from typing import Any

from ...errors import SpecError
from ...generation import Architecture, RandomSearch, load_space
from ...reading.places import placed
from ..planning.plan import SweepPlan, plan_sweep
from ..planning.sample import arms_of
from ..results.store import Store
from .looks import look_plans
from .progress import Progress

_WORST = 1.0


def plans(first: SweepPlan, store: Store, progress: Progress) -> Iterator[SweepPlan]:
    """``first``, or a plan for each look, or for a search one for each batch of networks.

    Each batch includes all earlier ones. The next is asked for once all trials of the last are
    recorded in ``store``. It depends on the sweep and these records alone, so that a search that is
    started again asks for the same networks. Complete batches are skipped, except for the last. The
    value of a network is its mean validation error over seeds, where a seed without one counts as
    an error of 100%.

    Raises :class:`~resforge.SpecError` for a network that does not fit the data, for an exceeded
    budget and for a space without enough networks.
    """
    sweep = first.sweep
    if sweep.search is None:
        yield from look_plans(first, store, progress) if sweep.looks else [first]
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
        plan = plan_sweep(sweep.model_copy(update={"arms": arms}))
        keys = {trial.key for trial in plan.trials}
        if len(arms) == search.n or keys - store.outcomes(keys).keys():
            yield plan
        _report(searcher, asked, plan, store)
        if searcher.best is not None:
            best = f"{searcher.best.network.digest[:12]}, {100 * searcher.best.value:.1f}%"
            progress.note(
                f"{len(arms)} of {search.n} networks; best so far: {best} validation error"
            )


def to_come(plan: SweepPlan) -> int:
    """Largest number of trials that a search adds to ``plan``."""
    search = plan.sweep.search
    return (search.n - len(plan.arms)) * len(plan.sweep.seeds) if search else 0


def _report(
    searcher: RandomSearch, asked: list[Architecture], plan: SweepPlan, store: Store
) -> None:
    # Matching changes the networks, and so their digests.
    trained = {arm.name: arm.digest for arm in plan.arms}
    keys: dict[str, list[str]] = {}
    for trial in plan.trials:
        keys.setdefault(trial.arm.digest, []).append(trial.key)
    for network in asked:
        outcomes = store.outcomes(keys[trained[network.digest[:12]]]).values()
        recorded = [outcome.validation_error for outcome in outcomes]
        errors = [_WORST if error is None else error for error in recorded]
        searcher.tell(network, fsum(errors) / len(errors))
