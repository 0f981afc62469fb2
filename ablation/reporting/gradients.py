"""Norms of the gradients by depth, at the first step and at the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ..comparing.rows import Panel
from ..results.records import Records, TrialRecord
from .chart import Chart, Points
from .figures import Quantity, draw_panels, log_limits

_STEPS = ("at the first step", "at the last step")


def gradient_charts(records: Records, arm_panels: Sequence[Panel]) -> list[Chart]:
    """Charts of the gradient norm of each layer, at the first step and at the last, for each panel.

    The layers are those that the depth counts: convolutions and the linear layer of the main path,
    in the order from input to output. Norms that are 0 or not finite are left out, since the axis
    is logarithmic. Empty where no trial has recorded gradients. Needs matplotlib.
    """
    places = {arm.name: _places(records, arm.digest) for arm in records.arms}

    def curves(step: int, arm: str) -> list[Points]:
        return [list(_points(trial, step, places[arm])) for trial in records.trials[arm]]

    norms = [
        norm
        for arm in places
        for step in range(len(_STEPS))
        for points in curves(step, arm)
        for _, norm in points
    ]
    if not norms:
        return []
    limits = log_limits(norms)
    at_first, at_last = (
        Quantity(
            f"gradients {when}",
            "layer, from the input on",
            "norm of the gradient",
            partial(curves, step),
            limits,
        )
        for step, when in enumerate(_STEPS)
    )
    return draw_panels(arm_panels, (at_first, at_last))


def _places(records: Records, digest: str) -> dict[str, int]:
    """Number of each weight's layer on the main path, by the name of the weight."""
    plan = records.plans.get(digest)
    layers = plan.weighted if plan else ()
    return {f"{layer.name}.weight": place for place, layer in enumerate(layers, start=1)}


def _points(trial: TrialRecord, step: int, places: dict[str, int]) -> Iterator[tuple[float, float]]:
    for norms in trial.outcome.gradients[step : step + 1]:  # a diverged trial has no last step
        yield from ((places[name], norm) for name, norm in norms if norm and name in places)
