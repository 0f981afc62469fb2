"""From a sweep to its trials, each with a key that says all that decides its result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ...errors import SpecError
from ...reading.places import placed
from ...training.data import fingerprint_of
from ..results.outcome import RESULT_FORMAT
from .arms import Arm
from .budget import over_budget
from .sweep import Sweep, check_sweep


@dataclass(frozen=True)
class Trial:
    """One network trained once. Arms that mean the same network share their trials.

    ``arm`` is the name of the first arm that wants it.
    """

    key: str
    arm: Arm
    seed: int


@dataclass(frozen=True)
class SweepPlan:
    """A sweep worked out: what to train, in the order in which to train it."""

    sweep: Sweep
    arms: tuple[Arm, ...]
    trials: tuple[Trial, ...]
    fingerprint: str
    """Of the data, SHA-256."""

    @property
    def digest(self) -> str:
        """Equal for plans of the same arms and trials."""
        names = [[arm.name, arm.digest] for arm in self.arms]
        return _sha256([names, sorted(trial.key for trial in self.trials)])


def plan_sweep(sweep: Sweep) -> SweepPlan:
    """The arms and trials of a sweep.

    Trials go seed by seed, so that an unfinished sweep can already be compared in pairs, and
    within a seed the dearest first, so that workers end together. Raises
    :class:`~resforge.SpecError` for an illegal arm, for more than the budget and for files of the
    data that cannot be read, and :class:`~resforge.ResforgeError` where a library is missing.
    """
    check_sweep("plan_sweep", sweep)
    if faults := list(over_budget(sweep, sweep.expanded)):
        raise SpecError(placed(faults, sweep.document))
    try:
        fingerprint = fingerprint_of(sweep.data)
    except SpecError as error:
        raise SpecError(placed(error.faults, sweep.document, "data")) from None
    recipe = sweep.recipe.identity()
    distinct = {arm.digest: arm for arm in reversed(sweep.expanded)}
    dearest_first = sorted(distinct.values(), key=lambda arm: (-arm.macs, arm.name))
    trials = tuple(
        Trial(trial_key(arm.digest, recipe, seed, fingerprint), arm, seed)
        for seed in sweep.seeds
        for arm in dearest_first
    )
    return SweepPlan(sweep, sweep.expanded, trials, fingerprint)


def trial_key(network: str, recipe: dict[str, Any], seed: int, fingerprint: str) -> str:
    """The key of a trial, of a network's digest, :meth:`Recipe.identity` and the data's
    fingerprint."""
    return _sha256([RESULT_FORMAT, network, recipe, seed, fingerprint])


def _sha256(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
