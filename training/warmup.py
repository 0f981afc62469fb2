"""How a run begins: below the learning rate that the schedule says, until it is under way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ..specs.base import Spec

MAX_STEPS = 10_000_000


class LinearWarmup(Spec):
    """Up in a straight line; Goyal et al. 2017 (arXiv 1706.02677), section 2.2.

    >>> [LinearWarmup(steps=4).scale(step, over=False) for step in (0, 1, 3, 99)]
    [0.25, 0.5, 1.0, 1.0]
    """

    kind: Literal["linear"] = "linear"
    steps: Annotated[int, Field(ge=0, le=MAX_STEPS)] = 0
    """Steps until the learning rate is what the schedule says."""

    def scale(self, step: int, over: bool) -> float:
        """What the schedule's learning rate is multiplied by at a step, counted from 0."""
        return min(1.0, (step + 1) / self.steps) if self.steps else 1.0


class UntilErrorWarmup(Spec):
    """A share of the learning rate until the training error is below a bound, then all of it for
    good. He et al. 2015, section 4.2: 0.01 in place of 0.1 until 80%, for 110 layers.

    The training error is that of the last ``batches`` batches together, from the very outputs
    their steps were taken on: of augmented images, with each batch's own statistics, while the
    weights move. It costs no pass of its own, and before there were so many batches there is none.
    """

    kind: Literal["until_error"] = "until_error"
    factor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Share of the schedule's learning rate."""
    error: Annotated[float, Field(gt=0.0, le=1.0)] = 0.8
    """The bound, as a share, 0 to 1."""
    batches: Annotated[int, Field(ge=1, le=10_000)] = 20
    """Over how many of the last batches the error is taken."""

    def scale(self, step: int, over: bool) -> float:
        """What the schedule's learning rate is multiplied by; ``over``: the bound was passed."""
        return 1.0 if over else self.factor


def expand_warmup(value: Any) -> Any:
    """``400`` is short for ``{kind: linear, steps: 400}``, and a name for that kind."""
    if isinstance(value, str):
        return {"kind": value}
    return value if isinstance(value, dict | Spec) else {"kind": "linear", "steps": value}


_Kinds = Annotated[LinearWarmup | UntilErrorWarmup, Field(discriminator="kind")]
WarmupSpec = Annotated[
    _Kinds,
    BeforeValidator(expand_warmup, json_schema_input_type=int | Literal["until_error"] | _Kinds),
]


class WarmupState:
    """Whether a warm-up that waits for the training error is over, as a run finds out."""

    def __init__(self, spec: LinearWarmup | UntilErrorWarmup) -> None:
        self.spec = spec
        self.over = isinstance(spec, LinearWarmup)
        """One that waits for nothing is."""
        self.errors: list[float] = []
        """Of the last batches, each a share, the oldest first."""

    def note(self, error: float) -> None:
        """Note the share of a batch that was missed, for the steps that follow."""
        if isinstance(self.spec, UntilErrorWarmup):
            self.errors = [*self.errors, error][-self.spec.batches :]
            enough = len(self.errors) == self.spec.batches
            self.over = enough and sum(self.errors) / len(self.errors) < self.spec.error

    def state(self) -> dict[str, Any]:
        return {"over": self.over, "errors": self.errors}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.over, self.errors = state["over"], [*state["errors"]]
