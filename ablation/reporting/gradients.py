"""Gradients by depth: whether they reach the first layers, and whether they still do at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from ..results.records import Records, TrialRecord
from .chart import Chart, Points
from .figures import Quantity, draw_panels, log_limits
from .panels import Panel

_STEPS = ("at the first step", "at the last step")


def gradient_charts(records: Records, found: Sequence[Panel]) -> list[Chart]:
    """Two charts for each panel: the norm of each layer's gradient at the first step and at the
    last, from the input to the answer; none where no trial recorded any. Needs matplotlib.

    The layers are those that a network's depth counts: convolutions and the linear layer of the
    main path. A norm that is 0 or not finite has no place on a logarithmic axis.
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
    return draw_panels(found, (at_first, at_last))


def _places(records: Records, digest: str) -> dict[str, int]:
    """Each weight's place among the layers of the main path."""
    laid = records.plans.get(digest)
    layers = laid.weighted if laid else ()
    return {f"{layer.name}.weight": place for place, layer in enumerate(layers, start=1)}


def _points(trial: TrialRecord, step: int, places: dict[str, int]) -> Iterator[tuple[float, float]]:
    for norms in trial.outcome.gradients[step : step + 1]:  # a trial that diverged has no last
        yield from ((places[name], norm) for name, norm in norms if norm and name in places)
