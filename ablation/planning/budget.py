"""What a sweep may cost at most, held before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ...drawing.numbers import scientific
from ...errors import Fault
from ...specs.base import Spec

if TYPE_CHECKING:
    from .arms import Arm
    from .sweep import Sweep

MAX_BUDGET_TRIALS = 1_000_000_000


class Budget(Spec):
    """Ceilings over all trials of a sweep, recorded or not."""

    trials: Annotated[int, Field(ge=1, le=MAX_BUDGET_TRIALS)] | None = None
    """Networks times seeds."""
    macs: Annotated[float, Field(gt=0.0, le=1e30)] | None = None
    """Multiply-accumulates of training and testing them, see :func:`trial_macs`."""

    @model_validator(mode="after")
    def _says_something(self) -> Budget:
        if self.trials is None and self.macs is None:
            raise PydanticCustomError(
                "budget",
                "a budget has trials, macs or both",
                {"help": "write budget: {trials: 100}"},
            )
        return self


def trial_macs(macs: int, sweep: Sweep) -> int:
    """Multiply-accumulates of one trial of a network of ``macs`` an image.

    Three times the network's for every image of every step, since the way back takes the
    gradients of the weights and those of the maps (Amodei and Hernandez 2018, AI and Compute,
    appendix), and once for every test and validation image of every evaluation.
    """
    recipe = sweep.recipe
    looked_at = sweep.data.tested + sweep.data.validation
    tested = len(recipe.evaluation_steps()) * looked_at
    return macs * (3 * recipe.steps * recipe.batch_size + tested)


def total_macs(sweep: Sweep, arms: Iterable[Arm]) -> int:
    """Multiply-accumulates of all trials; arms that mean the same network count once."""
    networks = {arm.digest: arm.macs for arm in arms}
    return len(sweep.seeds) * sum(trial_macs(macs, sweep) for macs in networks.values())


def over_budget(sweep: Sweep, arms: Iterable[Arm]) -> Iterator[Fault]:
    """A fault for each ceiling that ``arms`` go over."""
    budget = sweep.budget
    if budget is None:
        return
    arms = tuple(arms)
    networks = max(len({arm.digest for arm in arms}), sweep.most_networks)
    seeds = len(sweep.seeds)
    trials, macs = networks * seeds, total_macs(sweep, arms)
    mend = "leave out arms or seeds, or raise it"
    if budget.trials is not None and trials > budget.trials:
        told = f"{networks:,} networks of {seeds:,} seed{'s' * (seeds > 1)} are {trials:,} trials"
        yield Fault("budget", f"{told}, over the {budget.trials:,}", "budget.trials", mend)
    if budget.macs is not None and macs > budget.macs:
        told = f"{trials:,} trials take {scientific(macs)} MACs"
        yield Fault("budget", f"{told}, over the {scientific(budget.macs)}", "budget.macs", mend)
