"""The plan of a sweep: its trials, each with a key of all that its result depends on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...drawing.numbers import scientific
from ...errors import Fault, SpecError
from ...reading.places import placed
from ...training.data import fingerprint_of
from ..results.outcome import RESULT_FORMAT
from ..results.planned import ArmRecord, PlanRecord, TrialEntry
from .arms import Arm, expand_sweep
from .sweep import Sweep, check_sweep, read_sweep


@dataclass(frozen=True)
class Trial:
    """One network trained with one seed.

    Arms of the same network and recipe share their trials; ``arm`` is the first of them.
    """

    key: str
    arm: Arm
    seed: int
    until: int | None = None
    """Step after which it is stopped; None for a complete trial."""
    whole: str = ""
    """Key of the complete trial, where this one is stopped."""

    @property
    def checkpoint(self) -> str:
        """Name of its checkpoint, from which a trial that is stopped later goes on."""
        return self.whole or self.key


@dataclass(frozen=True)
class SweepPlan:
    """Arms and trials of a sweep, the trials in the order in which they are to be trained."""

    sweep: Sweep
    arms: tuple[Arm, ...]
    trials: tuple[Trial, ...]
    fingerprint: str
    """SHA-256 of the data."""

    @property
    def digest(self) -> str:
        """Equal for plans of the same arms and trials."""
        names = [[arm.name, arm.identity] for arm in self.arms]
        return _sha256([names, sorted(trial.key for trial in self.trials)])

    def until(self, steps: Mapping[tuple[str, int], int]) -> SweepPlan:
        """This plan with some of its trials stopped early: ``steps`` by identity of the arm and
        seed.

        A trial that is stopped has a key of its own: its result is never that of the complete one.
        """
        trials = []
        for trial in self.trials:
            step = steps.get((trial.arm.identity, trial.seed))
            if step is not None:
                recipe = trial.arm.recipe.identity()
                key = trial_key(trial.arm.digest, recipe, trial.seed, self.fingerprint, step)
                trial = replace(trial, key=key, until=step, whole=trial.key)
            trials.append(trial)
        return replace(self, trials=tuple(trials))

    @property
    def record(self) -> PlanRecord:
        """The plan in plain values, as :meth:`Store.adopt` takes it."""
        data = self.sweep.data
        return PlanRecord(
            digest=self.digest,
            sweep=self.sweep.model_dump(mode="json"),
            text=self.sweep.text,
            fingerprint=self.fingerprint,
            images=(*data.input_shape, data.num_classes),
            tested=data.tested,
            arms=tuple(_arm_record(arm) for arm in self.arms),
            trials=tuple(TrialEntry(t.key, t.arm.identity, t.seed) for t in self.trials),
        )


def load_sweep(path: str | os.PathLike[str]) -> Sweep:
    """Sweep of a ``.yaml`` or ``.json`` file, with its arms checked.

    A relative path in the file is relative to the folder of the file. Raises
    :class:`~resforge.SpecError` with the place of every fault, those of arms included.
    """
    sweep = read_sweep(path)
    expand_sweep(sweep)
    return sweep


def plan_sweep(sweep: Sweep) -> SweepPlan:
    """The plan of a sweep.

    Trials are ordered by seed, so that an unfinished sweep can be compared in pairs, and within a
    seed by falling cost, so that workers finish at about the same time. Raises
    :class:`~resforge.SpecError` for an illegal arm, an exceeded budget and data files that cannot
    be read, and :class:`~resforge.ResforgeError` where a library is missing.
    """
    check_sweep("plan_sweep", sweep)
    arms = expand_sweep(sweep)
    if faults := list(over_budget(sweep, arms)):
        raise SpecError(placed(faults, sweep.document))
    try:
        fingerprint = fingerprint_of(sweep.data)
    except SpecError as error:
        raise SpecError(placed(error.faults, sweep.document, "data")) from None
    trained = {arm.identity: arm for arm in reversed(arms)}
    dearest_first = sorted(trained.values(), key=lambda arm: (-trial_macs(arm, sweep), arm.name))
    trials = tuple(
        Trial(trial_key(arm.digest, arm.recipe.identity(), seed, fingerprint), arm, seed)
        for seed in sweep.seeds
        for arm in dearest_first
    )
    return SweepPlan(sweep, arms, trials, fingerprint)


def trial_key(
    network: str, recipe: dict[str, Any], seed: int, fingerprint: str, until: int | None = None
) -> str:
    """Key of a trial: SHA-256 of network digest, :meth:`Recipe.identity`, seed and data, and of the
    step after which it is stopped."""
    stopped = [] if until is None else [until]
    return _sha256([RESULT_FORMAT, network, recipe, seed, fingerprint, *stopped])


def trial_macs(arm: Arm, sweep: Sweep) -> int:
    """Multiply-accumulates of one trial of an arm.

    Each image of each step counts three times, since the backward pass computes the gradients of
    the weights and of the feature maps (Amodei and Hernandez 2018, AI and Compute, appendix); each
    test and validation image of each evaluation counts once.
    """
    recipe = arm.recipe
    trained = recipe.steps * recipe.batch_size
    evaluated = len(recipe.evaluation_steps()) * (sweep.data.tested + sweep.data.validation)
    return arm.macs * (3 * trained + evaluated)


def total_macs(sweep: Sweep, arms: Iterable[Arm], seeds: int | None = None) -> int:
    """Multiply-accumulates of all trials with so many seeds, by default those of the sweep.

    Arms of one identity count once.
    """
    trained = {arm.identity: arm for arm in arms}
    return (len(sweep.seeds) if seeds is None else seeds) * sum(
        trial_macs(arm, sweep) for arm in trained.values()
    )


def over_budget(sweep: Sweep, arms: Iterable[Arm]) -> Iterator[Fault]:
    """Faults, one for each limit of the budget that ``arms`` exceed."""
    budget = sweep.budget
    if budget is None:
        return
    arms = tuple(arms)
    networks = max(len({arm.identity for arm in arms}), sweep.most_networks)
    seeds = sweep.most_seeds
    trials, macs = networks * seeds, total_macs(sweep, arms, seeds)
    help_ = "leave out arms or seeds, or raise the budget"
    if budget.trials is not None and trials > budget.trials:
        cost = f"{networks:,} networks of {seeds:,} seed{'s' * (seeds > 1)} are {trials:,} trials"
        yield Fault("budget", f"{cost}, over the {budget.trials:,}", "budget.trials", help_)
    if budget.macs is not None and macs > budget.macs:
        cost = f"{trials:,} trials take {scientific(macs)} MACs"
        yield Fault("budget", f"{cost}, over the {scientific(budget.macs)}", "budget.macs", help_)


def _arm_record(arm: Arm) -> ArmRecord:
    figures = (arm.params, arm.macs, arm.depth)
    return ArmRecord(arm.name, arm.labels, arm.identity, *figures, arm.spec.to_json())


def _sha256(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
