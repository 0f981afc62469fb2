"""A trial as it is handed to whoever runs it: texts and numbers, fit for any wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import SweepPlan, Trial


@dataclass(frozen=True, slots=True)
class Task:
    """``spec``, ``recipe`` and ``data`` are JSON; ``fingerprint`` is what the data must have."""

    key: str
    arm: str
    spec: str
    recipe: str
    data: str
    fingerprint: str
    seed: int


def make_task(plan: SweepPlan, trial: Trial) -> Task:
    """The task of one trial of a plan."""
    return Task(
        key=trial.key,
        arm=trial.arm.name,
        spec=trial.arm.spec.to_json(),
        recipe=plan.sweep.recipe.model_dump_json(),
        data=plan.sweep.data.model_dump_json(),
        fingerprint=plan.fingerprint,
        seed=trial.seed,
    )
