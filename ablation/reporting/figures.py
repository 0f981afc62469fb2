"""Curves of the arms: a panel for each label of the first axis, a line for each series."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING

from ..comparing.rows import Panel
from ..results.records import Records, TrialRecord
from .chart import MAX_SERIES, Chart, Points, draw, draw_curves, log_ticks, values_by_x

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Most panels that are drawn; nobody reads a page of hundreds of charts.
MAX_PANELS = 24
_SIZE = (4.2, 2.7)  # inches


@dataclass(frozen=True, slots=True)
class Quantity:
    """Quantity of a chart; ``curves`` maps the name of an arm to its curves, one a seed."""

    title: str
    x: str
    y: str
    curves: Callable[[str], list[Points]]
    limits: tuple[float, float]
    right: float | None = None
    """End of the x axis; None is the end of the curves."""
    log: bool = True
    figure: str = "{:.2g}"
    """Format of a value."""


def learning_curves(records: Records, arm_panels: Sequence[Panel]) -> list[Chart]:
    """Charts of training loss, validation error and test error against steps, for each panel.

    The validation error is left out where no trial has one. Needs matplotlib.
    """

    def curves(points: Callable[[TrialRecord], Points]) -> Callable[[str], list[Points]]:
        return lambda arm: [points(trial) for trial in records.trials[arm]]

    trials = records.all_trials
    if not any(trial.outcome.train_curve for trial in trials):
        return []
    steps = max(trial.outcome.steps for trial in trials) or 1
    limits = log_limits(loss for trial in trials for _, loss in trial.outcome.train_curve)
    loss = Quantity("training loss", "step", "training loss", curves(_losses), limits, steps)

    def error(part: str, points: Callable[[TrialRecord], Points]) -> Quantity:
        shown = (f"{part} error", "step", f"{part} error, %", curves(points), (0, 100), steps)
        return Quantity(*shown, log=False, figure="{:.1f}")

    held_out = [error("validation", _validation_errors), error("test", _test_errors)]
    if not any(trial.outcome.validation_curve for trial in trials):
        del held_out[0]
    return draw_panels(arm_panels, (loss, *held_out))


def draw_panels(arm_panels: Sequence[Panel], quantities: Sequence[Quantity]) -> list[Chart]:
    """One chart for each panel and quantity: the mean over seeds, with a band of their range.

    All charts of one quantity have the same limits, so that panels can be compared.
    """
    numbers = series_index(arm_panels)

    def chart(panel: Panel, quantity: Quantity) -> Chart:
        series = {
            name: quantity.curves(row.arm) for name, row in panel.rows.items() if name in numbers
        }
        title = f"{panel.heading}{panel.heading and ': '}{quantity.title}"
        numbered = {numbers[name]: curves for name, curves in series.items()}
        return draw(
            title, _description(quantity, series), _SIZE, partial(_paint, numbered, quantity)
        )

    return [chart(panel, quantity) for panel in arm_panels[:MAX_PANELS] for quantity in quantities]


def series_index(arm_panels: Iterable[Panel]) -> dict[str, int]:
    """Number of each series, the same in every panel, which gives its colour and dashes.

    Series beyond :data:`MAX_SERIES` are left out.
    """
    names = dict.fromkeys(name for panel in arm_panels for name in panel.rows)
    return {name: index for index, name in zip(range(MAX_SERIES), names, strict=False)}


def log_limits(values: Iterable[float]) -> tuple[float, float]:
    """Limits of a logarithmic axis with a margin; values that are not positive are ignored."""
    shown = [value for value in values if value > 0] or [1.0]
    return min(shown) / 1.5, max(shown) * 1.2


def _paint(series: dict[int, list[Points]], quantity: Quantity, axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    if quantity.log:
        axes.set_yscale("log")
        log_ticks(axes.yaxis)
    draw_curves(axes, series)
    axes.set(ylim=quantity.limits, xlabel=quantity.x, ylabel=quantity.y)
    if quantity.right is not None:
        axes.set_xlim(0, 1.02 * quantity.right)
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=(1, 2, 5, 10), integer=True))


def _description(quantity: Quantity, series: dict[str, list[Points]]) -> str:
    """Text alternative of a chart: the first and the last value of each series."""
    ends = []
    for name, curves in series.items():
        means = [fmean(ys) for ys in values_by_x(curves).values()]
        if means:
            first, last = (quantity.figure.format(y) for y in (means[0], means[-1]))
            ends.append(f"{name} {first}, {last}")
    subject = f"{quantity.y} against {quantity.x}, mean over seeds"
    return f"{subject}, at the left end and at the right: {'; '.join(ends) or 'nothing yet'}."


def _losses(trial: TrialRecord) -> Points:
    return trial.outcome.train_curve


def _test_errors(trial: TrialRecord) -> Points:
    return [(step, 100 * error) for step, error, _ in trial.outcome.test_curve]


def _validation_errors(trial: TrialRecord) -> Points:
    return [(step, 100 * error) for step, error, _ in trial.outcome.validation_curve]
