"""A training recipe: everything that decides a run except network, data and seed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ..specs.base import Spec
from .optimizer import OptimizerSpec, SgdSpec
from .schedule import CosineSchedule, ScheduleSpec

MAX_STEPS = 10_000_000


class Recipe(Spec):
    """How a network is trained; frozen, so that every arm of a sweep gets the same.

    >>> recipe = Recipe(steps=100, schedule="constant", warmup_steps=4)
    >>> [recipe.learning_rate(step) for step in (0, 1, 3, 99)]
    [0.025, 0.05, 0.1, 0.1]
    """

    optimizer: OptimizerSpec = SgdSpec()
    schedule: ScheduleSpec = CosineSchedule()
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = 120
    """Optimiser steps, one batch each."""
    batch_size: Annotated[int, Field(ge=2, le=65_536)] = 128
    """Images in a batch; at least two, since batch norm needs them."""
    warmup_steps: Annotated[int, Field(ge=0, le=MAX_STEPS)] = 0
    """Steps over which the learning rate rises in a straight line to what the schedule says."""
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the target spread evenly over all classes (Szegedy et al. 2016)."""
    evaluations: Annotated[int, Field(ge=1, le=1000)] = 6
    """How often the test error is looked at, evenly over the run, the last step among them."""

    @model_validator(mode="after")
    def _warmup_fits(self) -> Recipe:
        if self.warmup_steps >= self.steps:
            raise PydanticCustomError(
                "recipe",
                "warmup_steps {given} must be below steps {steps}",
                {"given": self.warmup_steps, "steps": self.steps},
            )
        return self

    def learning_rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        peak = self.optimizer.lr * self.schedule.factor(step / self.steps)
        return peak * min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else peak

    def evaluation_steps(self) -> frozenset[int]:
        """The numbers of steps done when the test error is looked at.

        >>> sorted(Recipe(steps=100, evaluations=4).evaluation_steps())
        [25, 50, 75, 100]
        """
        times = min(self.evaluations, self.steps)
        return frozenset(self.steps * (i + 1) // times for i in range(times))
