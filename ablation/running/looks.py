"""Plans of a sweep with looks: one for each number of seeds, until every comparison is settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from ..comparing.compared import compare_pairs
from ..planning.plan import SweepPlan, plan_sweep
from ..results.records import Records, TrialRecord
from ..results.store import Store
from .progress import Progress


def look_plans(first: SweepPlan, store: Store, progress: Progress) -> Iterator[SweepPlan]:
    """One plan for each look, which includes the seeds of all earlier ones.

    The next look is asked for once all trials of the last are recorded in ``store``, and only if a
    comparison is not settled. That depends on the recorded results alone, so that a sweep that is
    started again goes on where it was. A complete look is skipped, except for the last.
    """
    sweep = first.sweep
    for look in sweep.looks:
        plan = plan_sweep(sweep.model_copy(update={"seeds": tuple(range(look))}))
        keys = {trial.key for trial in plan.trials}
        complete = not keys - store.outcomes(keys).keys()
        if not complete:
            yield plan
        settled, comparisons = _settled(plan, store)
        last = look == sweep.looks[-1] or settled == comparisons
        if last and complete:
            yield plan
        progress.note(
            f"{look} seeds: {settled} of {comparisons} comparisons are settled"
            + ("" if last else "; more seeds follow")
        )
        if last:
            return


def _settled(plan: SweepPlan, store: Store) -> tuple[int, int]:
    """Number of comparisons that are separable, and of all that can be."""
    compared = [c for c in compare_pairs(_records(plan, store)) if not c.same_network]
    return sum(c.separable for c in compared), len(compared)


def _records(plan: SweepPlan, store: Store) -> Records:
    """Records of a plan, which need not be the store's current one."""
    record, now = plan.record, datetime.now(UTC)
    outcomes = store.outcomes(trial.key for trial in plan.trials)
    trials: dict[str, list[TrialRecord]] = {}
    for entry in record.trials:
        if entry.key in outcomes:
            trial = TrialRecord(entry.key, entry.seed, outcomes[entry.key], now)
            trials.setdefault(entry.digest, []).append(trial)
    return Records(
        sweep=record.sweep,
        text=record.text,
        fingerprint=record.fingerprint,
        arms=record.arms,
        trials={arm.name: tuple(trials.get(arm.digest, ())) for arm in record.arms},
        total=len(record.trials),
        finished=len(outcomes),
        images=record.images,
    )
