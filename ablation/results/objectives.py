"""Objectives of a search: the numbers of a network that are to be low, from its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum, inf
from typing import Literal

from ...training.cost import Cost
from .outcome import Outcome

Objective = Literal[
    "error", "params", "macs", "depth", "latency", "batch_latency", "training_memory"
]
#: Objectives that are counted on the plan.
COUNTED = ("params", "macs", "depth")
#: Objectives that are measured on the machine of the run.
MEASURED = ("latency", "batch_latency", "training_memory")
#: The error of a seed that has none: it diverged, failed, crashed or ran out of time.
WORST = 1.0


def measured_figures(cost: Cost | None) -> dict[str, float | None]:
    """Seconds for one image and for a batch of the recipe, and bytes in training; None where they
    were not measured."""
    cost = cost or Cost()
    single, batch = cost.single, cost.batch
    return {
        "latency": single.median if single else None,
        "batch_latency": batch.median if batch else None,
        "training_memory": cost.training_memory,
    }


def objective_values(
    objectives: Sequence[str],
    outcomes: Sequence[Outcome],
    counted: Mapping[str, int],
    cost: Cost | None = None,
) -> tuple[float, ...]:
    """One value for each of ``objectives``; lower is better.

    ``outcomes`` are those of one network's seeds. The error is the mean validation error at the end
    of each, where a seed without one counts as 100%. ``counted`` holds parameters, MACs and depth.
    Several objectives are all infinite where no seed has an error or a figure was not measured:
    such a network is worse than any other, and not good because it is small.
    """
    ends = [outcome.last_validation_error for outcome in outcomes]
    error = fsum(WORST if end is None else end for end in ends) / len(ends)
    if len(objectives) > 1 and all(end is None for end in ends):
        error = inf
    figures = {"error": error, **counted, **measured_figures(cost)}
    values = [inf if (value := figures[name]) is None else float(value) for name in objectives]
    return tuple(values) if inf not in values else (inf,) * len(values)
