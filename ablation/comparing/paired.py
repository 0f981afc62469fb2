"""Two arms compared seed by seed: every figure there is to print of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..planning.pairing import Shared, shared
from ..results.outcome import Outcome, Status
from ..results.records import ArmRecord, Records, read_records
from .comparison import Spread
from .statistics import LEVEL, detectable, discordance_p, holm, mean_interval, sign_flip_p
from .verdict import state_comparison

_DIVERGED: frozenset[Status] = frozenset({"diverged"})
_FAILED: frozenset[Status] = frozenset({"failed", "crashed", "timed_out"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One declared comparison. Differences are ``of`` minus ``to``, in percentage points of test
    error, over the seeds with which both arms finished.

    What could not be had is None: the interval below five pairs or where all differences are the
    same, everything but the counts where no pair is finished or both arms are one network.
    ``docs/sweeps.md`` defines every figure.
    """

    of: str
    to: str
    """The arms, as the table names them."""
    at: str
    """What both have in common, such as ``depth 8``; may be empty."""
    of_label: str
    to_label: str
    """What they differ in, such as ``A`` and ``plain``."""
    same_network: bool
    """Whether both arms mean the same network, trained once."""
    seeds: int
    """Seeds of the sweep."""
    pending: int
    """Seeds with which not both arms have ended yet."""
    n: int
    """Seeds with which both arms finished: the pairs."""
    mean: float | None
    deviation: float | None
    """Sample standard deviation (n - 1) of the differences."""
    low: float | None
    high: float | None
    """The 95% interval of the mean."""
    p: float | None
    """Of the sign-flip test, two-sided."""
    p_holm: float | None
    """``p`` corrected for the number of comparisons."""
    family: int
    """Comparisons of the sweep, those of one network with itself left out."""
    detectable: float | None
    """The smallest true difference that so many pairs would show with a power of 80%."""
    diverged: tuple[int, int]
    """Trials of ``of`` and of ``to`` whose loss stopped being finite."""
    failed: tuple[int, int]
    """Trials of ``of`` and of ``to`` that failed, crashed or ran out of time."""
    shared: Shared | None
    """What of ``of`` starts bit for bit as in ``to`` with the same seed; None where one of them is
    no legal network any more."""
    p_diverged: float | None
    """Of the exact McNemar test on divergence, two-sided and not corrected."""

    @property
    def separable(self) -> bool:
        """Whether the corrected p is at most 0.05."""
        return self.p_holm is not None and self.p_holm <= LEVEL

    @property
    def verdict(self) -> str:
        """All of it in a sentence or a few."""
        return state_comparison(self)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: all figures, whether they are separable, and the verdict."""
        shared = self.shared and self.shared._asdict()
        told = {"separable": self.separable, "verdict": self.verdict}
        return {**asdict(self), "shared": shared, **told}


def compare_pairs(source: Records | str | os.PathLike[str]) -> tuple[Comparison, ...]:
    """The comparisons a sweep declares, in their order; give records or a sweep's folder.

    The same records give the same numbers. Needs scipy.
    """
    records = source if isinstance(source, Records) else read_records(source)
    arms = {arm.name: arm for arm in records.arms}
    pairs = [(arms[pair.of], arms[pair.to]) for pair in records.pairs]
    family = sum(of.digest != to.digest for of, to in pairs)
    alone = [_compared(records, of, to, family) for of, to in pairs]
    corrected = holm([comparison.p for comparison in alone], family)
    return tuple(replace(c, p_holm=p) for c, p in zip(alone, corrected, strict=True))


def _compared(records: Records, of: ArmRecord, to: ArmRecord, family: int) -> Comparison:
    """One comparison, its p not yet corrected."""
    ended = [{trial.seed: trial.outcome for trial in records.trials[arm.name]} for arm in (of, to)]
    both = [(ended[0][seed], ended[1][seed]) for seed in ended[0] if seed in ended[1]]
    same = of.digest == to.digest
    # Equal because they are one: that is no evidence of anything.
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
    """In percentage points, over the pairs of which both are done."""
    errors = [(of.test_error, to.test_error) for of, to in both]
    return [100.0 * (of - to) for of, to in errors if of is not None and to is not None]


def _counts(ended: Sequence[dict[int, Outcome]], statuses: frozenset[Status]) -> tuple[int, int]:
    of, to = (sum(o.status in statuses for o in outcomes.values()) for outcomes in ended)
    return of, to


def _divergence_p(both: Sequence[tuple[Outcome, Outcome]]) -> float | None:
    """Over seeds with which both arms came to a result, be it divergence."""
    ends = [(of.status, to.status) for of, to in both]
    return discordance_p(ends.count(("diverged", "done")), ends.count(("done", "diverged")))


def _labels(of: ArmRecord, to: ArmRecord) -> tuple[str, str, str]:
    """What both arms have in common, and what each has of its own."""
    shared = [(axis, label) for axis, label in of.labels if (axis, label) in to.labels]
    at = ", ".join(f"{axis} {label}" for axis, label in shared)
    return at, _own(of, shared), _own(to, shared)


def _own(arm: ArmRecord, shared: Sequence[tuple[str, str]]) -> str:
    own = [pair for pair in arm.labels if pair not in shared]
    if len(own) == 1 and own[0][1][:1].isalpha():  # "A" says enough by itself, "56" does not
        return own[0][1]
    return ", ".join(f"{axis} {label}" for axis, label in own) or arm.name
