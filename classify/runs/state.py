"""How far a run has come, as its state holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .reading import first_fault
from .record import Epoch, RunSpec


@dataclass(frozen=True, slots=True)
class Counters:
    """Steps, losses and epochs of a run so far."""

    history: list[Epoch]
    step: int
    """Optimizer steps done."""
    loss: float
    """Sum of the losses of the steps since the last epoch."""
    seconds: float
    """Time of these steps."""
    errors: float | None = 0.0
    """Sum of the errors of these steps; None where an earlier version did some of them."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


_COUNTERS = TypeAdapter(Counters)


def read_counters(state: Mapping[str, Any], spec: RunSpec) -> Counters:
    """The counters in the state of a run of ``spec``. Raises ``ValueError`` where they are not
    those of such a run."""
    tree = {field.name: state[field.name] for field in fields(Counters) if field.name != "errors"}
    tree["errors"] = state.get("errors")
    try:
        found = _COUNTERS.validate_python(tree)
    except ValidationError as error:
        raise ValueError(first_fault(error)) from None
    steps, done = spec.steps_per_epoch, len(found.history)
    if [(epoch.epoch, epoch.step) for epoch in found.history] != [
        (number, number * steps) for number in range(1, done + 1)
    ]:
        raise ValueError("its epochs are not those of the run")
    # The last epoch may lack its validation, where a picture could not be read.
    if not done * steps <= found.step <= min((done + 1) * steps, spec.recipe.steps):
        raise ValueError(f"it has {done} epochs after {found.step} steps")
    if found.errors is None and found.step == done * steps:
        return replace(found, errors=0.0)
    return found
