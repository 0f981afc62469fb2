"""Paired comparisons: the declared pairs of arms, compared seed by seed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from ..planning.pairing import Shared, shared
from ..results.outcome import Outcome, Status
from ..results.planned import ArmRecord
from ..results.records import Records, read_records
from .comparison import Comparison
from .rows import Spread
from .statistics import detectable, discordance_p, holm, mean_interval, sign_flip_p

_DIVERGED: frozenset[Status] = frozenset({"diverged"})
_FAILED: frozenset[Status] = frozenset({"failed", "crashed", "timed_out"})


def compare_pairs(source: Records | str | os.PathLike[str]) -> tuple[Comparison, ...]:
    """Comparisons that a sweep declares, in their order.

    ``source`` is a sweep's records, or the folder that it was run into. The same records give the
    same numbers. Needs scipy.
    """
    records = source if isinstance(source, Records) else read_records(source)
    arms = {arm.name: arm for arm in records.arms}
    pairs = [(arms[pair.of], arms[pair.to]) for pair in records.pairs]
    family = sum(of.digest != to.digest for of, to in pairs)
    uncorrected = [_compared(records, of, to, family) for of, to in pairs]
    corrected = holm([comparison.p for comparison in uncorrected], family)
    return tuple(replace(c, p_holm=p) for c, p in zip(uncorrected, corrected, strict=True))


def _compared(records: Records, of: ArmRecord, to: ArmRecord, family: int) -> Comparison:
    """One comparison, without ``p_holm``."""
    ended = [{trial.seed: trial.outcome for trial in records.trials[arm.name]} for arm in (of, to)]
    both = [(ended[0][seed], ended[1][seed]) for seed in ended[0] if seed in ended[1]]
    same = of.digest == to.digest
    # Differences of a network with itself are zero by construction and no evidence.
    differences = [] if same else _differences(both)
    spread = Spread.of(differences)
    deviation = spread.deviation if spread else None
    low, high = mean_interval(differences) or (None, None)
    at, of_label, to_label = _labels(of, to)
    seeds = len(records.sweep["seeds"])
    return Comparison(
        of=of.name,
        to=to.name,
        at=at,
        of_label=of_label,
        to_label=to_label,
        same_network=same,
        seeds=seeds,
        pending=seeds - len(both),
        n=len(differences),
        mean=spread.mean if spread else None,
        deviation=deviation,
        low=low,
        high=high,
        p=sign_flip_p(differences),
        p_holm=None,
        family=family,
        detectable=detectable(deviation, len(differences), family),
        diverged=_counts(ended, _DIVERGED),
        failed=_counts(ended, _FAILED),
        shared=_shared(records, of, to),
        p_diverged=None if same else _divergence_p(both),
    )


def _shared(records: Records, of: ArmRecord, to: ArmRecord) -> Shared | None:
    plans = records.plans
    if of.digest not in plans or to.digest not in plans:
        return None
    return shared(plans[of.digest], plans[to.digest])


def _differences(both: Sequence[tuple[Outcome, Outcome]]) -> list[float]:
    """Differences in percentage points, over the pairs in which both trials are done."""
    errors = [(of.test_error, to.test_error) for of, to in both]
    return [100.0 * (of - to) for of, to in errors if of is not None and to is not None]


def _counts(ended: Sequence[dict[int, Outcome]], statuses: frozenset[Status]) -> tuple[int, int]:
    of, to = (sum(o.status in statuses for o in outcomes.values()) for outcomes in ended)
    return of, to


def _divergence_p(both: Sequence[tuple[Outcome, Outcome]]) -> float | None:
    """p of the McNemar test over the seeds with which both arms finished or diverged."""
    ends = [(of.status, to.status) for of, to in both]
    return discordance_p(ends.count(("diverged", "done")), ends.count(("done", "diverged")))


def _labels(of: ArmRecord, to: ArmRecord) -> tuple[str, str, str]:
    """Labels that both arms have, then those of ``of`` alone and of ``to`` alone."""
    shared = [(axis, label) for axis, label in of.labels if (axis, label) in to.labels]
    at = ", ".join(f"{axis} {label}" for axis, label in shared)
    return at, _own(of, shared), _own(to, shared)


def _own(arm: ArmRecord, shared: Sequence[tuple[str, str]]) -> str:
    own = [pair for pair in arm.labels if pair not in shared]
    if len(own) == 1 and own[0][1][:1].isalpha():  # "A" is clear without its axis, "56" is not
        return own[0][1]
    return ", ".join(f"{axis} {label}" for axis, label in own) or arm.name
