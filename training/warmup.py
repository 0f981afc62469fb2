"""Warm-up: a lower learning rate at the start of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ..specs.base import Spec

MAX_STEPS = 10_000_000


class LinearWarmup(Spec):
    """Linear rise to the schedule's learning rate; Goyal et al. 2017 (arXiv 1706.02677), section
    2.2.

    >>> [LinearWarmup(steps=4).scale(step, over=False) for step in (0, 1, 3, 99)]
    [0.25, 0.5, 1.0, 1.0]
    """

    kind: Literal["linear"] = "linear"
    steps: Annotated[int, Field(ge=0, le=MAX_STEPS)] = 0
    """Steps until the learning rate is that of the schedule."""

    def scale(self, step: int, over: bool) -> float:
        """Factor of the schedule's learning rate at a step, counted from 0."""
        return min(1.0, (step + 1) / self.steps) if self.steps else 1.0


class UntilErrorWarmup(Spec):
    """A fraction of the learning rate until the training error is below a bound; from then on all
    of it. He et al. 2015, section 4.2: 0.01 instead of 0.1 until 80%, for 110 layers.

    The training error is the mean over the last ``batches`` batches, of the outputs that their
    steps were taken on: of augmented images, with each batch's own statistics, between changes of
    the weights. It needs no forward pass of its own, and is undefined before that many batches.
    """

    kind: Literal["until_error"] = "until_error"
    factor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Fraction of the schedule's learning rate."""
    error: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    """Bound on the training error, 0 to 1."""
    batches: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Number of the last batches that the error is the mean of."""

    def scale(self, step: int, over: bool) -> float:
        """Factor of the schedule's learning rate; ``over``: whether the error fell below the
        bound."""
        return 1.0 if over else self.factor


def expand_warmup(value: Any) -> Any:
    """Expand ``400`` to ``{kind: linear, steps: 400}``, and a name to that kind."""
    if isinstance(value, str):
        return {"kind": value}
    return value if isinstance(value, dict | Spec) else {"kind": "linear", "steps": value}


_Kinds = Annotated[LinearWarmup | UntilErrorWarmup, Field(discriminator="kind")]
WarmupSpec = Annotated[
    _Kinds,
    BeforeValidator(expand_warmup, json_schema_input_type=int | Literal["until_error"] | _Kinds),
]


class WarmupState:
    """State of a warm-up during a run: whether it is over."""

    def __init__(self, spec: LinearWarmup | UntilErrorWarmup) -> None:
        self.spec = spec
        self.over = isinstance(spec, LinearWarmup)
        """True from the start for a warm-up that does not depend on the training error."""
        self.errors: list[float] = []
        """Errors of the last batches, each 0 to 1, the oldest first."""

    def note(self, error: float) -> None:
        """Add the error of a batch."""
        if isinstance(self.spec, UntilErrorWarmup):
            self.errors = [*self.errors, error][-self.spec.batches :]
            enough = len(self.errors) == self.spec.batches
            self.over = enough and sum(self.errors) / len(self.errors) < self.spec.error

    def state(self) -> dict[str, Any]:
        return {"over": self.over, "errors": self.errors}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.over = bool(state["over"])
        self.errors = [float(error) for error in state["errors"]]
