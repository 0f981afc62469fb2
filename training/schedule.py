"""Learning rate schedules.

``progress`` is the fraction of the run that is done: 0 at the first step, below 1 at the last.
Warm-up is a field of the recipe, since every schedule may have one.
"""

from __future__ import annotations

from math import cos, pi
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ..specs.base import Spec, expand_kind

Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]


class ConstantSchedule(Spec):
    """Constant learning rate."""

    kind: Literal["constant"] = "constant"

    def factor(self, progress: float) -> float:
        return 1.0


class StepSchedule(Spec):
    """Learning rate multiplied by ``gamma`` at each milestone.

    He et al. 2015, section 4.2, divides it by 10 at 1/2 and 3/4 of the run.
    """

    kind: Literal["step"] = "step"
    milestones: Annotated[
        tuple[Fraction, ...], Field(strict=False, min_length=1, max_length=64)
    ] = (0.5, 0.75)
    """Fractions of the run, in rising order."""
    gamma: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Factor of the learning rate at each milestone."""

    @model_validator(mode="after")
    def _rising(self) -> StepSchedule:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise PydanticCustomError(
                "schedule", "milestones must rise, not {given}", {"given": str([*self.milestones])}
            )
        return self

    def factor(self, progress: float) -> float:
        return self.gamma ** sum(progress >= milestone for milestone in self.milestones)


class CosineSchedule(Spec):
    """Half a cosine, from the peak to ``floor`` (Loshchilov and Hutter 2017, arXiv 1608.03983).

    >>> CosineSchedule().factor(0.0), round(CosineSchedule().factor(0.5), 6)
    (1.0, 0.5)
    """

    kind: Literal["cosine"] = "cosine"
    floor: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Learning rate at the end, as a fraction of the peak."""

    def factor(self, progress: float) -> float:
        return self.floor + (1.0 - self.floor) * 0.5 * (1.0 + cos(pi * progress))


class OneCycleSchedule(Spec):
    """Linear rise, then half a cosine down to 0 (Smith and Topin 2018, arXiv 1708.07120)."""

    kind: Literal["one_cycle"] = "one_cycle"
    rise: Fraction = 0.3
    """Fraction of the run in which the rate rises."""
    start: Annotated[float, Field(gt=0.0, le=1.0)] = 0.04
    """Learning rate at the first step, as a fraction of the peak."""

    def factor(self, progress: float) -> float:
        if progress < self.rise:
            return self.start + (1.0 - self.start) * progress / self.rise
        return 0.5 * (1.0 + cos(pi * (progress - self.rise) / (1.0 - self.rise)))


_Kinds = Annotated[
    ConstantSchedule | StepSchedule | CosineSchedule | OneCycleSchedule,
    Field(discriminator="kind"),
]
ScheduleSpec = Annotated[
    _Kinds,
    BeforeValidator(
        expand_kind,
        json_schema_input_type=Literal["constant", "step", "cosine", "one_cycle"] | _Kinds,
    ),
]
